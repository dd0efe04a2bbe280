package collector

import (
	"context"
	"math"
	"time"
)

// Fault is how a Collector fails; its zero value is that it does not. Each fault of the answer comes in two kinds: by default what was
// sent is kept all the same, as where the answer is lost on its way; with Lose it is not.
type Fault struct {
	Status     int           // of the answer, such as 503; 0: as it would be, and where Lose is set, the connection is closed unanswered
	RetryAfter time.Duration // said with Status, in whole seconds; 0: not said
	Delay      time.Duration // before the answer; Never: there is none
	Lose       bool          // what was sent is not kept
}

// Never is a Delay that has no end.
const Never = time.Duration(math.MaxInt64)

// Fail makes c fail so from now on. Requests that still wait for the end of a former fault's Delay are closed unanswered: do it before
// the server is closed, which waits for them.
func (c *Collector) Fail(f Fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fault = f
	close(c.switched)
	c.switched = make(chan struct{})
}

// failing counts a request, and returns how to fail, and what is closed when that is over.
func (c *Collector) failing() (Fault, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts.Requests++
	return c.fault, c.switched
}

// pause waits for Delay, and returns whether it came to its end.
func (f Fault) pause(ctx context.Context, switched <-chan struct{}) bool {
	if f.Delay == 0 {
		return true
	}
	timer := time.NewTimer(f.Delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-switched:
	case <-ctx.Done():
	}
	return false
}
