package replay_test

import (
	"context"
	"fmt"
	"log"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor/replay"
)

// A group has finished two events. One has its result; of the other there is no trace.
func ExampleReconcile() {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.ClusterID("example"), kfake.SeedTopics(1, events.TopicRequested,
		events.TopicCancelled, events.TopicResult, events.TopicDeadLetter, events.TopicDuplicates))
	if err != nil {
		log.Fatal(err)
	}
	defer cluster.Close()
	options := []kgo.Opt{kgo.SeedBrokers(cluster.ListenAddrs()...)}
	finishTwoEvents(options)

	decoder, err := events.NewDecoder(events.Fields{})
	if err != nil {
		log.Fatal(err)
	}
	account, err := replay.Reconcile(context.Background(), replay.ReconcileConfig{
		Client: options, Group: "charge-result", Decoder: decoder,
		Inputs: map[string]events.Operation{events.TopicRequested: events.Charge, events.TopicCancelled: events.Cancellation},
		Result: events.TopicResult, DeadLetter: events.TopicDeadLetter, Duplicates: events.TopicDuplicates, RetryPrefix: events.TopicRetryPrefix,
	})
	if err != nil {
		log.Fatal(err)
	}
	t := account.Total
	fmt.Printf("accepted %d = final %d + dead %d + duplicate %d + waiting %d: %t\n", t.Accepted, t.Final, t.Dead, t.Duplicate, t.Waiting, account.Balanced)
	for _, f := range account.Faults {
		fmt.Println(f.Kind, f.Operation, f.CorrelationID, f.SequenceID, "at", f.Source)
	}
	// Output:
	// accepted 2 = final 1 + dead 0 + duplicate 0 + waiting 0: false
	// missing CHARGE 261122103000-00000a2 CHG2 at charge-requested/0/1
}
