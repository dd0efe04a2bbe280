package main

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chargeresult/chargeresult/processor/console"
	"github.com/chargeresult/chargeresult/processor/stream"
)

// watched is a cluster with the topics of a processor, and what the watch knows of it.
func watched(t *testing.T) (*kfake.Cluster, *cluster, func(...kgo.Opt) *kgo.Client) {
	t.Helper()
	fake, broker := startKafka(t, kfake.SeedTopics(2, "charge-requested", "charge-cancelled", "charge-result", "charge-result.dlq",
		"charge-result.duplicates", "charge-result.retry.10s"))
	cl, err := openCluster(t.Context(), mustLoad(t, "CHARGERESULT_KAFKA_BROKERS="+broker))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.close)
	return fake, cl, func(options ...kgo.Opt) *kgo.Client {
		t.Helper()
		client, err := kgo.NewClient(append(options, kgo.SeedBrokers(broker), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(client.Close)
		return client
	}
}

func produce(t *testing.T, client *kgo.Client, topic string, n int) {
	t.Helper()
	for range n {
		if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Partition: 1, Value: []byte("v")}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

// commit commits offset 2 of charge-requested[1] for the group.
func commit(t *testing.T, cl *cluster) {
	t.Helper()
	var offsets kadm.Offsets
	offsets.AddOffset("charge-requested", 1, 2, -1)
	if err := cl.admin.CommitAllOffsets(t.Context(), cl.cfg.KafkaGroup, offsets); err != nil {
		t.Fatal(err)
	}
}

func TestAskCluster(t *testing.T) {
	_, cl, connect := watched(t)
	plain := connect()
	produce(t, plain, "charge-requested", 5)
	produce(t, plain, "charge-result.dlq", 3)
	produce(t, plain, "charge-result.retry.10s", 1)
	commit(t, cl)
	ours, others := connect(kgo.TransactionalID("ours")), connect(kgo.TransactionalID("theirs"))
	before := time.Now().Truncate(time.Millisecond)
	for _, client := range []*kgo.Client{ours, others} {
		if err := client.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
	}
	produce(t, ours, "charge-result", 1)
	produce(t, ours, "charge-result.duplicates", 1)
	produce(t, others, "charge-requested", 1)
	facts, err := askCluster(t.Context(), cl, "ours")
	if err != nil || facts.missing != nil {
		t.Fatal(err, facts.missing)
	}
	input := partitionID{"charge-requested", 1}
	if len(facts.logs) != 6 || facts.logs[input] != (logFacts{start: 0, end: 5}) || facts.logs[partitionID{"charge-result.retry.10s", 1}].end != 1 {
		t.Errorf("logs: %v", facts.logs)
	}
	if at, ok := facts.committed[input]; !ok || at != 2 || len(facts.committed) != 1 {
		t.Errorf("committed: %v", facts.committed)
	}
	if facts.deadLetters != 3 || len(facts.members) != 0 {
		t.Errorf("%d dead letters, members %v", facts.deadLetters, facts.members)
	}
	if len(facts.transactions) != 2 {
		t.Fatalf("%+v", facts.transactions)
	}
	for id, want := range map[string][]string{"ours": {"charge-result/1", "charge-result.duplicates/1"}, "theirs": {"charge-requested/1"}} {
		i := slices.IndexFunc(facts.transactions, func(o console.OpenTransaction) bool { return o.TransactionalID == id })
		if i < 0 {
			t.Fatalf("no transaction of %s: %+v", id, facts.transactions)
		}
		if o := facts.transactions[i]; !slices.Equal(o.Partitions, want) || o.Ours != (id == "ours") || o.Since.Before(before) || o.Since.After(time.Now()) {
			t.Errorf("%+v", o)
		}
	}
	for _, client := range []*kgo.Client{ours, others} {
		if err := client.EndTransaction(t.Context(), kgo.TryAbort); err != nil {
			t.Fatal(err)
		}
	}
	if facts, err := askCluster(t.Context(), cl, "ours"); err != nil || len(facts.transactions) != 0 {
		t.Errorf("after the end: %+v, %v", facts.transactions, err)
	}
}

// Whoever has a partition is named, by client ID, instance and host.
func TestAskMembers(t *testing.T) {
	_, cl, connect := watched(t)
	joined := make(chan struct{}, 1)
	connect(kgo.ClientID("them"), kgo.InstanceID("them-1"), kgo.ConsumerGroup(cl.cfg.KafkaGroup), kgo.ConsumeTopics("charge-requested"),
		kgo.OnPartitionsAssigned(func(context.Context, *kgo.Client, map[string][]int32) { joined <- struct{}{} }))
	<-joined
	facts, err := askCluster(t.Context(), cl, "")
	if err != nil || facts.missing != nil {
		t.Fatal(err, facts.missing)
	}
	if got := facts.members[partitionID{"charge-requested", 1}]; !strings.HasPrefix(got, "them them-1 at 127.0.0.1") || len(facts.members) != 2 {
		t.Errorf("%v", facts.members)
	}
	states, _ := testRules.partitions(time.Now(), facts, stream.Status{}, nil)
	for _, s := range states {
		want := console.Nobody
		if s.Topic == "charge-requested" {
			want = console.Elsewhere
		}
		if s.State != want {
			t.Errorf("%+v, want %s", s, want)
		}
	}
}

// An answer that is refused is missing, and said to be; the others are there. Only offsets are indispensable.
func TestAskClusterWithoutTheRight(t *testing.T) {
	for name, test := range map[string]struct {
		key     kmsg.Key
		refusal func(kmsg.Request) kmsg.Response
		missing string // part of what is said to be missing
		failed  string // part of why there are no facts
	}{
		"transactions": {key: kmsg.DescribeProducers, missing: "which transactions are open", refusal: func(r kmsg.Request) kmsg.Response {
			request, response := r.(*kmsg.DescribeProducersRequest), r.ResponseKind().(*kmsg.DescribeProducersResponse)
			for _, topic := range request.Topics {
				refused := kmsg.NewDescribeProducersResponseTopic()
				refused.Topic = topic.Topic
				for _, number := range topic.Partitions {
					p := kmsg.NewDescribeProducersResponseTopicPartition()
					p.Partition, p.ErrorCode = number, kerr.TopicAuthorizationFailed.Code
					refused.Partitions = append(refused.Partitions, p)
				}
				response.Topics = append(response.Topics, refused)
			}
			return response
		}},
		"whose they are": {key: kmsg.ListTransactions, missing: "whose transactions are open", refusal: func(r kmsg.Request) kmsg.Response {
			response := r.ResponseKind().(*kmsg.ListTransactionsResponse)
			response.ErrorCode = kerr.ClusterAuthorizationFailed.Code
			return response
		}},
		"the group": {key: kmsg.DescribeGroups, missing: "who is in group charge-result", refusal: func(r kmsg.Request) kmsg.Response {
			response, group := r.ResponseKind().(*kmsg.DescribeGroupsResponse), kmsg.NewDescribeGroupsResponseGroup()
			group.Group, group.ErrorCode = "charge-result", kerr.GroupAuthorizationFailed.Code
			response.Groups = append(response.Groups, group)
			return response
		}},
		"offsets": {key: kmsg.OffsetFetch, failed: "what group charge-result has committed", refusal: func(r kmsg.Request) kmsg.Response {
			response, group := r.ResponseKind().(*kmsg.OffsetFetchResponse), kmsg.NewOffsetFetchResponseGroup()
			group.Group, group.ErrorCode = "charge-result", kerr.GroupAuthorizationFailed.Code
			response.Groups = append(response.Groups, group)
			return response
		}},
	} {
		t.Run(name, func(t *testing.T) {
			fake, cl, connect := watched(t)
			open := connect(kgo.TransactionalID("open"))
			if err := open.BeginTransaction(); err != nil {
				t.Fatal(err)
			}
			produce(t, open, "charge-result", 1)
			commit(t, cl)
			fake.ControlKey(test.key.Int16(), func(r kmsg.Request) (kmsg.Response, error, bool) {
				fake.KeepControl()
				return test.refusal(r), nil, true
			})
			facts, err := askCluster(t.Context(), cl, "")
			if errorText(facts.missing) != "" != (test.missing != "") || !strings.Contains(errorText(facts.missing), test.missing) {
				t.Errorf("missing: %v", facts.missing)
			}
			if errorText(err) != "" != (test.failed != "") || !strings.Contains(errorText(err), test.failed) {
				t.Errorf("failed: %v", err)
			}
			if name == "whose they are" && (len(facts.transactions) != 1 || facts.transactions[0].TransactionalID != "" || facts.transactions[0].Since.IsZero()) {
				t.Errorf("%+v", facts.transactions)
			}
			if err == nil && (len(facts.logs) != 6 || len(facts.committed) != 1) {
				t.Errorf("%+v", facts)
			}
		})
	}
}
