package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// states is the states of the rows, in order.
func states(rows []topicRow) string {
	var s []string
	for _, r := range rows {
		s = append(s, r.State)
	}
	return strings.Join(s, " ")
}

// goodTopics are topics that nothing is wrong with.
func goodTopics(c config) map[string]topicFacts {
	found := map[string]topicFacts{}
	for _, name := range topicNames(c) {
		found[name] = topicFacts{Partitions: 6, Replication: 3, Configs: map[string]string{
			"cleanup.policy": "delete", "retention.ms": "-1", "max.message.bytes": "2097176", "min.insync.replicas": "2",
		}}
	}
	for _, input := range []string{c.TopicRequested, c.TopicCancelled} {
		found[input].Configs["max.message.bytes"] = "1048588"
	}
	return found
}

func TestPlanTopics(t *testing.T) {
	c := mustLoad(t)
	set := func(topic, key, value string) func(map[string]topicFacts) {
		return func(found map[string]topicFacts) { found[topic].Configs[key] = value }
	}
	for name, test := range map[string]struct {
		change func(map[string]topicFacts)
		size   topicSize
		topic  string
		state  string
		do     []string
	}{
		"all right":         {func(map[string]topicFacts) {}, topicSize{}, c.TopicResult, topicOK, nil},
		"missing":           {func(found map[string]topicFacts) { delete(found, c.TopicResult) }, topicSize{12, 3}, c.TopicResult, topicMissing, []string{"--create --topic charge-result --partitions 12 --replication-factor 3", "retention.ms=691200000"}},
		"compacted":         {set(c.TopicResult, "cleanup.policy", "compact"), topicSize{}, c.TopicResult, topicDiffers, []string{"kafka-configs.sh --bootstrap-server 127.0.0.1:9092 --alter", "--entity-name charge-result --add-config cleanup.policy=delete"}},
		"short retention":   {set(c.TopicDuplicates, "retention.ms", "604800000"), topicSize{}, c.TopicDuplicates, topicDiffers, []string{"--add-config retention.ms=691200000"}},
		"dead letters":      {set(c.TopicDeadLetter, "retention.ms", "691200000"), topicSize{}, c.TopicDeadLetter, topicDiffers, []string{"--add-config retention.ms=2592000000"}},
		"larger inputs":     {set(c.TopicCancelled, "max.message.bytes", "2000000"), topicSize{}, c.TopicDeadLetter, topicDiffers, []string{"--add-config max.message.bytes=4000000"}},
		"few partitions":    {func(map[string]topicFacts) {}, topicSize{7, 0}, c.TopicResult, topicDiffers, []string{"--alter --topic charge-result --partitions 7"}},
		"enough partitions": {func(map[string]topicFacts) {}, topicSize{5, 3}, c.TopicResult, topicOK, nil},
		"few replicas":      {func(map[string]topicFacts) {}, topicSize{0, 4}, c.TopicResult, topicDiffers, []string{"kafka-reassign-partitions"}},
		"hidden settings": {func(found map[string]topicFacts) {
			found[c.TopicResult] = topicFacts{Partitions: 1, Replication: 1, ConfigsErr: fmt.Errorf("not allowed")}
		}, topicSize{}, c.TopicResult, topicDiffers, nil},
	} {
		t.Run(name, func(t *testing.T) {
			found := goodTopics(c)
			test.change(found)
			rows := planTopics(c, test.size, found)
			row := rows[slices.IndexFunc(rows, func(r topicRow) bool { return r.Topic == test.topic })]
			if row.State != test.state || (row.Do == "") != (test.state == topicOK) {
				t.Errorf("%+v", row)
			}
			for _, want := range test.do {
				if !strings.Contains(row.Do, want) {
					t.Errorf("%s\n  lacks %s", row.Do, want)
				}
			}
		})
	}
}

// The life of the topics in a new cluster: shown, created only on demand, and right from then on.
func TestTopicsCommand(t *testing.T) {
	cluster, broker := startKafka(t)
	environ := []string{"CHARGERESULT_KAFKA_BROKERS=" + broker} // nothing else is needed
	got := runProgram(t, environ, "topics", "--partitions", "4")
	if got.code != exitFailed || !strings.Contains(got.stdout, "charge-result.dlq") || !strings.Contains(got.stderr, "--execute creates what is missing") {
		t.Fatalf("dry run: %+v", got)
	}
	if info := cluster.TopicInfo("charge-result"); info != nil {
		t.Fatal("a dry run created a topic")
	}
	if got := runProgram(t, environ, "topics", "--partitions", "4", "--replication", "1", "--execute"); got.code != exitDone {
		t.Fatalf("execute: %+v", got)
	}
	got = runProgram(t, environ, "topics", "--partitions", "4", "--json")
	var rows []topicRow
	if err := json.Unmarshal([]byte(got.stdout), &rows); err != nil || got.code != exitDone || states(rows) != "ok ok ok ok ok ok ok ok" || rows[2].Partitions != 4 {
		t.Fatalf("afterwards: %+v, %v", got, err)
	}
}

// Topics that exist are never touched, not even where they are wrong.
func TestTopicsLeavesExistingAlone(t *testing.T) {
	_, broker := startKafka(t, kfake.SeedTopics(2, "charge-requested", "charge-result"))
	got := runProgram(t, []string{"CHARGERESULT_KAFKA_BROKERS=" + broker}, "topics", "--execute", "--json", "--partitions", "3")
	var rows []topicRow
	if err := json.Unmarshal([]byte(got.stdout), &rows); err != nil || got.code != exitFailed || states(rows) != "differs created differs created created created created created" || strings.Contains(got.stderr, "creating topic") {
		t.Fatalf("%+v, %v", got, err)
	}
	admin, err := openAdmin(t.Context(), mustLoad(t, "CHARGERESULT_KAFKA_BROKERS="+broker))
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	found, err := describeTopics(t.Context(), admin, "charge-result")
	if err != nil || found["charge-result"].Partitions != 2 || found["charge-result"].Configs["retention.ms"] != "604800000" {
		t.Errorf("an existing topic was altered: %+v, %v", found, err)
	}
}

// A broker may hear of a new topic later than the controller confirms it.
func TestTopicsWaitsForBrokers(t *testing.T) {
	cluster, broker := startKafka(t)
	late := 2 // metadata requests that are answered as by a broker that has not heard yet
	cluster.ControlKey(kmsg.CreateTopics.Int16(), func(kmsg.Request) (kmsg.Response, error, bool) {
		cluster.ControlKey(kmsg.Metadata.Int16(), func(req kmsg.Request) (kmsg.Response, error, bool) {
			asked := req.(*kmsg.MetadataRequest)
			if late--; late < 0 {
				return nil, nil, false
			}
			for i := range asked.Topics {
				asked.Topics[i].Topic = kmsg.StringPtr("unheard-of." + *asked.Topics[i].Topic)
			}
			return nil, nil, false
		})
		return nil, nil, false
	})
	if got := runProgram(t, []string{"CHARGERESULT_KAFKA_BROKERS=" + broker}, "topics", "--execute"); got.code != exitDone || late > 0 {
		t.Errorf("%d late answers were not waited for: %+v", late, got)
	}
}

func TestTopicsWithoutBroker(t *testing.T) {
	got := runProgram(t, []string{"CHARGERESULT_KAFKA_BROKERS=127.0.0.1:1"}, "topics")
	if got.code != exitFailed || got.stdout != "" || !strings.Contains(got.stderr, "no broker of [127.0.0.1:1] answers") {
		t.Errorf("%+v", got)
	}
}
