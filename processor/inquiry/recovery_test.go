package inquiry_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chargeresult/chargeresult/processor"
	"github.com/chargeresult/chargeresult/processor/inquiry"
)

func TestHungProbeDoesNotWedge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, vendor := opened(t, nil)
		vendor.set(down, 5*time.Second) // as the client does with a vendor that hangs
		go askAll(t.Context(), b, 3)
		time.Sleep(19 * time.Second)
		if s := b.State(); s.State != inquiry.HalfOpen || s.InFlight != 1 || s.Waiting != 2 {
			t.Errorf("while the probe hangs: %+v", s)
		}
		time.Sleep(5 * time.Second)
		if s := b.State(); s.State != inquiry.Open || s.Waiting != 2 {
			t.Errorf("after it: %+v", s)
		}
		vendor.set(fine, 0)
		time.Sleep(18 * time.Second)
		if s := b.State(); s.State != inquiry.Closed || s.Waiting != 0 || !s.NextProbe.IsZero() {
			t.Errorf("after the next: %+v", s)
		}
	})
}

func TestRecoveryRampsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, vendor := opened(t, nil)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		for range 200 {
			go func() {
				for ctx.Err() == nil {
					_, _ = b.Inquire(ctx, nil, event)
				}
			}()
		}
		vendor.set(fine, time.Second)
		time.Sleep(time.Until(b.State().NextProbe) + time.Millisecond)
		var rounds []int
		for range 8 {
			synctest.Wait()
			rounds = append(rounds, b.State().InFlight)
			time.Sleep(time.Second)
		}
		if want := []int{1, 2, 4, 8, 16, 32, 64, 64}; !slices.Equal(rounds, want) {
			t.Errorf("in flight by rounds: %v, want %v", rounds, want)
		}
		cancel()
		synctest.Wait()
		if s := b.State(); s.InFlight != 0 || s.Waiting != 0 || s.Limit != 64 {
			t.Errorf("%+v", s)
		}
	})
}

// TestRelapse: a vendor that falls again during the ramp is not asked MinRequests times.
func TestRelapse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, vendor := opened(t, nil)
		vendor.set(fine, 0)
		ask(t, b, event)
		if s := b.State(); s.State != inquiry.Closed || s.Limit != 2 {
			t.Fatalf("after the probe: %+v", s)
		}
		vendor.set(down, time.Second)
		vendor.count()
		go askAll(t.Context(), b, 64)
		time.Sleep(10 * time.Second)
		// Two are in flight; when the first has failed a third follows; when the second has, that was a round.
		if n := vendor.count(); n > 3 || b.State().State != inquiry.Open {
			t.Errorf("asked %d times: %+v", n, b.State())
		}
		vendor.set(fine, 0)
		time.Sleep(20 * time.Second)
	})
}

func TestCancelledProbePassesItsTurnOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, vendor := opened(t, nil)
		vendor.set(fine, time.Second)
		ctx, cancel := context.WithCancel(t.Context())
		probed, second := make(chan error, 1), make(chan error, 1)
		go func() { _, err := b.Inquire(ctx, nil, event); probed <- err }()
		synctest.Wait()
		go func() { _, err := b.Inquire(t.Context(), nil, event); second <- err }()
		time.Sleep(time.Until(b.State().NextProbe) + time.Millisecond)
		cancel()
		if err := <-probed; !errors.Is(err, context.Canceled) {
			t.Errorf("the probe: %v", err)
		}
		synctest.Wait()
		if s := b.State(); s.State != inquiry.HalfOpen || s.InFlight != 1 || vendor.count() != 2 {
			t.Errorf("the turn was not passed on: %+v", s)
		}
		if err := <-second; err != nil || b.State().State != inquiry.Closed {
			t.Errorf("the second: %v, %+v", err, b.State())
		}
	})
}

