package dedup

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync"
	"time"

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

// Fake keeps claims in memory, for tests and demonstrations of what stands above them. It answers as a Store does: one
// contract suite runs on both. It begins initialised, and reads TTL, Group and Gone of its Config only.
type Fake struct {
	cfg  Config
	keys keys

	mu          sync.Mutex           // guards all below, held for the length of a call
	claims      map[string]fakeClaim // by key
	incarnation string
	loss        *Loss // nil: not lost
	generation  int32
	faults      map[string][]Fault // by method: the faults of its next calls
}

type fakeClaim struct {
	record
	expires time.Time
}

var _ processor.Claims = (*Fake)(nil)

// NewFake returns an initialised store without claims.
func NewFake(cfg Config) *Fake {
	f := &Fake{cfg: cfg.withDefaults(), keys: keysOf(cfg.Group), faults: map[string][]Fault{}}
	f.Wipe()
	f.Rebuild()
	return f
}

// Claim implements processor.Claims.
func (f *Fake) Claim(ctx context.Context, generation int32, claims []processor.Claim) ([]processor.Claimed, error) {
	var claimed []processor.Claimed
	err := f.call(ctx, "claim", func() error {
		if generation < f.generation {
			return fmt.Errorf("%w: the newest generation seen is %d", processor.ErrClaimStale, f.generation)
		}
		f.generation = generation
		gone := goneOf(claims, f.cfg.Gone)
		for _, c := range claims {
			claimed = append(claimed, f.claim(c, gone))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return claimed, nil
}

// claim answers one claim.
func (f *Fake) claim(c processor.Claim, gone func(processor.Owner) bool) processor.Claimed {
	key := f.keys.claim(c)
	stored, ok := f.live(key)
	if ok {
		if v, decided := judge(c, stored, gone); decided {
			return processor.Claimed{Verdict: v, Owner: stored.owner, Incarnation: f.incarnation}
		}
	}
	f.put(key, claimedRecord(c))
	return processor.Claimed{Verdict: processor.Ours, Owner: c.Owner, Incarnation: f.incarnation}
}

// Incarnation implements processor.Claims.
func (f *Fake) Incarnation(ctx context.Context) (string, error) {
	var incarnation string
	err := f.call(ctx, "incarnation", func() error {
		incarnation = f.incarnation
		return nil
	})
	return incarnation, err
}

// Settle implements processor.Claims.
func (f *Fake) Settle(ctx context.Context, settled []processor.Settlement) error {
	return f.call(ctx, "settle", func() error {
		for _, s := range settled {
			r, err := settledRecord(s)
			if err != nil {
				return err
			}
			key, write := f.keys.claim(s.Claim), true
			if stored, ok := f.live(key); ok {
				r, write = merge(stored, r)
			}
			if write {
				f.put(key, r)
			}
		}
		return nil
	})
}

// call runs one method's work, with the method's next fault.
func (f *Fake) call(ctx context.Context, method string, work func() error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var fault Fault
	if next := f.faults[method]; len(next) > 0 {
		fault, f.faults[method] = next[0], next[1:]
	}
	if fault == Fails {
		return fmt.Errorf("%s: %w: it failed", method, processor.ErrClaimsUnavailable)
	}
	if f.loss != nil {
		return fmt.Errorf("%s: %w", method, f.loss)
	}
	if err := work(); err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	if fault == FailsButTookEffect {
		return fmt.Errorf("%s: %w: its answer was lost", method, processor.ErrClaimsUnavailable)
	}
	return nil
}

// live returns what is stored under a key and has not expired.
func (f *Fake) live(key string) (record, bool) {
	c, ok := f.claims[key]
	return c.record, ok && time.Now().Before(c.expires)
}

// put stores a record for the time to live.
func (f *Fake) put(key string, r record) {
	f.claims[key] = fakeClaim{r, time.Now().Add(f.cfg.TTL)}
}

// FailClaims gives faults to the next calls of Claim, one each.
func (f *Fake) FailClaims(faults ...Fault) { f.fail("claim", faults) }

// FailSettles gives faults to the next calls of Settle, one each.
func (f *Fake) FailSettles(faults ...Fault) { f.fail("settle", faults) }

// FailIncarnations gives faults to the next calls of Incarnation, one each.
func (f *Fake) FailIncarnations(faults ...Fault) { f.fail("incarnation", faults) }

func (f *Fake) fail(method string, faults []Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults[method] = append(f.faults[method], faults...)
}

// Wipe loses everything, as FLUSHALL does.
func (f *Fake) Wipe() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.claims = map[string]fakeClaim{}
	f.loss = &Loss{Server: "fake", Sentinel: f.keys.sentinel()}
}

// Replace puts another server in the place of this one, with the same data, as a restart or a failover does.
// Forget what its last moments lost.
func (f *Fake) Replace() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.loss = &Loss{Server: "fake", Sentinel: f.keys.sentinel(), Field: fieldRunID, Stored: "the old server", Found: "another"}
}

// Forget loses one claim, as a failover does, or the end of its time to live.
func (f *Fake) Forget(c processor.Claim) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.claims, f.keys.claim(c))
}

// Rebuild ends a loss: the claims that are there stand, in a new incarnation, and generations count from 0 again.
func (f *Fake) Rebuild() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.loss = nil
	f.incarnation = rand.Text()
	f.generation = 0
}
