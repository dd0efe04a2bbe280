package inquiry_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor"
	"github.com/chargeresult/chargeresult/processor/inquiry"
)

// noFasterThan fails the test if there are more than rate questions in any second, or two closer than the rate allows.
func noFasterThan(t *testing.T, rate float64, times []time.Time) {
	t.Helper()
	least := time.Duration(float64(time.Second) / rate)
	for i := 1; i < len(times); i++ {
		if gap := times[i].Sub(times[i-1]); gap < least {
			t.Fatalf("question %d came %v after the one before, want %v at least", i+1, gap, least)
		}
	}
}

func TestRateIsKeptToTheNanosecond(t *testing.T) {
	for rate, took := range map[float64]time.Duration{
		0: 0, 0.5: 1998 * time.Second, 3: 999 * 333_333_334, 100: 9990 * time.Millisecond, 5000: 199_800 * time.Microsecond,
	} {
		synctest.Test(t, func(t *testing.T) {
			vendor := &patient{answer: fine, takes: 70 * time.Millisecond}
			p := inquiry.WithPace(vendor, inquiry.PaceConfig{Rate: rate})
			begin := time.Now()
			askAll(t.Context(), p, 1000)
			times, _ := vendor.seen()
			if got := times[999].Sub(begin); got != took {
				t.Errorf("rate %v: the last of 1,000 after %v, want %v", rate, got, took)
			}
			if rate > 0 {
				noFasterThan(t, rate, times)
			}
		})
	}
}

func TestIdleTimeIsNotSavedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := &patient{answer: fine}
		p := inquiry.WithPace(vendor, inquiry.PaceConfig{Rate: 10})
		for range 5 {
			askAll(t.Context(), p, 7)
			time.Sleep(time.Minute)
			within(t, 0, func() { ask(t, p, event) })
		}
		times, _ := vendor.seen()
		noFasterThan(t, 10, times)
	})
}

func TestOrderOfArrival(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := make(chan string, 4)
		p := inquiry.WithPace(vendor(func(_ context.Context, e events.Event) (processor.Answer, error) {
			asked <- e.SequenceID
			return fine, nil
		}), inquiry.PaceConfig{Rate: 10})
		ids := []string{"a", "b", "c", "d"}
		for _, id := range ids {
			go func() { _, _ = p.Inquire(t.Context(), nil, asking(id)) }()
			synctest.Wait()
		}
		for _, id := range ids {
			if got := <-asked; got != id {
				t.Errorf("%s was asked in the place of %s", got, id)
			}
		}
	})
}

func TestWaitingForTheRateEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := &patient{answer: fine}
		p := inquiry.WithPace(vendor, inquiry.PaceConfig{Rate: 0.1})
		ask(t, p, event)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		within(t, time.Second, func() {
			if _, err := p.Inquire(ctx, nil, event); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("with ctx: %v", err)
			}
		})
		draining := make(chan struct{})
		time.AfterFunc(time.Second, func() { close(draining) })
		within(t, time.Second, func() {
			var all sync.WaitGroup
			for range 100 {
				all.Go(func() {
					if _, err := p.Inquire(t.Context(), draining, event); !errors.Is(err, processor.ErrNotAsked) {
						t.Errorf("with draining: %v", err)
					}
				})
			}
			all.Wait()
		})
		within(t, 0, func() {
			if _, err := p.Inquire(t.Context(), draining, event); !errors.Is(err, processor.ErrNotAsked) {
				t.Errorf("while draining: %v", err)
			}
			if _, err := p.Inquire(ctx, nil, event); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("after ctx: %v", err)
			}
		})
		if s := p.State(); s.Waiting != 0 || s.InFlight != 0 || s.Cause != "" || vendor.count() != 1 {
			t.Errorf("after all have left: %+v", s)
		}
		within(t, 8*time.Second, func() { ask(t, p, event) }) // their slots are free: the second is ours
		time.Sleep(10 * time.Second)
		if answer, err := p.Inquire(t.Context(), draining, event); err != nil || answer != fine {
			t.Errorf("who need not wait, while draining: %+v, %v", answer, err)
		}
	})
}

// TestNoSlotIsLostToThoseWhoLeave lets the first of the line leave in the very moment of its slot.
func TestNoSlotIsLostToThoseWhoLeave(t *testing.T) {
	for range 50 {
		synctest.Test(t, func(t *testing.T) {
			vendor := &patient{answer: fine}
			p := inquiry.WithPace(vendor, inquiry.PaceConfig{Rate: 1})
			ask(t, p, event)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			go func() { _, _ = p.Inquire(ctx, nil, event) }()
			synctest.Wait()
			within(t, 2*time.Second, func() { ask(t, p, event) })
			synctest.Wait()
			if s := p.State(); s.InFlight != 0 || s.Waiting != 0 {
				t.Fatalf("%+v", s)
			}
		})
	}
}

// TestThousandAfterAnOutage: a thousand wait for the breaker; the rate holds while it recovers, and whatever is tried again.
func TestThousandAfterAnOutage(t *testing.T) {
	const rate = 50
	synctest.Test(t, func(t *testing.T) {
		vendor := &patient{answer: down, takes: 30 * time.Millisecond}
		pace := inquiry.WithPace(vendor, inquiry.PaceConfig{Rate: rate})
		breaker := inquiry.WithBreaker(pace, inquiry.BreakerConfig{Concurrency: 256})
		all := inquiry.WithRetries(breaker, inquiry.RetryConfig{Tries: 10})
		answers := make(chan processor.Answer, 1000)
		for range 1000 {
			go func() { answers <- ask(t, all, event) }()
		}
		time.Sleep(time.Minute)
		if s := breaker.State(); s.State == inquiry.Closed {
			t.Errorf("a minute into the outage: %+v", s)
		}
		vendor.set(fine, 30*time.Millisecond)
		back := time.Now()
		for range 1000 {
			if got := <-answers; got != fine {
				t.Errorf("%+v", got)
			}
		}
		times, _ := vendor.seen()
		noFasterThan(t, rate, times)
		if took := time.Since(back); took > 18*time.Second+1000*time.Second/rate*11/10 {
			t.Errorf("took %v to answer them all", took)
		}
		synctest.Wait()
		if s := pace.State(); s.Waiting != 0 || s.InFlight != 0 || s.Cause != "" {
			t.Errorf("after all have left: %+v", s)
		}
	})
}

func TestInvalidPacePanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("WithPace takes a negative rate")
		}
	}()
	inquiry.WithPace(&patient{}, inquiry.PaceConfig{Rate: -1})
}

func BenchmarkPace(b *testing.B) {
	p := inquiry.WithPace(vendor(func(context.Context, events.Event) (processor.Answer, error) { return fine, nil }), inquiry.PaceConfig{})
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			_, _ = p.Inquire(context.Background(), nil, event)
		}
	})
}
