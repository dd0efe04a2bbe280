//go:build integration

package main

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/chargeresult/chargeresult/deploy/testbed"
)

// refuses fails the test unless the process ends by itself with an exit code, having named every reason.
func (s *site) refuses(code int, reasons ...string) {
	s.Helper()
	p := s.start("")
	p.asked = true
	if got := p.wait(eventually); got != code {
		s.Errorf("exit code %d, want %d", got, code)
	}
	for _, reason := range reasons {
		if !strings.Contains(p.log.String(), reason) {
			s.Errorf("it does not say %q", reason)
		}
	}
}

// TestRefusesSettings: every setting that is missing or malformed is named in one run.
func TestRefusesSettings(t *testing.T) {
	s := newSite(t, testbed.SharedKafka(t), testbed.SharedRedis(t), 1, steady)
	s.extra = []string{
		"CHARGERESULT_KAFKA_BROKERS=", "CHARGERESULT_INQUIRY_ACCESS_KEY=short", "CHARGERESULT_CONCURRENCY=many",
		"CHARGERESULT_SESSION_TIMEOUT=1", "CHARGERESULT_ORDERING=none at all", "CHARGERESULT_NO_SUCH=1",
	}
	s.refuses(
		exitUsage, "CHARGERESULT_KAFKA_BROKERS", "CHARGERESULT_INQUIRY_ACCESS_KEY", "CHARGERESULT_CONCURRENCY", "many",
		"CHARGERESULT_SESSION_TIMEOUT", "CHARGERESULT_ORDERING", "none at all", "CHARGERESULT_NO_SUCH",
	)
}

// TestRefusesServers: whatever makes the servers unsafe is named in one run, and nothing is consumed.
func TestRefusesServers(t *testing.T) {
	redis := testbed.StartRedis(t, "--maxmemory-policy", "allkeys-lru")
	s := newSite(t, testbed.SharedKafka(t), redis.URL, 1, steady)
	s.topics["TOPIC_CANCELLED"], s.topics["TOPIC_DEAD_LETTER"] = s.group+".nowhere", s.group+".nothing"
	compact, hour := "compact", "3600000"
	for topic, config := range map[string]kadm.AlterConfig{
		s.results():                  {Name: "cleanup.policy", Value: &compact},
		s.topics["TOPIC_DUPLICATES"]: {Name: "cleanup.policy", Value: &compact},
	} {
		s.alter(topic, config, kadm.AlterConfig{Name: "retention.ms", Value: &hour})
	}
	s.refuses(
		exitRefused, "topic "+s.cancelled()+": found missing", "topic "+s.letters()+": found missing", "allkeys-lru", "noeviction",
		s.results()+" cleanup.policy: found compact", s.results()+" retention.ms: found 3600000", s.topics["TOPIC_DUPLICATES"]+" cleanup.policy: found compact",
	)
}

func (s *site) alter(topic string, configs ...kadm.AlterConfig) {
	s.Helper()
	answers, err := s.admin.AlterTopicConfigs(s.Context(), configs, topic)
	if err != nil || answers[0].Err != nil {
		s.Fatal(err, answers)
	}
}

// TestRefusesUnsafeBroker: transactions before KIP-890 are refused, unless told otherwise by the option that says that it is unsafe.
func TestRefusesUnsafeBroker(t *testing.T) {
	t.Parallel()
	kafka := testbed.StartKafka(t, testbed.Feature("transaction.version", 1))
	s := newSite(t, kafka.Addr, testbed.SharedRedis(t), 4, steady)
	s.refuses(exitRefused, "transaction.version", "found 1", "CHARGERESULT_ALLOW_UNSAFE_BROKER")

	s.extra = []string{"CHARGERESULT_ALLOW_UNSAFE_BROKER=true", "CHARGERESULT_SESSION_TIMEOUT=6s", "CHARGERESULT_TRANSACTION_TIMEOUT=6s"}
	var sent sending
	s.send(&sent, 0, 1000, 0.05)
	p := s.startAndAwait("")
	s.awaitFinished(&sent, 300)
	p.kill()
	s.startAndAwait("")
	s.awaitDone(eventually)
	s.judged(&sent)
}
