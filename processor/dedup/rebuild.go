package dedup

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/chargeresult/chargeresult/processor"
)

// rebuildLease is for how long a process that rebuilds is waited for after its last call. It is longer than any of its calls takes,
// and is renewed by each; a process that dies holds the others up for no more than this.
const rebuildLease = 15 * time.Second

// restoreWindow is how many runs of settle.lua travel in one round trip of Restore: 2,048 states, some 50 milliseconds' work.
const restoreWindow = 8

// BeginRebuild takes the lease under which the claims are restored, and removes the sentinel: from here to Finish nothing is claimed,
// confirmed or settled by anybody. Whatever commits after it was confirmed before, so high watermarks that are read from here on are behind it.
//
// It works on any store: wiped, replaced, in order, or of another cluster or topic; whether the last is meant is the caller's to know.
// The error is a processor.ErrRebuilding that names the other process, or a processor.ErrClaimsUnavailable. After the latter the lease may
// be taken all the same, and expires in 15 seconds.
func (s *Store) BeginRebuild(ctx context.Context) (processor.Rebuild, error) {
	r := &rebuild{store: s, incarnation: rand.Text()}
	value := leaseValue(r.incarnation, time.Now(), s.cfg.Holder)
	r.lease = call{keys: []string{s.keys.sentinel(), s.keys.lease()}, args: []string{value, milliseconds(rebuildLease)}}
	replies, err := r.eval(ctx, "begin rebuild of claims", s.scripts.begin, []call{{}})
	if err != nil {
		return nil, err
	}
	r.lease.args = []string{value, replies[0].id, milliseconds(rebuildLease)}
	return r, nil
}

// leaseValue is what is stored under the lease's key: a token, since when, and who.
func leaseValue(token string, since time.Time, holder string) string {
	return strings.Join([]string{token, since.UTC().Format(time.RFC3339), holder}, " ")
}

// rebuild is the processor.Rebuild of a Store.
type rebuild struct {
	store       *Store
	incarnation string // what Finish begins; unique, and so the lease's token too
	lease       call   // what lease.lua wants
}

// Restore implements processor.Rebuild. It renews the lease even where nothing is to be restored: a rebuild that
// reads or waits for long calls it at least every few seconds.
func (r *rebuild) Restore(ctx context.Context, committed []processor.Settlement) error {
	for {
		n := min(len(committed), restoreWindow*chunk)
		calls, err := r.store.settleCalls(committed[:n])
		if err != nil {
			return fmt.Errorf("restore claims: %w", err)
		}
		if n == 0 {
			calls = []call{{args: []string{r.store.ttl()}}}
		}
		if _, err := r.eval(ctx, "restore claims", r.store.scripts.restore, calls); err != nil {
			return err
		}
		if committed = committed[n:]; len(committed) == 0 {
			return nil
		}
	}
}

// Finish implements processor.Rebuild. It may be repeated: where it took effect before, and its reply was lost, it finds its own incarnation.
func (r *rebuild) Finish(ctx context.Context, generation int32) error {
	args := append([]string{r.incarnation, strconv.Itoa(int(generation))}, r.store.identity...)
	_, err := r.eval(ctx, "finish rebuild of claims", r.store.scripts.finish, []call{{args: args}})
	if finishedAs(err, r.incarnation) {
		return nil
	}
	return err
}

// Abandon implements processor.Rebuild. It does so even where ctx ended: that may be why the rebuild is abandoned.
// Where the server does not answer, the lease expires by itself.
func (r *rebuild) Abandon(ctx context.Context) {
	bounded, cancel := r.store.bound(context.WithoutCancel(ctx))
	defer cancel()
	_, _ = r.store.eval(bounded, r.store.scripts.abandon, call{keys: r.lease.keys[1:], args: r.lease.args[:1]}, []call{{}})
}

// eval is the store's, under the lease.
func (r *rebuild) eval(ctx context.Context, op string, sc script, calls []call) ([]reply, error) {
	bounded, cancel := r.store.bound(ctx)
	defer cancel()
	replies, err := r.store.eval(bounded, sc, r.lease, calls)
	if err != nil {
		return nil, r.store.failed(ctx, op, err)
	}
	return replies, nil
}
