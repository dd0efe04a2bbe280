package stream_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chargeresult/chargeresult/processor/stream"
)

// shout publishes every value in upper case.
type shout struct{}

func (shout) Admit(context.Context, stream.Member, []*stream.Message) error { return nil }

func (shout) Process(_ context.Context, m *stream.Message) ([]*kgo.Record, error) {
	return []*kgo.Record{{Topic: "loud", Key: m.Record.Key, Value: bytes.ToUpper(m.Record.Value)}}, nil
}

func ExampleEngine() {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "quiet", "loud"))
	if err != nil {
		log.Fatal(err)
	}
	defer cluster.Close()
	brokers := kgo.SeedBrokers(cluster.ListenAddrs()...)

	// Subscribers must read committed records only.
	subscriber, err := kgo.NewClient(brokers, kgo.ConsumeTopics("loud"), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	if err != nil {
		log.Fatal(err)
	}
	defer subscriber.Close()
	ctx, stop := context.WithCancel(context.Background())
	for _, word := range []string{"one", "two", "three"} {
		r := &kgo.Record{Topic: "quiet", Key: []byte("k"), Value: []byte(word)} // one key: in order
		if err := subscriber.ProduceSync(ctx, r).FirstErr(); err != nil {
			log.Fatal(err)
		}
	}

	engine, err := stream.New(stream.Config{
		Client: []kgo.Opt{brokers}, Group: "shouters", Topics: []string{"quiet"}, TransactionalID: "shouter-1",
		Handler: shout{}, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		log.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- engine.Run(ctx) }()

	for seen := 0; seen < 3; {
		subscriber.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
			fmt.Println(string(r.Value))
			seen++
		})
	}
	stop() // as SIGTERM would
	fmt.Println(<-done)
	// Output:
	// ONE
	// TWO
	// THREE
	// <nil>
}
