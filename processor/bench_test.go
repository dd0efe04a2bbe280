package processor

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor/stream"
	"github.com/chargeresult/chargeresult/processor/telemetry"
)

// BenchmarkFlow is what a poll costs between Kafka, Redis and Konaplate: all of its events are new, and are answered at once. Of what
// it is compared with, the allocations say most: they are the same on every machine.
func BenchmarkFlow(b *testing.B) {
	messages := pollOf(b, 500)
	benchmarkFlow(b, messages, nil)
	b.Run("traced", func(b *testing.B) {
		provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(nowhere{}))
		defer func() { _ = provider.Shutdown(context.WithoutCancel(b.Context())) }()
		t, err := telemetry.New(telemetry.Config{Traces: provider, Group: "charge-result"})
		if err != nil {
			b.Fatal(err)
		}
		benchmarkFlow(b, messages, t)
	})
}

// nowhere is a collector that takes everything, at no cost: what encoding costs is measured where that is done.
type nowhere struct{}

func (nowhere) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error { return nil }
func (nowhere) Shutdown(context.Context) error                             { return nil }

func benchmarkFlow(b *testing.B, messages []*stream.Message, t *telemetry.Telemetry) {
	p, err := New(Config{
		Telemetry: t,
		Group:     "charge-result", Topics: Topics{Requested: events.TopicRequested, Cancelled: events.TopicCancelled, Result: events.TopicResult, RetryPrefix: events.TopicRetryPrefix},
		Policy: testPolicy, Guards: Guards{Refusals: 20, DeadLetters: 100}, Claims: freeClaims{}, Inquirer: instrumented(b, t), Intake: stream.NewIntake(slog.New(slog.DiscardHandler)),
	})
	if err != nil {
		b.Fatal(err)
	}
	ctx := b.Context()
	must := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	admit := func() { must(p.Admit(ctx, stream.Member{}, messages)) }
	process := func() {
		for _, m := range messages {
			_, err := p.Process(ctx, m)
			must(err)
		}
	}
	confirm := func() { must(p.Confirm(ctx, messages)) }
	settle := func() { p.Settle(ctx, messages) }
	for _, bm := range []struct {
		name   string
		stages []func()
	}{
		{"Admit", []func(){admit}},
		{"Process", []func(){process}},
		{"Confirm", []func(){confirm}},
		{"Settle", []func(){settle}},
		{"all", []func(){admit, process, confirm, settle}},
	} {
		admit() // each begins with new messages
		process()
		b.Run(bm.name, func(b *testing.B) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for b.Loop() {
				for _, stage := range bm.stages {
					stage()
				}
			}
			runtime.ReadMemStats(&after)
			n := float64(b.N * len(messages))
			b.ReportMetric(float64(after.Mallocs-before.Mallocs)/n, "allocs/event")
			b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/n, "B/event")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/n, "ns/event")
		})
	}
}

// freeClaims are Claims that are free, and settled without a trace.
type freeClaims struct{ Claims }

func (freeClaims) Claim(_ context.Context, _ int32, claims []Claim) ([]Claimed, error) {
	claimed := make([]Claimed, len(claims))
	for i, c := range claims {
		claimed[i] = Claimed{Verdict: Ours, Owner: c.Owner, Incarnation: "1"}
	}
	return claimed, nil
}

func (freeClaims) Incarnation(context.Context) (string, error) { return "1", nil }
func (freeClaims) Settle(context.Context, []Settlement) error  { return nil }

// allCompleted is a vendor without a network between; the round trip is instrumented all the same.
type allCompleted struct{ http http.RoundTripper }

func instrumented(b *testing.B, t *telemetry.Telemetry) allCompleted {
	if t == nil {
		return allCompleted{}
	}
	instrument, err := t.Transport("https://konaplate.example/open-api")
	if err != nil {
		b.Fatal(err)
	}
	return allCompleted{instrument(noReply{})}
}

func (c allCompleted) Inquire(ctx context.Context, _ <-chan struct{}, _ events.Event) (Answer, error) {
	if c.http != nil {
		request, _ := http.NewRequestWithContext(ctx, http.MethodPost, "https://konaplate.example", nil)
		response, _ := c.http.RoundTrip(request)
		_ = response.Body.Close()
	}
	return Answer{Class: Answered, Result: events.Completed, Code: "000_000"}, nil
}

// noReply is a reply of nothing.
type noReply struct{}

func (noReply) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
}

// pollOf returns the n messages of one poll, which only an engine can make. It holds on to them until the benchmark ends.
func pollOf(b *testing.B, n int) []*stream.Message {
	kafka, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, events.TopicRequested))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(kafka.Close)
	client, err := kgo.NewClient(kgo.SeedBrokers(kafka.ListenAddrs()...))
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	var records []*kgo.Record
	for i := range n {
		id := fmt.Sprintf("261122103000-%07x", i)
		records = append(records, &kgo.Record{
			Topic: events.TopicRequested, Key: []byte(id),
			Value: fmt.Appendf(nil, `{"correlationId":%q,"sequenceId":"CHG%010d","requestedAt":"2026-11-22T10:30:00+09:00"}`, id, i),
		})
	}
	if err := client.ProduceSync(b.Context(), records...).FirstErr(); err != nil {
		b.Fatal(err)
	}

	keeper := keeper{make(chan []*stream.Message)}
	engine, err := stream.New(stream.Config{
		Client: []kgo.Opt{kgo.SeedBrokers(kafka.ListenAddrs()...)}, Group: "g", Topics: []string{events.TopicRequested}, TransactionalID: "txn",
		Handler: keeper, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- engine.Run(ctx) }()
	b.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			b.Error(err)
		}
	})
	messages := <-keeper.polls
	if len(messages) != n {
		b.Fatalf("a poll of %d messages, want %d", len(messages), n)
	}
	return messages
}

// keeper is a handler that gives polls away, and admits nothing.
type keeper struct{ polls chan []*stream.Message }

func (k keeper) Admit(ctx context.Context, _ stream.Member, messages []*stream.Message) error {
	select {
	case k.polls <- messages:
		<-ctx.Done()
	case <-ctx.Done():
	}
	return ctx.Err()
}

func (keeper) Process(context.Context, *stream.Message) ([]*kgo.Record, error) {
	return nil, stream.ErrAbandoned
}
