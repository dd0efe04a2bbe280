package inquiry_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chargeresult/chargeresult/processor"
	"github.com/chargeresult/chargeresult/processor/inquiry"
)

func TestRetriesWhatTheVendorWasTooUnwellToAnswer(t *testing.T) {
	for class, tries := range map[processor.Class]int{
		processor.VendorDown: 3, processor.NotAnAnswer: 3, processor.SlowDown: 3,
		processor.Answered: 1, processor.NotYet: 1, processor.NotFound: 1, processor.Refused: 1,
		processor.Unclear: 1, processor.OurFault: 1,
	} {
		synctest.Test(t, func(t *testing.T) {
			vendor := &patient{answer: processor.Answer{Class: class, Cause: errDown}}
			got := ask(t, inquiry.WithRetries(vendor, inquiry.RetryConfig{}), event)
			if n := vendor.count(); got.Class != class || n != tries {
				t.Errorf("class %d: %d tries, %+v", class, n, got)
			}
		})
	}
}

// TestSlowDownIsNotBackedOffFrom: how long to wait is known, and a Pace does it.
func TestSlowDownIsNotBackedOffFrom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := &patient{answer: slowDown(time.Minute)}
		within(t, 0, func() { ask(t, inquiry.WithRetries(vendor, inquiry.RetryConfig{}), event) })
		if n := vendor.count(); n != 3 {
			t.Errorf("%d tries", n)
		}
	})
}

func TestRetriesEndWithAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := &patient{answer: down}
		time.AfterFunc(50*time.Millisecond, func() { vendor.set(fine, 0) })
		got := ask(t, inquiry.WithRetries(vendor, inquiry.RetryConfig{}), event)
		if n := vendor.count(); got != fine || n != 2 {
			t.Errorf("%+v after %d tries", got, n)
		}
	})
}

func TestBackoffDoublesWithJitterUpToItsCap(t *testing.T) {
	differ := map[time.Duration]bool{}
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			vendor := &patient{answer: down}
			ask(t, inquiry.WithRetries(vendor, inquiry.RetryConfig{Tries: 8}), event)
			tries, _ := vendor.seen()
			want := 200 * time.Millisecond
			for i := 1; i < 8; i++ {
				gap := tries[i].Sub(tries[i-1])
				if gap < want/2 || gap > want {
					t.Errorf("%v before try %d, want %v to %v", gap, i+1, want/2, want)
				}
				differ[gap] = true
				want = min(2*want, 5*time.Second)
			}
		})
	}
	if len(differ) < 50 {
		t.Error("the backoff has no jitter")
	}
}

func TestBackoffEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := &patient{answer: down}
		r := inquiry.WithRetries(vendor, inquiry.RetryConfig{})
		draining := make(chan struct{})
		close(draining)
		within(t, 0, func() {
			if _, err := r.Inquire(t.Context(), draining, event); !errors.Is(err, processor.ErrNotAsked) || vendor.count() != 1 {
				t.Errorf("draining: %v", err)
			}
		})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		within(t, 10*time.Millisecond, func() {
			if _, err := r.Inquire(ctx, nil, event); !errors.Is(err, context.DeadlineExceeded) || vendor.count() != 1 {
				t.Errorf("ctx: %v", err)
			}
		})
	})
}

func TestInvalidRetriesPanic(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("WithRetries takes 11 tries")
		}
	}()
	inquiry.WithRetries(&patient{}, inquiry.RetryConfig{Tries: 11})
}
