//go:build integration

package testbed_test

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chargeresult/chargeresult/deploy/testbed"
)

func TestMain(m *testing.M) { os.Exit(testbed.Main(m)) }

// Two brokers at once: one with the defaults, which crashes, and one of an older transaction protocol, which does not.
func TestBrokersSideBySide(t *testing.T) {
	crashing := testbed.StartKafka(t)
	old := testbed.StartKafka(t, testbed.Feature("transaction.version", 1), testbed.Property("offset.metadata.max.bytes", "64"))
	if got := transactionVersion(t, crashing.Addr); got != 2 {
		t.Errorf("transaction.version is %d by default, want 2", got)
	}
	if got := transactionVersion(t, old.Addr); got != 1 {
		t.Errorf("transaction.version is %d with the option, want 1", got)
	}
	if got, err := old.Tool("configs", "--describe", "--all", "--entity-type", "brokers", "--entity-name", "1"); err != nil ||
		!strings.Contains(got, "offset.metadata.max.bytes=64 ") {
		t.Errorf("configs: %v, %q lacks the property", err, got)
	}

	const topic, count = "kept", 100
	for _, k := range []*testbed.Kafka{crashing, old} {
		testbed.CreateTopics(t, k.Addr, 3, topic)
	}
	produce(t, crashing.Addr, topic, count)

	start := time.Now()
	crashing.Kill()
	if c, err := net.Dial("tcp", crashing.Addr); err == nil {
		c.Close()
		t.Error("the killed broker's port is open")
	}
	crashing.Restart()
	t.Logf("kill and restart: %v", time.Since(start))

	if got := len(testbed.Dump(t, crashing.Addr, topic)); got != count {
		t.Errorf("%d records after kill and restart, want %d", got, count)
	}
	if got := len(testbed.Dump(t, old.Addr, topic)); got != 0 {
		t.Errorf("%d records in the other broker, want none", got)
	}
	if got := transactionVersion(t, crashing.Addr); got != 2 {
		t.Errorf("transaction.version is %d after a restart, want 2", got)
	}

	crashing.Stop()
	crashing.Restart()
	produce(t, crashing.Addr, topic, 1)
	if got := len(testbed.Dump(t, crashing.Addr, topic)); got != count+1 {
		t.Errorf("%d records after stop and restart, want %d", got, count+1)
	}
}

func TestStartBrokerSaysWhyItFailed(t *testing.T) {
	_, err := testbed.StartBroker(t.Context(), testbed.Property("log.retention.ms", "soon"))
	if err == nil || !strings.Contains(err.Error(), "log.retention.ms") {
		t.Errorf("error %v does not name the property", err)
	}
}

func transactionVersion(t *testing.T, addr string) int16 {
	t.Helper()
	response, err := kmsg.NewPtrApiVersionsRequest().RequestWith(t.Context(), client(t, addr))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range response.FinalizedFeatures {
		if f.Name == "transaction.version" {
			return f.MaxVersionLevel
		}
	}
	return 0
}

func produce(t *testing.T, addr, topic string, count int) {
	t.Helper()
	var records []*kgo.Record
	for i := range count {
		records = append(records, &kgo.Record{Topic: topic, Key: fmt.Append(nil, i)})
	}
	if err := client(t, addr).ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

func client(t *testing.T, addr string, options ...kgo.Opt) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(append(options, kgo.SeedBrokers(addr))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}
