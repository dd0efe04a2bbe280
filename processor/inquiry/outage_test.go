package inquiry_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chargeresult/chargeresult/processor"
	"github.com/chargeresult/chargeresult/processor/inquiry"
	"github.com/chargeresult/chargeresult/processor/inquiry/konasim"
)

// TestOutage runs the whole composition against the simulator through six minutes of each kind of outage, in virtual time.
func TestOutage(t *testing.T) {
	for name, outage := range map[string]konasim.Outage{
		"unavailable": konasim.Unavailable, "closing": konasim.Closing, "hanging": konasim.Hanging,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { sixMinutes(t, outage) })
		})
	}
}

func sixMinutes(t *testing.T, outage konasim.Outage) {
	const workers = 64
	sim := konasim.New(konasim.Config{SecretKey: secretKey, Latency: konasim.Latency{P50: 500 * time.Millisecond}})
	client := serve(t, sim, nil)
	breaker := inquiry.WithBreaker(client, inquiry.BreakerConfig{})
	composed := inquiry.WithRetries(breaker, inquiry.RetryConfig{})
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for ctx.Err() == nil {
				answer, err := composed.Inquire(ctx, nil, event)
				if err == nil && answer.Class != processor.Answered && answer.Class != processor.VendorDown {
					t.Errorf("%+v", answer)
				}
			}
		})
	}
	calls := func() uint64 { return sim.Stats().Calls }

	time.Sleep(2 * time.Second)
	if s := breaker.State(); s.State != inquiry.Closed || calls() < 128 {
		t.Errorf("healthy: %+v after %d calls", s, calls())
	}

	sim.SetOutage(outage)
	time.Sleep(12 * time.Second) // those that hang take 5 s to fail, and the window still holds successes
	if s := breaker.State(); s.State == inquiry.Closed || s.Waiting < workers-1 {
		t.Errorf("12 s into the outage: %+v", s)
	}
	before := calls()
	time.Sleep(6*time.Minute - 12*time.Second)
	if probes := calls() - before; probes < 10 || probes > 348/15 {
		t.Errorf("%d calls while open", probes)
	}

	sim.SetOutage(konasim.Up)
	within(t, 24*time.Second, func() { // a probe that still hangs, then the open time
		for breaker.State().State != inquiry.Closed {
			time.Sleep(100 * time.Millisecond)
		}
	})
	time.Sleep(4 * time.Second) // seven rounds
	if s := breaker.State(); s.State != inquiry.Closed || s.Limit != workers || s.InFlight < workers/2 {
		t.Errorf("after the outage: %+v", s)
	}
	stop()
	all.Wait()
	if s := breaker.State(); s.InFlight != 0 || s.Waiting != 0 {
		t.Errorf("after all have left: %+v", s)
	}
}
