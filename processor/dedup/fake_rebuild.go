package dedup

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/chargeresult/chargeresult/processor"
)

// fakeLease is the lease as it is held.
type fakeLease struct {
	holder *fakeRebuild
	ends   time.Time
}

// BeginRebuild is as a Store's.
func (f *Fake) BeginRebuild(ctx context.Context) (processor.Rebuild, error) {
	var r *fakeRebuild
	err := f.call(ctx, "begin", func() error {
		now := time.Now()
		if held := f.held(now); held != nil {
			return heldBy(held.value)
		}
		incarnation := rand.Text()
		r = &fakeRebuild{
			fake:        f,
			incarnation: incarnation,
			value:       leaseValue(incarnation, now, f.cfg.Holder),
			server:      f.server,
		}
		f.sentinel, f.lease = nil, &fakeLease{r, now.Add(rebuildLease)}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return r, nil
}

// held returns the rebuild that holds the lease, nil if none does. mu is held.
func (f *Fake) held(now time.Time) *fakeRebuild {
	if f.lease == nil || !now.Before(f.lease.ends) {
		return nil
	}
	return f.lease.holder
}

// fakeRebuild is the processor.Rebuild of a Fake. Nothing in it changes.
type fakeRebuild struct {
	fake        *Fake
	incarnation string // that Finish begins
	value       string // of the lease
	server      int    // that it began on
}

// Restore implements processor.Rebuild.
func (r *fakeRebuild) Restore(ctx context.Context, committed []processor.Settlement) error {
	return r.fake.call(ctx, "restore", func() error {
		if err := r.renew(); err != nil {
			return err
		}
		return r.fake.settle(committed)
	})
}

// Finish implements processor.Rebuild.
func (r *fakeRebuild) Finish(ctx context.Context, generation int32) error {
	f := r.fake
	return f.call(ctx, "finish", func() error {
		err := r.renew()
		if finishedAs(err, r.incarnation) {
			return nil
		}
		if err != nil {
			return err
		}
		f.sentinel, f.lease = &fakeSentinel{incarnation: r.incarnation, server: f.server, generation: generation}, nil
		return nil
	})
}

// Abandon implements processor.Rebuild.
func (r *fakeRebuild) Abandon(context.Context) {
	r.fake.mu.Lock()
	defer r.fake.mu.Unlock()
	if r.fake.held(time.Now()) == r {
		r.fake.lease = nil
	}
}

// renew does what lease.lua does. mu is held.
func (r *fakeRebuild) renew() error {
	f, now := r.fake, time.Now()
	held := f.held(now)
	switch {
	case f.server != r.server:
		return &Loss{
			Server: "fake", Sentinel: f.keys.sentinel(), Field: fieldRunID,
			Stored: fmt.Sprint("server ", r.server), Found: fmt.Sprint("server ", f.server),
		}
	case held != nil && held != r:
		return heldBy(held.value)
	case held == nil && f.sentinel != nil:
		return &finishedError{f.sentinel.incarnation}
	case held == nil:
		return &Loss{Server: "fake", Sentinel: f.keys.sentinel(), Field: fieldLease}
	}
	f.lease.ends = now.Add(rebuildLease)
	return nil
}
