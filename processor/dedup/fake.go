package dedup

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/chargeresult/chargeresult/processor"
)

// Fake keeps claims in memory, for tests and demonstrations of what stands above them. It answers as a Store does: one
// contract suite runs on both. It reads TTL, Group, Holder and Gone of its Config only.
type Fake struct {
	cfg  Config
	keys keys

	mu       sync.Mutex           // guards all below, held for the length of a call
	claims   map[string]fakeClaim // by key
	server   int                  // counts the servers that the claims were on
	sentinel *fakeSentinel        // nil: missing
	lease    *fakeLease           // nil: free
	faults   map[string][]Fault   // by method: the faults of its next calls
}

type fakeClaim struct {
	record
	expires time.Time
}

// fakeSentinel is what the sentinel says.
type fakeSentinel struct {
	incarnation string
	server      int
	generation  int32
	foreign     bool // it names another topic
}

var _ processor.Claims = (*Fake)(nil)

// NewFake returns a store without claims, ready to be claimed on.
func NewFake(cfg Config) *Fake {
	cfg = cfg.withDefaults()
	f := &Fake{cfg: cfg, keys: keysOf(cfg.Group), claims: map[string]fakeClaim{}, faults: map[string][]Fault{}}
	f.Revive()
	return f
}

// Claim implements processor.Claims.
func (f *Fake) Claim(ctx context.Context, generation int32, claims []processor.Claim) ([]processor.Claimed, error) {
	var claimed []processor.Claimed
	err := f.guarded(ctx, "claim", func() error {
		if generation < f.sentinel.generation {
			return fmt.Errorf("%w: the newest generation seen is %d", processor.ErrClaimStale, f.sentinel.generation)
		}
		f.sentinel.generation = generation
		gone := goneOf(claims, f.cfg.Gone)
		for _, c := range claims {
			claimed = append(claimed, f.claim(c, gone))
		}
		newestOnly(claims, claimed)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return claimed, nil
}

// claim answers one claim.
func (f *Fake) claim(c processor.Claim, gone func(processor.Owner) bool) processor.Claimed {
	key, next := f.keys.claim(c), claimedRecord(c)
	if stored, ok := f.live(key); ok {
		var v processor.Verdict
		if v, next = judge(c, stored, gone); v != 0 {
			return processor.Claimed{Verdict: v, Owner: stored.owner, Incarnation: f.sentinel.incarnation}
		}
	}
	f.put(key, next)
	return processor.Claimed{Verdict: processor.Ours, Owner: c.Owner, Incarnation: f.sentinel.incarnation}
}

// Incarnation implements processor.Claims.
func (f *Fake) Incarnation(ctx context.Context) (string, error) {
	var incarnation string
	err := f.guarded(ctx, "incarnation", func() error {
		incarnation = f.sentinel.incarnation
		return nil
	})
	return incarnation, err
}

// Settle implements processor.Claims.
func (f *Fake) Settle(ctx context.Context, settled []processor.Settlement) error {
	return f.guarded(ctx, "settle", func() error { return f.settle(settled) })
}

func (f *Fake) settle(settled []processor.Settlement) error {
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
}

// guarded is call, but for a store that is lost.
func (f *Fake) guarded(ctx context.Context, method string, work func() error) error {
	return f.call(ctx, method, func() error {
		if err := f.lost(); err != nil {
			return err
		}
		return work()
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
