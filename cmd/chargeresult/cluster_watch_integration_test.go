//go:build integration

package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chargeresult/chargeresult/deploy/testbed"
	"github.com/chargeresult/chargeresult/processor/console"
	"github.com/chargeresult/chargeresult/processor/inquiry/konasim"
)

// awaitStates waits until every partition that is of interest is in a state.
func (p *program) awaitStates(what string, interest func(console.PartitionState) bool, is func(console.PartitionState) bool) []console.PartitionState {
	p.Helper()
	var seen []console.PartitionState
	defer func() {
		if p.Failed() {
			p.Logf("%s: %+v", what, seen)
		}
	}()
	await(p, what, eventually, func() bool {
		p.alive()
		seen = slices.DeleteFunc(p.status().Cluster.Partitions, func(s console.PartitionState) bool { return !interest(s) })
		return len(seen) > 0 && !slices.ContainsFunc(seen, func(s console.PartitionState) bool { return !is(s) })
	})
	return seen
}

// TestClusterIsWatched: what the status page says of partitions and transactions is what a real broker has, from a backlog to rest.
func TestClusterIsWatched(t *testing.T) {
	s := newSite(t, testbed.SharedKafka(t), testbed.SharedRedis(t), 2, konasim.Config{})
	p := s.startAndAwait("watch-1")
	all := func(console.PartitionState) bool { return true }
	of := func(topic string) func(console.PartitionState) bool {
		return func(s console.PartitionState) bool { return s.Topic == topic }
	}
	waits := func(s console.PartitionState) bool { return s.Delay > 0 }
	p.awaitStates("nothing to do", all, func(s console.PartitionState) bool {
		return s.State == console.Idle && s.Lag == 0 && strings.HasPrefix(s.Member, "chargeresult watch-1 at 127.0.0.1")
	})

	// Some are asked about for a while, some wait, and somebody else leaves transactions open.
	const each = 30
	for i := range each {
		s.produce(s.requested(), fmt.Sprintf("k%d", i), eventJSON(i, fmt.Sprintf("SLOW-4000-%d", i)))
		s.produce(s.requested(), fmt.Sprintf("w%d", i), eventJSON(each+i, fmt.Sprintf("PENDING-3-%d", i)))
	}
	s.flush()
	p.awaitStates("asked about", of(s.requested()), func(s console.PartitionState) bool {
		return s.State == console.Moving && s.InFlight > 0 && s.Lag == int64(s.InFlight) && s.Age > time.Second && s.Age < soon
	})
	p.awaitStates("waiting", waits, func(s console.PartitionState) bool {
		return s.State == console.NotDue || s.State == console.Moving || s.State == console.Idle
	})
	stuck, err := kgo.NewClient(kgo.SeedBrokers(s.brokers), kgo.TransactionalID("stuck"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer stuck.Close()
	began := time.Now().Add(-time.Second)
	if err := stuck.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := stuck.ProduceSync(t.Context(), &kgo.Record{Topic: s.results(), Partition: 1}, &kgo.Record{Topic: s.cancelled()}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	open := func() (found console.OpenTransaction) {
		for _, o := range p.status().Cluster.Transactions {
			if o.TransactionalID == "stuck" {
				found = o
			}
		}
		return found
	}
	await(t, "the open transaction is seen", soon, func() bool { return open().ProducerID > 0 })
	if o := open(); o.Ours || o.Since.Before(began) || time.Since(o.Since) < 0 || !slices.Equal(o.Partitions, []string{s.cancelled() + "/0", s.results() + "/1"}) {
		t.Errorf("%+v", o)
	}
	if err := stuck.EndTransaction(t.Context(), kgo.TryAbort); err != nil {
		t.Fatal(err)
	}
	await(t, "it is seen to have ended", soon, func() bool { return open().ProducerID == 0 })

	// Another process takes half of it. Then everything is finished: what is left in the logs are markers.
	other := s.startAndAwait("watch-2")
	p.awaitStates("half of it is another's", of(s.requested()), func(s console.PartitionState) bool {
		return s.State == console.Elsewhere == strings.HasPrefix(s.Member, "chargeresult watch-2")
	})
	await(t, "everything is answered", eventually, func() bool { s.alive(); return p.finals()+other.finals() == 2*each })
	rest := p.awaitStates("at rest", func(s console.PartitionState) bool { return s.State != console.Elsewhere }, func(s console.PartitionState) bool {
		return s.State == console.Idle && s.Lag == 0 && s.Age == 0
	})
	t.Logf("%d partitions at rest", len(rest))
	if page := p.status(); page.Cluster.Error != "" || page.Cluster.ID == "" || time.Since(page.Cluster.AsOf) > watchInterval+watchTimeout || page.Inquiries.Tries < each {
		t.Errorf("%+v, %+v", page.Cluster, page.Inquiries)
	}
}
