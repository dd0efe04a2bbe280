package main

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chargeresult/chargeresult/processor/console"
	"github.com/chargeresult/chargeresult/processor/stream"
)

func joinedEngine() stream.Status { return stream.Status{Joined: true} }

// running is a watch that runs until the test ends, on a cluster that answers as ask does.
func running(t *testing.T, ask func(context.Context) (clusterFacts, error)) *clusterWatch {
	t.Helper()
	w := watchOn("c", testRules, ask)
	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan error)
	go func() { stopped <- w.run(ctx, joinedEngine) }()
	t.Cleanup(func() {
		stop()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	})
	synctest.Wait()
	return w
}

// look is what somebody sees who looks now.
func look(t *testing.T, w *clusterWatch) console.Cluster {
	t.Helper()
	return w.fresh(t.Context(), joinedEngine)
}

// The cluster is asked every few seconds, and when somebody looks at facts that are old, and no more often, however many look.
func TestWatchAsksNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var rounds atomic.Int64
		w := running(t, func(context.Context) (clusterFacts, error) {
			time.Sleep(100 * time.Millisecond)
			return clusterFacts{deadLetters: rounds.Add(1)}, nil
		})
		if c := w.state(time.Now(), joinedEngine()); !c.AsOf.IsZero() || c.ID != "c" || c.Partitions == nil || c.Transactions == nil {
			t.Errorf("before the first round: %+v", c)
		}
		together := func(want int64) {
			t.Helper()
			var all sync.WaitGroup
			for range 50 {
				all.Go(func() {
					if c := look(t, w); c.DeadLetters != want {
						t.Errorf("%+v, want round %d", c, want)
					}
				})
			}
			all.Wait()
		}
		together(1)
		time.Sleep(1800 * time.Millisecond)
		together(1) // 1.9 s after it began
		time.Sleep(100 * time.Millisecond)
		began := time.Now()
		together(2)
		if c := look(t, w); !c.AsOf.Equal(began) {
			t.Errorf("as of %v, want %v", c.AsOf, began)
		}
		time.Sleep(time.Minute)
		if n := rounds.Load(); n != 2+11 { // every 5.1 s
			t.Errorf("%d rounds in a minute", n-2)
		}
		before, end := rounds.Load(), time.Now().Add(time.Minute)
		for time.Now().Before(end) {
			time.Sleep(100 * time.Millisecond)
			look(t, w)
		}
		if n := rounds.Load() - before; n < 29 || n > 30 {
			t.Errorf("%d rounds in a minute while somebody looks all the time", n)
		}
	})
}

// A cluster that does not answer keeps nobody waiting, however many look: they see the last facts, and the error.
func TestWatchShowsTheLastFacts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		silent, refused := false, error(nil)
		be := func(nowSilent bool, nowRefused error) {
			mu.Lock()
			defer mu.Unlock()
			silent, refused = nowSilent, nowRefused
		}
		missing := errors.New("no right to see transactions")
		w := running(t, func(ctx context.Context) (clusterFacts, error) {
			mu.Lock()
			silent, refused := silent, refused
			mu.Unlock()
			if silent {
				<-ctx.Done()
				return clusterFacts{}, ctx.Err()
			}
			return clusterFacts{deadLetters: 7, missing: missing}, refused
		})
		answered := time.Now()
		if c := look(t, w); c.DeadLetters != 7 || c.Error != missing.Error() || !c.AsOf.Equal(answered) {
			t.Errorf("with one answer missing: %+v", c)
		}
		be(true, nil)
		time.Sleep(2500 * time.Millisecond)
		began := time.Now()
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if c := look(t, w); c.DeadLetters != 7 || c.Error != missing.Error() || !c.AsOf.Equal(answered) {
					t.Errorf("%+v", c)
				}
			})
		}
		all.Wait()
		if took := time.Since(began); took > watchPatience {
			t.Errorf("looking took %v", took)
		}
		time.Sleep(watchTimeout)
		if c, want := look(t, w), errWatchTimeout.Error()+"\n"+missing.Error(); c.Error != want || c.DeadLetters != 7 {
			t.Errorf("no answer: %+v, want error %q", c, want)
		}
		be(false, errors.New("no right to see anything"))
		time.Sleep(time.Minute)
		if c := look(t, w); c.DeadLetters != 7 || !c.AsOf.Equal(answered) || c.Error != "no right to see anything\n"+missing.Error() {
			t.Errorf("refused: %+v", c)
		}
		be(false, nil)
		time.Sleep(time.Minute)
		if c := look(t, w); c.Error != missing.Error() || time.Since(c.AsOf) > watchInterval {
			t.Errorf("answered again: %+v", c)
		}
	})
}

// The watch ends with its context, in the middle of a round too; whoever looks then, or has no time, sees what there is.
func TestWatchEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		w := watchOn("c", testRules, func(ctx context.Context) (clusterFacts, error) {
			<-ctx.Done()
			return clusterFacts{}, ctx.Err()
		})
		time.AfterFunc(time.Second, stop)
		began := time.Now()
		if err := w.run(ctx, joinedEngine); err != nil || time.Since(began) != time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		time.Sleep(time.Minute)
		began = time.Now()
		if look(t, w); time.Since(began) != watchPatience {
			t.Errorf("looking took %v", time.Since(began))
		}
		if w.fresh(ctx, joinedEngine); time.Since(began) != watchPatience {
			t.Error("somebody who had left was kept")
		}
	})
}