// TestProbeToldToSlowDown: the next probe waits for as long as the vendor asked, a second at least, in Pace, and not in the breaker on top.
func TestProbeToldToSlowDown(t *testing.T) {
	for _, c := range []struct{ asked, want time.Duration }{{0, time.Second}, {2 * time.Second, 2 * time.Second}, {time.Minute, time.Minute}} {
		synctest.Test(t, func(t *testing.T) {
			vendor := &patient{answer: down}
			b := inquiry.WithBreaker(inquiry.WithPace(vendor, inquiry.PaceConfig{}), inquiry.BreakerConfig{})
			askAll(t.Context(), b, 20)
			vendor.count()
			vendor.set(slowDown(c.asked), 0)
			go askAll(t.Context(), b, 10)
			time.Sleep(time.Until(b.State().NextProbe))
			synctest.Wait()
			if s := b.State(); s.State != inquiry.HalfOpen || s.Waiting != 8 || s.InFlight != 1 {
				t.Fatalf("one probe refused, the next waits: %+v", s)
			}
			vendor.set(fine, 0)
			time.Sleep(c.want)
			synctest.Wait()
			times, _ := vendor.seen()
			if len(times) != 10 || times[1].Sub(times[0]) != c.want || b.State().State != inquiry.Closed {
				t.Errorf("asked at %v: %+v", times, b.State())
			}
		})
	}
}

// TestProbeThatNeverGotAwayPutsTheNextOff: it taught nothing, and whoever waits must not spin.
func TestProbeThatNeverGotAwayPutsTheNextOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, vendor := opened(t, nil)
		vendor.set(processor.Answer{Class: processor.OurFault, Cause: errDown}, 0)
		go askAll(t.Context(), b, 10)
		time.Sleep(18*time.Second + time.Millisecond)
		s := b.State()
		probes, _ := vendor.seen()
		if len(probes) != 1 || s.State != inquiry.HalfOpen || s.Waiting != 9 {
			t.Fatalf("asked %d times: %+v", len(probes), s)
		}
		gap := s.NextProbe.Sub(probes[0])
		if gap < 15*time.Second || gap > 18*time.Second+time.Millisecond {
			t.Errorf("the next probe is due %v after the last", gap)
		}
		vendor.set(fine, 0)
		time.Sleep(gap)
		synctest.Wait()
		if n := vendor.count(); n != 9 || b.State().State != inquiry.Closed {
			t.Errorf("asked %d times: %+v", n, b.State())
		}
	})
}

// TestFailuresCountHoweverLongTheyWaited: at 3 questions a second the last of 64 waits for 21 s, which is longer than the window.
func TestFailuresCountHoweverLongTheyWaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := &patient{answer: fine}
		b := inquiry.WithBreaker(inquiry.WithPace(vendor, inquiry.PaceConfig{Rate: 3}), inquiry.BreakerConfig{})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		for range 64 {
			go func() {
				for ctx.Err() == nil {
					_, _ = b.Inquire(ctx, nil, event)
				}
			}()
		}
		time.Sleep(time.Minute)
		vendor.set(down, 0)
		time.Sleep(7 * time.Second)
		if s := b.State(); s.State != inquiry.Open {
			t.Errorf("after 21 failures within the window: %+v", s)
		}
	})
}

// TestResultOfBeforeClosesNothing: what was let through before the breaker opened is no probe, however late it comes.
func TestResultOfBeforeClosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := &patient{answer: down, takes: time.Minute}
		b := inquiry.WithBreaker(vendor, inquiry.BreakerConfig{})
		go func() { _, _ = b.Inquire(t.Context(), nil, event) }()
		synctest.Wait()
		vendor.set(down, 0)
		askAll(t.Context(), b, 20)
		vendor.set(fine, 0)
		time.Sleep(time.Minute)
		synctest.Wait()
		if s := b.State(); s.State != inquiry.Open || s.InFlight != 0 {
			t.Errorf("%+v", s)
		}
	})
}
