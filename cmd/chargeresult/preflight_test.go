package main

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/chargeresult/chargeresult/processor/dedup"
)

func goodFacts(c config) facts {
	return facts{
		kafka: kafkaFacts{brokers: []brokerFacts{{id: 1, release: "v4.1", endTxn: 5}, {id: 2, release: "v4.1", endTxn: 5}}, transactionVersion: 2, topics: goodTopics(c)},
		redis: redisFacts{Facts: dedup.Facts{Version: "7.0.15", MaxMemoryPolicy: "noeviction", AOF: true}},
	}
}

func TestJudgeGoodFacts(t *testing.T) {
	c := mustLoad(t)
	r := judge(c, goodFacts(c))
	for _, row := range r {
		if row.Status != passed || row.Do != "" || row.Name == "" || row.Wanted == "" || row.Found == "" {
			t.Errorf("%+v", row)
		}
	}
	if err := r.Err(); err != nil {
		t.Error(err)
	}
}

// TestJudge breaks one fact each. Exactly the named check must change, and say what to do.
func TestJudge(t *testing.T) {
	for name, test := range map[string]struct {
		environ []string
		change  func(*facts)
		check   string
		status  status
	}{
		"old broker":              {nil, func(f *facts) { f.kafka.brokers[1].endTxn = 4 }, "kafka release", refused},
		"old broker, allowed":     {[]string{"CHARGERESULT_ALLOW_UNSAFE_BROKER=true"}, func(f *facts) { f.kafka.brokers[1].endTxn = 4 }, "kafka release", warned},
		"a silent broker":         {nil, func(f *facts) { f.kafka.brokers[0] = brokerFacts{id: 1, err: errors.New("EOF")} }, "kafka release", warned},
		"old feature":             {nil, func(f *facts) { f.kafka.transactionVersion = 1 }, "kafka transaction.version", refused},
		"old feature, allowed":    {[]string{"CHARGERESULT_ALLOW_UNSAFE_BROKER=true"}, func(f *facts) { f.kafka.transactionVersion = 0 }, "kafka transaction.version", warned},
		"results compacted":       {nil, topicSet("charge-result", "cleanup.policy", "compact,delete"), "charge-result cleanup.policy", refused},
		"results forgotten":       {nil, topicSet("charge-result", "retention.ms", "604799999"), "charge-result retention.ms", refused},
		"results kept for ever":   {nil, topicSet("charge-result", "retention.ms", "-1"), "", passed},
		"results kept just right": {nil, topicSet("charge-result", "retention.ms", "604800000"), "", passed},
		"longer TTL":              {[]string{"CHARGERESULT_DEDUP_TTL=169h"}, topicSet("charge-result", "retention.ms", "604800000"), "charge-result retention.ms", refused},
		"duplicates compacted":    {nil, topicSet("charge-result.duplicates", "cleanup.policy", "compact"), "charge-result.duplicates cleanup.policy", refused},
		"waiting compacted":       {nil, topicSet("charge-result.retry.1m", "cleanup.policy", "compact"), "charge-result.retry.1m cleanup.policy", refused},
		"waiting forgotten":       {nil, topicSet("charge-result.retry.10s", "retention.ms", "86399999"), "charge-result.retry.10s retention.ms", refused},
		"a longer deadline":       {[]string{"CHARGERESULT_RETRY_DEADLINE=25h"}, topicSet("charge-result.retry.5m", "retention.ms", "86400000"), "charge-result.retry.5m retention.ms", refused},
		"inputs forgotten":        {nil, topicSet("charge-requested", "retention.ms", "1000"), "charge-requested retention.ms", warned},
		"one in-sync replica":     {nil, topicSet("charge-cancelled", "min.insync.replicas", "1"), "durability of topics", warned},
		"offsets in one place": {nil, func(f *facts) {
			f.kafka.topics["__consumer_offsets"] = topicFacts{Partitions: 50, Replication: 1}
		}, "durability of topics", warned},
		"eviction":         {nil, func(f *facts) { f.redis.MaxMemoryPolicy = "allkeys-lru" }, "redis maxmemory_policy", refused},
		"unknown eviction": {nil, func(f *facts) { f.redis.MaxMemoryPolicy = "" }, "redis maxmemory_policy", refused},
		"no AOF":           {nil, func(f *facts) { f.redis.AOF = false }, "redis append-only file", warned},
		"open vendor":      {[]string{"CHARGERESULT_INQUIRY_URL=http://konaplate.test", "CHARGERESULT_INQUIRY_ALLOW_HTTP=true"}, nil, "inquiry url", warned},
		"open simulator":   {[]string{"CHARGERESULT_INQUIRY_URL=http://127.0.0.1:8080"}, nil, "", passed},
		"localhost":        {[]string{"CHARGERESULT_INQUIRY_URL=http://localhost:8080"}, nil, "", passed},
		"open SASL":        {[]string{"CHARGERESULT_KAFKA_SASL_MECHANISM=PLAIN", "CHARGERESULT_KAFKA_SASL_USERNAME=u", "CHARGERESULT_KAFKA_SASL_PASSWORD=p"}, nil, "credentials encrypted on the way", warned},
		"open Redis":       {[]string{"CHARGERESULT_REDIS_URL=redis://:" + hidden + "@h"}, nil, "credentials encrypted on the way", warned},
		"encrypted Redis":  {[]string{"CHARGERESULT_REDIS_URL=rediss://:" + hidden + "@h"}, nil, "", passed},
		"a short token":    {[]string{"CHARGERESULT_INQUIRY_SECRET_KEY=", "CHARGERESULT_INQUIRY_TRAN_TOKEN=" + hidden}, nil, "inquiry credentials", warned},
		"a token of 67":    {[]string{"CHARGERESULT_INQUIRY_SECRET_KEY=", "CHARGERESULT_INQUIRY_TRAN_TOKEN=" + strings.Repeat("t", 67)}, nil, "", passed},
	} {
		t.Run(name, func(t *testing.T) {
			c := mustLoad(t, test.environ...)
			f := goodFacts(c)
			if test.change != nil {
				test.change(&f)
			}
			r := judge(c, f)
			for _, row := range r {
				want := passed
				if row.Name == test.check {
					want = test.status
				}
				if row.Status != want || (row.Do == "") != (want == passed) || shows(row.Found+row.Do) {
					t.Errorf("%+v, want %s", row, want)
				}
			}
			if got := errors.Is(r.Err(), errRefused); got != (test.status == refused) {
				t.Errorf("refused: %t: %v", got, r.Err())
			}
		})
	}
}

