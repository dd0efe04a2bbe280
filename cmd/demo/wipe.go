package main

import (
	"context"
	"sync"
	"time"

	"github.com/chargeresult/chargeresult/processor"
	"github.com/chargeresult/chargeresult/processor/dedup/deduptest"
	"github.com/chargeresult/chargeresult/processor/stream"
)

// wipe is the loss of everything in Redis, once.
type wipe struct {
	redis *deduptest.Server

	mu      sync.Mutex
	flushed time.Time // zero: not yet
	rebuilt time.Time // when the claims were back; zero: not yet
}

// run flushes Redis so long after now, unless ctx ends before.
func (w *wipe) run(ctx context.Context, after time.Duration) {
	pause(ctx, after)
	if ctx.Err() != nil {
		return
	}
	w.mu.Lock()
	w.flushed = time.Now()
	w.mu.Unlock()
	w.redis.FlushAll()
}

// times are when Redis was flushed and when the claims were back; zero for what has not happened.
func (w *wipe) times() (flushed, rebuilt time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.flushed, w.rebuilt
}

// watch returns r, watched for when it has rebuilt what the wipe took.
func (w *wipe) watch(r processor.Rebuilder) processor.Rebuilder { return watched{r, w} }

type watched struct {
	processor.Rebuilder
	wipe *wipe
}

// Rebuild implements processor.Rebuilder.
func (r watched) Rebuild(ctx context.Context, member stream.Member) error {
	err := r.Rebuilder.Rebuild(ctx, member)
	r.wipe.mu.Lock()
	defer r.wipe.mu.Unlock()
	if err == nil && !r.wipe.flushed.IsZero() && r.wipe.rebuilt.IsZero() {
		r.wipe.rebuilt = time.Now()
	}
	return err
}
