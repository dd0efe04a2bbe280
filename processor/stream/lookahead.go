package stream

import (
	"context"
	"sync"
)

// lookAhead bounds how many messages are in flight: limit, or one while intake is held.
type lookAhead struct {
	limit int

	mu   sync.Mutex
	room sync.Cond
	used int
}

func newLookAhead(limit int) *lookAhead {
	a := &lookAhead{limit: limit}
	a.room.L = &a.mu
	return a
}

// wait returns how many more messages there is room for, at least one, or 0 when ctx has ended.
func (a *lookAhead) wait(ctx context.Context, held bool) int {
	limit := a.limit
	if held {
		limit = 1
	}
	defer context.AfterFunc(ctx, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.room.Broadcast()
	})()
	a.mu.Lock()
	defer a.mu.Unlock()
	for a.used >= limit && ctx.Err() == nil {
		a.room.Wait()
	}
	if ctx.Err() != nil {
		return 0
	}
	return limit - a.used
}

func (a *lookAhead) take(n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.used += n
}

func (a *lookAhead) release(n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.used -= n
	a.room.Broadcast()
}

func (a *lookAhead) inFlight() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.used
}
