//go:build integration

package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chargeresult/chargeresult/deploy/testbed"
	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor"
)

// TestClaimsRebuiltByOne starts a second process while the claims are to be rebuilt, which is held up by a transaction that somebody left open: one
// of the two rebuilds and the other waits, and once it is done, both go on. In the end it may be the other that has done it: the second one's arrival
// changes the group's generation, in which whoever rebuilds has to prove that it is a member, so that it may have to begin anew.
func TestClaimsRebuiltByOne(t *testing.T) {
	t.Parallel()
	redis := testbed.StartRedis(t)
	s, first, sent, decided := bereft(t, testbed.SharedKafka(t), redis, 2*beyondLookAhead)
	end := s.leaveOpen(s.results())
	redis.FlushAll()
	second := s.startAndAwait("")
	waits := func(p *program) bool { return strings.Contains(p.held(), processor.ErrRebuilding.Error()) }
	await(t, "one process waits for the other's rebuild", eventually, func() bool { s.alive(); return waits(first) || waits(second) })
	rebuilding := first
	if waits(first) {
		rebuilding = second
	}
	time.Sleep(4 * time.Second) // the lease has to be renewed meanwhile, and the other asks for it
	if strings.Contains(rebuilding.log.String(), processor.ErrRebuilding.Error()) {
		t.Error("who rebuilds lost its lease to the other process")
	}
	end()
	rebuilds := func() int { return len(first.rebuilds()) + len(second.rebuilds()) }
	await(t, "the claims are rebuilt", eventually, func() bool { s.alive(); return rebuilds() >= 2 })
	for name, p := range map[string]*program{"first": first, "second": second} {
		before := p.status().Engine.Committed
		await(t, "the "+name+" process goes on", eventually, func() bool { s.alive(); return p.status().Engine.Committed > before+100 })
	}
	decided.Store(true)
	s.awaitDone(2 * eventually)
	s.judged(sent)
	if n := rebuilds(); n != 2 {
		t.Errorf("the claims were rebuilt %d times, want once at the start and once after the loss", n)
	}
	first.stops(soon)
	second.stops(soon)
	s.reconciled(sent)
}

// leaveOpen begins a transaction with one record in each partition of a topic; it is aborted by end.
func (s *site) leaveOpen(topic string) (end func()) {
	s.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(s.brokers), kgo.TransactionalID(s.group+"-open"), kgo.TransactionTimeout(2*time.Minute),
		kgo.RecordPartitioner(kgo.RoundRobinPartitioner()))
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(client.Close)
	if err := client.BeginTransaction(); err != nil {
		s.Fatal(err)
	}
	for range 4 {
		if err := client.ProduceSync(s.Context(), &kgo.Record{Topic: topic, Value: []byte("of a transaction that is aborted")}).FirstErr(); err != nil {
			s.Fatal(err)
		}
	}
	return func() {
		s.Helper()
		if err := client.EndTransaction(s.Context(), kgo.TryAbort); err != nil {
			s.Fatal(err)
		}
	}
}

// TestRebuildTime: a rebuild is quick, however much there is to read.
func TestRebuildTime(t *testing.T) {
	const limit = 10 * time.Second
	n := number("CHARGERESULT_REBUILD_RESULTS", 20_000)
	redis := testbed.StartRedis(t)
	s := newSite(t, testbed.SharedKafka(t), redis.URL, 8, steady)
	var sent sending
	s.send(&sent, 0, 8, 0)
	p := s.startAndAwait("")
	s.awaitDone(eventually)
	s.settle(8, n)
	asked := s.vendor.Stats().Calls
	redis.FlushAll()
	s.send(&sent, 8, min(n, 1000), 0) // each a duplicate of one that is settled
	last := p.awaitRebuild(2)
	s.awaitDone(eventually)
	t.Logf("%d claims restored in %v", last.Restored, last.Took.Round(time.Millisecond))
	if last.Restored != n+8 || last.Took > limit {
		t.Errorf("%d claims restored in %v, want %d within %v", last.Restored, last.Took, n+8, limit)
	}
	if now := s.vendor.Stats().Calls; now != asked {
		t.Errorf("%d questions about what is settled", now-asked)
	}
	p.stops(soon)
}

// settle writes final results as the site's group would, for so many charges from first on.
func (s *site) settle(first, n int) {
	s.Helper()
	now := time.Now()
	for i := first; i < first+n; i++ {
		value, headers, err := events.Result{
			CorrelationID: correlationID(i), SequenceID: sequenceID(i), Operation: events.Charge, Result: events.Completed, Final: true, Revision: 1,
			Attempts: 1, Code: "000_000", RequestedAt: now, DecidedAt: now, Source: events.Source{Topic: s.requested(), Offset: int64(1_000_000 + i)},
		}.Encode(s.group)
		if err != nil {
			s.Fatal(err)
		}
		r := &kgo.Record{Topic: s.results(), Key: fmt.Appendf(nil, "key%d", i%500), Value: value}
		for _, h := range headers {
			r.Headers = append(r.Headers, kgo.RecordHeader(h))
		}
		s.client.Produce(s.Context(), r, func(_ *kgo.Record, err error) {
			if err != nil {
				s.Errorf("produce a result: %v", err)
			}
		})
	}
	s.flush()
}

// TestOffsetsAcceptedWithoutClaims moves all offsets of the group back to the beginning, and takes the claims away: all of Redis, or the claims alone,
// as where they expired. A process that accepts the offsets restores the claims first: what is settled or waits is recognised, and goes on where it was.
func TestOffsetsAcceptedWithoutClaims(t *testing.T) {
	t.Parallel()
	kafka := testbed.StartKafka(t)
	for name, lose := range map[string]func(*site, *testbed.Redis){
		"wiped":   func(_ *site, r *testbed.Redis) { r.FlushAll() },
		"expired": (*site).expireClaims,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			redis := testbed.StartRedis(t)
			s, p, sent, decided := bereft(t, kafka.Addr, redis, 1000)
			await(t, "all records are finished", eventually, func() bool { s.alive(); return s.finished(sent) == int64(sent.records) })
			p.stops(soon)
			known := s.known()
			lose(s, redis)
			if out, err := kafka.Tool("consumer-groups", "--group", s.group, "--reset-offsets", "--all-topics", "--to-earliest", "--execute"); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			p = s.startAndAwait("", "--accept-offsets")
			await(t, "all records are finished again", eventually, func() bool { s.alive(); return s.finished(sent) == int64(sent.records) })
			decided.Store(true)
			s.awaitDone(eventually)
			v := s.judge(sent)
			v.repeated = nil // a duplicate that is read again is recorded again; everything else in two places, reconcile finds
			if v.String() != "" {
				t.Error(v)
			}
			if v.redelivered == 0 {
				t.Error("nothing was redelivered: the test shows nothing")
			}
			s.notAskedFor(known)
			p.stops(soon)
			s.reconciled(sent)
		})
	}
}

// expireClaims removes the claims of charges from Redis, and nothing else.
func (s *site) expireClaims(r *testbed.Redis) {
	s.Helper()
	client := redis.NewClient(&redis.Options{Addr: r.Addr})
	defer client.Close()
	claims, err := client.Keys(s.Context(), "*:charge:*").Result()
	if err != nil || len(claims) == 0 {
		s.Fatal(claims, err)
	}
	if err := client.Del(s.Context(), claims...).Err(); err != nil {
		s.Fatal(err)
	}
}
