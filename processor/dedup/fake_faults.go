package dedup

import (
	"crypto/rand"
	"fmt"

	"github.com/chargeresult/chargeresult/processor"
)

// Fault is what goes wrong with a call of a Fake. Faults come in pairs, because a caller cannot tell them apart: the
// error is a processor.ErrClaimsUnavailable either way.
type Fault int

// The faults.
const (
	Fails              Fault = iota + 1 // the call did nothing
	FailsButTookEffect                  // the call did all its work, and its answer was lost
)

// FailClaims gives faults to the next calls of Claim, one each.
func (f *Fake) FailClaims(faults ...Fault) { f.fail("claim", faults) }

// FailSettles gives faults to the next calls of Settle, one each.
func (f *Fake) FailSettles(faults ...Fault) { f.fail("settle", faults) }

// FailIncarnations gives faults to the next calls of Incarnation, one each.
func (f *Fake) FailIncarnations(faults ...Fault) { f.fail("incarnation", faults) }

// FailBegins gives faults to the next calls of BeginRebuild, one each.
func (f *Fake) FailBegins(faults ...Fault) { f.fail("begin", faults) }

// FailRestores gives faults to the next calls of Restore, one each, of whatever rebuild.
func (f *Fake) FailRestores(faults ...Fault) { f.fail("restore", faults) }

// FailFinishes gives faults to the next calls of Finish, one each, of whatever rebuild.
func (f *Fake) FailFinishes(faults ...Fault) { f.fail("finish", faults) }

func (f *Fake) fail(method string, faults []Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults[method] = append(f.faults[method], faults...)
}

// Wipe loses everything, as FLUSHALL does. A new Fake that is wiped is a store on which nothing was ever claimed.
func (f *Fake) Wipe() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.claims, f.sentinel, f.lease = map[string]fakeClaim{}, nil, nil
}

// Replace puts another server in the place of this one, with the same data, as a restart or a failover does.
// Forget what its last moments lost.
func (f *Fake) Replace() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.server++
}

// Recreate makes the claims those of another topic, as where an input topic was recreated under its name: the loss is a
// processor.ErrClaimsForeign. A wiped store names no topic, and stays as it is.
func (f *Fake) Recreate() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.sentinel != nil {
		f.sentinel.foreign = true
	}
}

// Forget loses one claim, as a failover does, or the end of its time to live.
func (f *Fake) Forget(c processor.Claim) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.claims, f.keys.claim(c))
}

// Revive ends a loss as a rebuild does that has nothing to restore: the claims that are there stand, in a new incarnation, and generations
// count from 0 again. A rebuild that is under way finds that another finished.
func (f *Fake) Revive() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sentinel, f.lease = &fakeSentinel{incarnation: rand.Text(), server: f.server}, nil
}

// lost is the Loss of a store that is lost. mu is held.
func (f *Fake) lost() error {
	loss := Loss{Server: "fake", Sentinel: f.keys.sentinel()}
	switch {
	case f.sentinel == nil:
	case f.sentinel.foreign:
		loss.Field, loss.Stored, loss.Found = fieldTopic+"recreated", "its old ID", "its new one"
	case f.sentinel.server != f.server:
		loss.Field, loss.Stored, loss.Found = fieldRunID, fmt.Sprint("server ", f.sentinel.server), fmt.Sprint("server ", f.server)
	default:
		return nil
	}
	return &loss
}
