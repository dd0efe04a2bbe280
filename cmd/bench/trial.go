package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/chargeresult/chargeresult/processor/inquiry/konasim"
)

// trial is one comparison: entrants under the same conditions, in turn.
type trial struct {
	name       string // short
	title      string
	latency    konasim.Latency // of an inquiry
	partitions int             // of every topic; 0: 8
	gathered   bool            // a backlog comes when the group is complete; else it is there before
	entrants   []entrant
	bars       []bar
}

// entrant is a contender in a trial.
type entrant struct {
	label string
	contender
	load
	processes   int
	concurrency int // inquiries in flight, of each process
	traces
}

// figures are what a run measures.
type figures struct {
	PerSecond float64       `json:"perSecond"` // results that became visible a second, between a tenth and nine tenths of them
	CPU       time.Duration `json:"cpuNanos"`  // user and system, of all processes from start to end, for each record
	Memory    int64         `json:"memory"`    // bytes: the largest process's peak resident set
	P50       time.Duration `json:"p50Nanos"`  // from sending an event to seeing its result, after the warm-up; of a load at a rate
	P99       time.Duration `json:"p99Nanos"`  // the same
	Inquiries uint64        `json:"inquiries"` // as many as events, or the run is worth nothing
}

const (
	runTimeout       = 10 * time.Minute // only ends a run that hangs
	progressInterval = 200 * time.Millisecond
)

// run measures an entrant once. It tells progress how many of the results were seen.
func (t trial) run(ctx context.Context, g *ground, e entrant, progress func(seen, of int)) (f figures, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, runTimeout, fmt.Errorf("nothing came of it within %v", runTimeout))
	defer cancel()
	v, err := startVendor(ctx, t.latency)
	if err != nil {
		return f, err
	}
	defer v.close()
	collector, stopCollector, err := e.startCollector(ctx)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, stopCollector()) }()
	at := g.field(v, e.concurrency, e.traces.environment(collector))
	partitions := cmp.Or(t.partitions, 8)
	if err := at.createTopics(ctx, partitions); err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, at.deleteTopics(context.WithoutCancel(ctx))) }()

	s := newSent(e.load, partitions)
	send := func(ctx context.Context) error { return s.send(ctx, g.broker.Addr, at.topics.requested) }
	if e.rate == 0 && !t.gathered {
		if err := send(ctx); err != nil {
			return f, err
		}
		send = func(context.Context) error { return nil }
	}
	processes, err := startAll(ctx, e, at)
	defer killAll(processes)
	if err != nil {
		return f, err
	}
	w, err := newWatcher(g.broker.Addr, at.topics.result, s)
	if err != nil {
		return f, err
	}
	defer w.client.Close()
	if err := attend(ctx, w, s, processes, send, progress); err != nil {
		return f, err
	}
	if e.rate > 0 {
		f.P50, f.P99 = w.latencies(s)
	}
	f.PerSecond, f.Inquiries = w.perSecond(s.awaited), v.Stats().Calls
	used, err := stopAll(processes)
	f.CPU, f.Memory = used.cpu/time.Duration(e.records), used.memory
	if err == nil && s.awaited == s.events && f.Inquiries != uint64(s.events) {
		err = fmt.Errorf("%d inquiries about %d events", f.Inquiries, s.events)
	}
	return f, err
}

// attend watches the results while the load is sent and the processes work.
func attend(ctx context.Context, w *watcher, s *sent, processes []*process, send func(context.Context) error, progress func(seen, of int)) error {
	all, ctx := errgroup.WithContext(ctx)
	watched := make(chan struct{})
	all.Go(func() error { return send(ctx) })
	all.Go(func() error {
		defer close(watched)
		return w.watch(ctx, s)
	})
	all.Go(func() error {
		tick := time.NewTicker(progressInterval)
		defer tick.Stop()
		for {
			select {
			case <-watched:
				return nil
			case <-tick.C:
				progress(int(w.seen.Load()), s.awaited)
				for _, p := range processes {
					if err := p.alive(); err != nil {
						return err
					}
				}
			}
		}
	})
	return all.Wait()
}

// compete runs all entrants in turn, round after round, each round from another one on, and tells log how it goes.
func (t trial) compete(ctx context.Context, g *ground, rounds int, log io.Writer) (results, error) {
	r := results{t, make([][]figures, len(t.entrants))}
	for round := range rounds {
		for turn := range t.entrants {
			i := (round + turn) % len(t.entrants)
			e := t.entrants[i]
			line := fmt.Sprintf("%s, round %d of %d: %s", t.name, round+1, rounds, e.label)
			p := newProgress(log, line)
			f, err := t.run(ctx, g, e, p.show)
			if err != nil {
				return r, fmt.Errorf("%s: %w", line, err)
			}
			p.end(f)
			r.runs[i] = append(r.runs[i], f)
		}
	}
	return r, nil
}
