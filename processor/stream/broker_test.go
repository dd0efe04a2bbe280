package stream

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
)

func (k *kafka) downgrade(version int16) {
	k.t.Helper()
	req := kmsg.NewPtrUpdateFeaturesRequest()
	one := kmsg.NewUpdateFeaturesRequestFeatureUpdate()
	one.Feature, one.MaxVersionLevel, one.UpgradeType, one.AllowDowngrade = "transaction.version", version, 2, true
	req.FeatureUpdates = append(req.FeatureUpdates, one)
	resp, err := req.RequestWith(k.t.Context(), k.client)
	if err != nil || resp.ErrorCode != 0 {
		k.t.Fatalf("downgrade: %v, %v", resp, err)
	}
}

func TestUnsafeBrokerIsRefused(t *testing.T) {
	for _, version := range []int16{0, 1} {
		t.Run(fmt.Sprint("transaction.version ", version), func(t *testing.T) {
			bubble(t, func(t *testing.T, k *kafka) {
				k.downgrade(version)
				k.send(0, "a")
				err := k.start(newUpper()).ended(time.Minute)
				if !errors.Is(err, ErrUnsafeBroker) || !strings.Contains(err.Error(), "kafka-features.sh") {
					t.Errorf("Run = %v, want %v and what to do", err, ErrUnsafeBroker)
				}
				if got := k.published(); len(got) > 0 {
					t.Errorf("published %v", got)
				}
			})
		})
	}
}

// TestUnsafeBrokerIsAllowed: whoever insists gets a processor that works, on the old protocol.
func TestUnsafeBrokerIsAllowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &kafka{t: t}
		var err error
		k.cluster, err = kfake.NewCluster(kfake.NumBrokers(1), kfake.ListenFn(k.net.Listen), kfake.ClusterID("embedded"),
			kfake.MaxVersions(kversion.V3_9_0()), kfake.SeedTopics(4, "in"), kfake.SeedTopics(1, "out"))
		if err != nil {
			t.Fatal(err)
		}
		k.connect()
		defer k.close()
		k.send(0, "a", "b")
		p := k.start(newUpper(), func(c *Config) { c.AllowUnsafeBroker = true })
		k.awaitPublished("A", "B")
		k.awaitCommitted(0, 2)
		p.stop()
	})
}

func TestConfigReportsEveryFault(t *testing.T) {
	_, err := New(Config{
		Concurrency: -1, LookAhead: -2, Ordering: "random", CommitInterval: -1, TransactionTimeout: -1, SessionTimeout: -1, DrainTimeout: -1,
	})
	if err == nil {
		t.Fatal("no error")
	}
	for _, field := range []string{
		"Group", "Topics", "TransactionalID", "Handler", "Concurrency", "LookAhead", "Ordering",
		"CommitInterval", "TransactionTimeout", "SessionTimeout", "DrainTimeout",
	} {
		if !strings.Contains(err.Error(), "stream: "+field+" ") {
			t.Errorf("no fault of %s in:\n%v", field, err)
		}
	}
}

func TestConfigOfParkedTopics(t *testing.T) {
	valid := Config{Group: "g", Topics: []string{"in"}, TransactionalID: "t", Handler: newUpper(), Parked: []string{"later"}, Due: dueOf}
	if _, err := New(valid); err != nil {
		t.Errorf("parked topics: %v", err)
	}
	for name, change := range map[string]func(*Config){
		"Parked needs Due":                   func(c *Config) { c.Due = nil },
		"Parked and Topics both name \"in\"": func(c *Config) { c.Parked = []string{"later", "in"} },
	} {
		c := valid
		change(&c)
		if _, err := New(c); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("New = %v, want %q", err, name)
		}
	}
}

func TestConfigDefaults(t *testing.T) {
	if _, err := New(Config{Group: "g", Topics: []string{"in"}, TransactionalID: "t", Handler: newUpper()}); err != nil {
		t.Errorf("what is required suffices: %v", err)
	}
}