func topicSet(topic, key, value string) func(*facts) {
	return func(f *facts) { f.kafka.topics[topic].Configs[key] = value }
}

// What cannot be reached or read is refused, and hides no other reason.
func TestJudgeUnknown(t *testing.T) {
	c := mustLoad(t)
	f := goodFacts(c)
	f.kafka = kafkaFacts{err: errors.New("connection refused")}
	f.redis.MaxMemoryPolicy = "volatile-lru"
	r := judge(c, f)
	if got := refusalsOf(r); !slices.Equal(got, []string{"kafka reachable", "redis maxmemory_policy"}) {
		t.Errorf("%v", got)
	}
	for _, want := range []string{"refused to run for 2 reasons", "connection refused", "volatile-lru"} {
		if !strings.Contains(r.Err().Error(), want) {
			t.Errorf("%v\n  lacks %s", r.Err(), want)
		}
	}
	f = goodFacts(c)
	f.redis = redisFacts{err: errors.New("connection refused")}
	f.kafka.topics[c.TopicResult] = topicFacts{Partitions: 1, Replication: 3, ConfigsErr: errors.New("not allowed")}
	delete(f.kafka.topics, c.TopicRequested)
	if got := refusalsOf(judge(c, f)); !slices.Equal(got, []string{
		"topic charge-requested", "charge-result cleanup.policy", "charge-result retention.ms", "redis reachable",
	}) {
		t.Errorf("%v", got)
	}
}

func refusalsOf(r report) []string {
	var names []string
	for _, c := range r.Refusals() {
		names = append(names, c.Name)
	}
	return names
}

// From nothing to ready: an empty cluster is refused, with every reason at once; after `topics --execute` it is not.
func TestPreflightCommand(t *testing.T) {
	_, broker := startKafka(t)
	environ := complete("CHARGERESULT_KAFKA_BROKERS="+broker, "CHARGERESULT_REDIS_URL="+startRedis(t, strings.Replace(goodInfo, "noeviction", "allkeys-lru", 1)))
	got := runProgram(t, environ, "preflight")
	if got.code != exitRefused || strings.Count(got.stdout, "fail ") != 9 || !strings.Contains(got.stderr, "refused to run for 9 reasons") {
		t.Fatalf("%+v", got)
	}
	if got := runProgram(t, environ, "topics", "--execute"); got.code != exitDone {
		t.Fatalf("%+v", got)
	}
	environ = append(environ, "CHARGERESULT_REDIS_URL="+startRedis(t, goodInfo))
	got = runProgram(t, environ, "preflight", "--json")
	var rows report
	if err := json.Unmarshal([]byte(got.stdout), &rows); err != nil || got.code != exitDone || got.stderr != "" || len(rows) < 15 {
		t.Fatalf("%+v, %v", got, err)
	}
}

func TestPreflightRefusesKafka39(t *testing.T) {
	_, broker := startKafka(t, kfake.MaxVersions(kversion.FromString("3.9")), kfake.SeedTopics(1, topicNames(mustLoad(t))...))
	environ := []string{"CHARGERESULT_KAFKA_BROKERS=" + broker, "CHARGERESULT_REDIS_URL=" + startRedis(t, goodInfo)}
	want := []string{"kafka release", "kafka transaction.version"}
	if got := refusalsOf(preflight(t.Context(), mustLoad(t, environ...))); !slices.Equal(got, want) {
		t.Errorf("refusals: %v, want %v", got, want)
	}
	environ = append(environ, "CHARGERESULT_ALLOW_UNSAFE_BROKER=true")
	if err := preflight(t.Context(), mustLoad(t, environ...)).Err(); err != nil {
		t.Errorf("allowed, and yet %v", err)
	}
}

func TestPreflightReachesNothing(t *testing.T) {
	c := mustLoad(t, "CHARGERESULT_KAFKA_BROKERS=127.0.0.1:1", "CHARGERESULT_REDIS_URL=redis://:"+hidden+"@127.0.0.1:1")
	r := preflight(t.Context(), c)
	if got := refusalsOf(r); !slices.Equal(got, []string{"kafka reachable", "redis reachable"}) || shows(r.Err().Error()) {
		t.Errorf("%v: %v", got, r.Err())
	}
}
