package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chargeresult/chargeresult/processor/inquiry"
	"github.com/chargeresult/chargeresult/processor/inquiry/konasim"
)

// outage is the time that the vendor is down.
type outage struct {
	vendor *konasim.Simulator
	down   atomic.Bool
}

// run takes the vendor down from and until so long after now. When ctx ends, the vendor is up.
func (o *outage) run(ctx context.Context, from, until time.Duration) {
	pause(ctx, from)
	o.set(ctx.Err() == nil)
	pause(ctx, until-from)
	o.set(false)
}

func (o *outage) set(down bool) {
	o.vendor.SetDown(down)
	o.down.Store(down)
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// change is the breaker's entry into a state.
type change struct {
	state inquiry.State
	at    time.Time
}

// history keeps the breaker's changes.
type history struct {
	mu      sync.Mutex
	changes []change
}

// note enters a change.
func (h *history) note(now inquiry.BreakerStatus) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.changes = append(h.changes, change{now.State, now.Since})
}

func (h *history) all() []change {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.changes[:len(h.changes):len(h.changes)]
}

// underWay is how long after the breaker opened a call that was sent before may arrive.
const underWay = 250 * time.Millisecond

// breakerReport says what the breaker did, by the vendor's own ledger.
type breakerReport struct {
	Opened         int     `json:"opened"`         // times, a failed probe included
	OpenSeconds    float64 `json:"openSeconds"`    // in all
	CallsWhileOpen int     `json:"callsWhileOpen"` // that reached the vendor
	CallsUnderWay  int     `json:"callsUnderWay"`  // that reached it within 250 ms of opening: sent before, on their way
	Probes         int     `json:"probes"`         // calls while half-open
}

// judgeBreaker compares the breaker's changes with the vendor's calls, both in the order of time.
func judgeBreaker(changes []change, calls []konasim.Call, end time.Time) breakerReport {
	var r breakerReport
	for i, c := range changes {
		until := end
		if i+1 < len(changes) {
			until = changes[i+1].at
		}
		if c.state == inquiry.Open {
			r.Opened++
			r.OpenSeconds += until.Sub(c.at).Seconds()
		}
		for _, call := range calls {
			if call.Time.Before(c.at) || !call.Time.Before(until) {
				continue
			}
			switch late := call.Time.Sub(c.at) <= underWay; {
			case c.state == inquiry.HalfOpen:
				r.Probes++
			case c.state == inquiry.Open && late:
				r.CallsUnderWay++
			case c.state == inquiry.Open:
				r.CallsWhileOpen++
			}
		}
	}
	return r
}
