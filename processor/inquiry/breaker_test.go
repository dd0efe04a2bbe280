package inquiry_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor"
	"github.com/chargeresult/chargeresult/processor/inquiry"
)

// opened returns a breaker with its vendor down, open since now.
func opened(t *testing.T, change func(*inquiry.BreakerConfig)) (*inquiry.Breaker, *patient) {
	t.Helper()
	vendor := &patient{answer: down}
	cfg := inquiry.BreakerConfig{}
	if change != nil {
		change(&cfg)
	}
	b := inquiry.WithBreaker(vendor, cfg)
	for range 20 {
		ask(t, b, event)
	}
	if s := b.State(); s.State != inquiry.Open || !errors.Is(s.Cause, errDown) || s.Since != time.Now() {
		t.Fatalf("20 failures: %+v", s)
	}
	vendor.count()
	return b, vendor
}

func TestWhatCounts(t *testing.T) {
	for _, c := range []struct {
		answer processor.Answer
		err    error
		want   inquiry.State // after 19 failures and one of these
	}{
		{down, nil, inquiry.Open},
		{processor.Answer{Class: processor.NotAnAnswer, Cause: errDown}, nil, inquiry.Open},
		{fine, nil, inquiry.Closed},
		{processor.Answer{Class: processor.NotYet}, nil, inquiry.Closed},
		{processor.Answer{Class: processor.NotFound}, nil, inquiry.Closed},
		{processor.Answer{Class: processor.Refused}, nil, inquiry.Closed},
		{processor.Answer{Class: processor.Unclear}, nil, inquiry.Closed},
		{processor.Answer{Class: processor.OurFault}, nil, inquiry.Closed},
		{processor.Answer{Class: processor.SlowDown}, nil, inquiry.Closed},
		{processor.Answer{Class: processor.OurFault, Cause: errDown}, nil, inquiry.Closed},
		{processor.Answer{}, context.Canceled, inquiry.Closed},
	} {
		synctest.Test(t, func(t *testing.T) {
			n := 0
			b := inquiry.WithBreaker(vendor(func(context.Context, events.Event) (processor.Answer, error) {
				if n++; n < 20 {
					return down, nil
				}
				return c.answer, c.err
			}), inquiry.BreakerConfig{})
			for range 20 {
				_, _ = b.Inquire(t.Context(), nil, event)
			}
			if got := b.State().State; got != c.want {
				t.Errorf("class %d, error %v: %s, want %s", c.answer.Class, c.err, got, c.want)
			}
		})
	}
}

// TestSuccessesAndNothing tells what counts as a success from what counts for nothing: it asks 40 times, every other a failure.
// With successes in between, half have failed; with nothing in between, all have.
func TestSuccessesAndNothing(t *testing.T) {
	for _, c := range []struct {
		between processor.Answer
		want    inquiry.State
	}{
		{processor.Answer{Class: processor.NotYet}, inquiry.Closed},
		{processor.Answer{Class: processor.Unclear}, inquiry.Closed},
		{processor.Answer{Class: processor.OurFault}, inquiry.Closed},
		{processor.Answer{Class: processor.SlowDown}, inquiry.Open},
		{processor.Answer{Class: processor.OurFault, Cause: errDown}, inquiry.Open},
	} {
		synctest.Test(t, func(t *testing.T) {
			n := 0
			b := inquiry.WithBreaker(vendor(func(context.Context, events.Event) (processor.Answer, error) {
				if n++; n%2 == 0 {
					return down, nil
				}
				return c.between, nil
			}), inquiry.BreakerConfig{FailureRatio: 0.6})
			for range 40 {
				ask(t, b, event)
			}
			if got := b.State().State; got != c.want {
				t.Errorf("class %d: %s, want %s", c.between.Class, got, c.want)
			}
		})
	}
}

func TestFailuresOutsideTheWindowAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := &patient{answer: down}
		b := inquiry.WithBreaker(vendor, inquiry.BreakerConfig{})
		for range 100 { // 19 in any 10 s, and never 20
			ask(t, b, event)
			time.Sleep(600 * time.Millisecond)
		}
		if s := b.State(); s.State != inquiry.Closed {
			t.Errorf("%+v", s)
		}
	})
}

func TestWhileOpenOneProbeAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, vendor := opened(t, nil)
		ctx, cancel := context.WithCancel(t.Context())
		for range 64 {
			go func() {
				for ctx.Err() == nil {
					_, _ = b.Inquire(ctx, nil, event)
				}
			}()
		}
		vendor.set(down, time.Second)
		time.Sleep(6 * time.Minute)
		if s := b.State(); s.State == inquiry.Closed || s.Waiting < 63 || s.Held < 64 {
			t.Errorf("%+v", s)
		}
		synctest.Wait()
		probes, atOnce := vendor.seen()
		cancel()
		synctest.Wait()
		// A probe takes 1 s, and the next comes 15 to 18 s later.
		if n := len(probes); n < 360/19-1 || n > 360/16+1 || atOnce != 1 {
			t.Errorf("%d probes in 6 minutes, %d at once", n, atOnce)
		}
		gaps := map[time.Duration]bool{}
		for i, at := range probes[1:] {
			gap := at.Sub(probes[i])
			if gap <= 16*time.Second || gap > 19*time.Second+time.Millisecond {
				t.Errorf("%v between two probes", gap)
			}
			gaps[gap] = true
		}
		if len(gaps) < 5 {
			t.Error("the gaps have no jitter")
		}
		if s := b.State(); s.Waiting != 0 || s.InFlight != 0 {
			t.Errorf("after all have left: %+v", s)
		}
	})
}

func TestWaitingEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, vendor := opened(t, nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := b.Inquire(ctx, nil, event); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("with ctx: %v", err)
		}
		draining := make(chan struct{})
		time.AfterFunc(time.Second, func() { close(draining) })
		within(t, time.Second, func() {
			if _, err := b.Inquire(t.Context(), draining, event); !errors.Is(err, processor.ErrNotAsked) {
				t.Errorf("with draining: %v", err)
			}
		})
		within(t, 0, func() {
			if _, err := b.Inquire(t.Context(), draining, event); !errors.Is(err, processor.ErrNotAsked) {
				t.Errorf("while draining: %v", err)
			}
			if _, err := b.Inquire(ctx, nil, event); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("after ctx: %v", err)
			}
		})
		if s := b.State(); s.Waiting != 0 || vendor.count() != 0 {
			t.Errorf("%+v", s)
		}
		vendor.set(fine, 0)
		ask(t, b, event)
		for range 20 { // a select would choose the turn half of the time
			if answer, err := b.Inquire(t.Context(), draining, event); err != nil || answer != fine {
				t.Errorf("closed, while draining: %+v, %v", answer, err)
			}
		}
	})
}

// TestNoTurnIsLost lets those who wait leave in the very moment in which turns are granted.
func TestNoTurnIsLost(t *testing.T) {
	for range 50 {
		synctest.Test(t, func(t *testing.T) {
			b, vendor := opened(t, nil)
			vendor.set(fine, 0)
			ctx, cancel := context.WithDeadline(t.Context(), b.State().NextProbe)
			defer cancel()
			askAll(ctx, b, 8)
			if s := b.State(); s.InFlight != 0 || s.Waiting != 0 {
				t.Fatalf("after all have left: %+v", s)
			}
			askAll(t.Context(), b, 100)
			if s := b.State(); s.State != inquiry.Closed || s.InFlight != 0 {
				t.Fatalf("after a hundred more: %+v", s)
			}
		})
	}
}

func TestStateIsOnlyLookedAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := opened(t, nil)
		before := b.State()
		time.Sleep(time.Hour)
		if after := b.State(); after != before {
			t.Errorf("%+v, then %+v", before, after)
		}
	})
}

func TestOnChangeIsToldInOrderWithNoLockHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b *inquiry.Breaker
		var told []string
		b, vendor := opened(t, func(cfg *inquiry.BreakerConfig) {
			cfg.OnChange = func(from inquiry.State, now inquiry.BreakerStatus) {
				told = append(told, fmt.Sprint(from, ">", now.State))
				if !errors.Is(now.Cause, errDown) { // from first to last, so that whoever holds intake can say why
					t.Errorf("%s: cause %v", now.State, now.Cause)
				}
				if b != nil {
					_ = b.State()
					ctx, cancel := context.WithCancel(context.Background())
					cancel()
					_, _ = b.Inquire(ctx, nil, event)
				}
			}
		})
		go askAll(t.Context(), b, 10)
		time.Sleep(20 * time.Second) // a probe fails
		vendor.set(fine, 0)
		time.Sleep(20 * time.Second) // a probe succeeds
		synctest.Wait()
		want := []string{"closed>open", "open>half-open", "half-open>open", "open>half-open", "half-open>closed"}
		if !slices.Equal(told, want) {
			t.Errorf("told %q, want %q", told, want)
		}
	})
}

func TestInvalidBreakerPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("WithBreaker takes a try longer than the open time")
		}
	}()
	inquiry.WithBreaker(&patient{}, inquiry.BreakerConfig{TryTimeout: 20 * time.Second})
}

func BenchmarkBreaker(b *testing.B) {
	breaker := inquiry.WithBreaker(vendor(func(context.Context, events.Event) (processor.Answer, error) { return fine, nil }), inquiry.BreakerConfig{})
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			_, _ = breaker.Inquire(context.Background(), nil, event)
		}
	})
}
