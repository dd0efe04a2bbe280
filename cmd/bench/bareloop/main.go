// Command bareloop is what chargeresult is measured against: the smallest loop that reads events, claims each with a SETNX, asks about it
// with a POST and publishes the answer. It guarantees nothing but that every event is read at least once: results come in any order, a
// crash publishes some twice, and loses those it had claimed, because a claim that does not know its owner takes the redelivered event
// for a duplicate. Faults end it.
//
// With -pipelined the claims of a poll go to Redis in one round trip: the same loop at less than its cost, and the harder one to equal.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	maxPoll  = 500            // records
	claimTTL = 24 * time.Hour // of a SETNX
)

// event is what the loop reads of an event, and answer what it publishes.
type event struct {
	CorrelationID string `json:"correlationId"`
	SequenceID    string `json:"sequenceId"`
	key           []byte // of its record
}

type answer struct {
	CorrelationID string `json:"correlationId"`
	Result        string `json:"result"`
}

// loop is the whole of it.
type loop struct {
	input, output string
	group         string
	url           string
	pipelined     bool
	kafka         *kgo.Client
	redis         *redis.Client
	http          *http.Client
	inFlight      chan struct{}
}

func main() {
	var l loop
	brokers := flag.String("brokers", "127.0.0.1:9092", "the broker's `address`")
	store := flag.String("redis", "127.0.0.1:6379", "the address of Redis")
	concurrency := flag.Int("concurrency", 256, "how `many` events are in flight")
	flag.StringVar(&l.group, "group", "bareloop", "the consumer group's `name`")
	flag.StringVar(&l.input, "input", "charge-requested", "the `topic` to read")
	flag.StringVar(&l.output, "output", "charge-result", "the `topic` to publish to")
	flag.StringVar(&l.url, "url", "", "the `URL` to ask at")
	flag.BoolVar(&l.pipelined, "pipelined", false, "claim the events of a poll in one round trip")
	flag.Parse()

	var err error
	l.kafka, err = kgo.NewClient(kgo.SeedBrokers(*brokers), kgo.ConsumerGroup(l.group), kgo.ConsumeTopics(l.input),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.AutoCommitMarks(), kgo.ProducerLinger(0), kgo.FetchMaxWait(500*time.Millisecond))
	if err != nil {
		log.Fatal(err)
	}
	l.redis = redis.NewClient(&redis.Options{Addr: *store, PoolSize: *concurrency})
	l.http = &http.Client{Transport: &http.Transport{MaxIdleConns: *concurrency, MaxIdleConnsPerHost: *concurrency}}
	l.inFlight = make(chan struct{}, *concurrency)

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	l.run(ctx)
	l.kafka.Close()
}

// run polls until ctx ends. A poll's records are marked for the next commit when they and all those before them are published.
func (l *loop) run(ctx context.Context) {
	before := make(chan struct{})
	close(before)
	for {
		fetches := l.kafka.PollRecords(ctx, maxPoll)
		if ctx.Err() != nil {
			return
		}
		if err := fetches.Err(); err != nil {
			log.Fatal(err)
		}
		var events []event
		for _, r := range fetches.Records() {
			events = append(events, decode(r))
		}
		if l.pipelined {
			events = l.claim(ctx, events)
		}
		var published sync.WaitGroup
		for _, e := range events {
			l.inFlight <- struct{}{}
			published.Add(1)
			go func() {
				defer func() { <-l.inFlight }()
				l.process(ctx, e, published.Done)
			}()
		}
		previous, done := before, make(chan struct{})
		before = done
		go func() {
			published.Wait()
			<-previous
			l.kafka.MarkCommitRecords(fetches.Records()...)
			close(done)
		}()
	}
}

// claim returns the events that nobody has claimed before, in one round trip.
func (l *loop) claim(ctx context.Context, events []event) []event {
	claims := make([]*redis.BoolCmd, len(events))
	_, err := l.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, e := range events {
			claims[i] = p.SetNX(ctx, l.key(e), "", claimTTL)
		}
		return nil
	})
	if err != nil && ctx.Err() == nil {
		log.Fatal(err)
	}
	var ours []event
	for i, claim := range claims {
		if claim.Val() {
			ours = append(ours, events[i])
		}
	}
	return ours
}

// process claims, asks and publishes.
func (l *loop) process(ctx context.Context, e event, published func()) {
	if !l.pipelined {
		ours, err := l.redis.SetNX(ctx, l.key(e), "", claimTTL).Result()
		if err != nil && ctx.Err() == nil {
			log.Fatal(err)
		}
		if !ours {
			published()
			return
		}
	}
	result, err := l.ask(ctx, e)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		log.Fatal(err)
	}
	value, err := json.Marshal(answer{e.CorrelationID, result})
	if err != nil {
		log.Fatal(err)
	}
	l.kafka.Produce(ctx, &kgo.Record{Topic: l.output, Key: e.key, Value: value}, func(_ *kgo.Record, err error) {
		if err != nil && !errors.Is(err, context.Canceled) {
			log.Fatal(err)
		}
		published()
	})
}

// ask asks how the transaction ended.
func (l *loop) ask(ctx context.Context, e event) (string, error) {
	body, err := json.Marshal(map[string]string{"sequenceId": e.SequenceID})
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.url, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header = http.Header{
		"X-Km-User-Aspid":     {"ASP000000000001"},
		"X-Km-Correlation-Id": {e.CorrelationID},
		"X-Km-Access-Key":     {"0123456789012345678901234567890123456789"},
		"X-Km-Tran-Token":     {"static"},
		"X-Km-Tran-Time":      {time.Now().UTC().Format("20060102150405")},
		"X-Km-Time-Zone":      {"UTC"},
		"Content-Type":        {"application/json"},
	}
	resp, err := l.http.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("HTTP %d: %s", resp.StatusCode, said)
	}
	var reply struct {
		Result string `json:"result"`
	}
	return reply.Result, json.Unmarshal(said, &reply)
}

// key is where an event is claimed.
func (l *loop) key(e event) string { return l.group + ":" + e.CorrelationID }

// decode reads an event. The benchmark sends no others.
func decode(r *kgo.Record) (e event) {
	if err := json.Unmarshal(r.Value, &e); err != nil {
		log.Fatal(err)
	}
	e.key = r.Key
	return e
}
