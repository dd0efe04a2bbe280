package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/chargeresult/chargeresult/processor/console"
	"github.com/chargeresult/chargeresult/processor/stream"
)

// How often the cluster is asked, and for how long it is waited for.
const (
	watchInterval = 5 * time.Second        // between rounds, if nobody looks
	watchFresh    = 2 * time.Second        // older than this, somebody who looks has another round begin; none begins sooner after the last
	watchTimeout  = 2 * time.Second        // for all answers of a round
	watchPatience = 300 * time.Millisecond // for how long somebody who looks waits for a round to end
)

var errWatchTimeout = errors.New("Kafka did not answer within " + watchTimeout.String())

// clusterWatch asks the cluster now and then how far the group has come, and who holds it up. What it cannot find out it goes without: it shows the
// last facts, and the error.
type clusterWatch struct {
	id    string                                      // the cluster's
	ask   func(context.Context) (clusterFacts, error) // a round; an error means that there are no facts
	rules judgeRules
	wake  chan struct{} // holds one if somebody wants a round

	mu        sync.Mutex
	facts     clusterFacts  // of the last round that had any
	err       error         // why the last round had none
	began     time.Time     // when the last round did
	next      chan struct{} // closed when the next round, or the one under way, ends
	sightings map[partitionID]sighting
}

// partitionID names a partition.
type partitionID struct {
	topic  string
	number int32
}

// newClusterWatch watches the topics and the group of a process, whose transactions have the given ID. It uses the cluster's administrator, and is of no
// use once that is closed.
func newClusterWatch(c *cluster, transactionalID string) *clusterWatch {
	return watchOn(c.id, rulesOf(c.cfg), func(ctx context.Context) (clusterFacts, error) { return askCluster(ctx, c, transactionalID) })
}

func watchOn(id string, rules judgeRules, ask func(context.Context) (clusterFacts, error)) *clusterWatch {
	return &clusterWatch{id: id, ask: ask, rules: rules, wake: make(chan struct{}, 1), next: make(chan struct{})}
}

// run asks, one round after the other, until ctx ends. status is the engine's.
func (w *clusterWatch) run(ctx context.Context, status func() stream.Status) error {
	for ctx.Err() == nil {
		if w.old() {
			w.round(ctx)
			w.state(time.Now(), status()) // for the sightings: since when nothing has changed
		}
		select {
		case <-ctx.Done():
		case <-time.After(watchInterval):
		case <-w.wake:
		}
	}
	return nil
}

// old says whether the last round began long enough ago for another one.
func (w *clusterWatch) old() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.began.IsZero() || time.Since(w.began) >= watchFresh
}

func (w *clusterWatch) round(ctx context.Context) {
	began := time.Now()
	ctx, cancel := context.WithTimeoutCause(ctx, watchTimeout, errWatchTimeout)
	defer cancel()
	facts, err := w.ask(ctx)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.began, w.err = began, err
	if err == nil {
		facts.asOf = began
		w.facts = facts
	}
	close(w.next)
	w.next = make(chan struct{})
}

// fresh is state, after another round if the last one is old and the cluster answers soon.
func (w *clusterWatch) fresh(ctx context.Context, status func() stream.Status) console.Cluster {
	w.mu.Lock()
	next := w.next
	w.mu.Unlock()
	if w.old() {
		select {
		case w.wake <- struct{}{}:
		default: // somebody else has
		}
		select {
		case <-next:
		case <-ctx.Done():
		case <-time.After(watchPatience):
		}
	}
	return w.state(time.Now(), status())
}

// state merges the last facts with what the engine is doing.
func (w *clusterWatch) state(now time.Time, engine stream.Status) console.Cluster {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := console.Cluster{
		AsOf: w.facts.asOf.UTC(), ID: w.id, Transactions: w.facts.transactions, DeadLetters: w.facts.deadLetters,
		Error: errorText(w.err, w.facts.missing),
	}
	if c.Transactions == nil {
		c.Transactions = []console.OpenTransaction{}
	}
	c.Partitions, w.sightings = w.rules.partitions(now, w.facts, engine, w.sightings)
	return c
}

func errorText(errs ...error) string {
	if err := errors.Join(errs...); err != nil {
		return err.Error()
	}
	return ""
}
