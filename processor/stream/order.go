package stream

import (
	"hash/maphash"
	"sync"
)

// Ordering says which messages wait for each other.
type Ordering string

// The orderings.
const (
	OrderKey  Ordering = "key"  // messages of one record key run one after another, in offset order; those without a key are free
	OrderNone Ordering = "none" // every message is free
)

// order hands messages to workers so that those of one key run one after another, in the order they were dispatched.
//
// A key's messages form a chain: each waits for the one before it. The worker that finishes a message goes on with the next of its chain, so
// a message passes through the ready channel only if nothing of its key is in flight. Keys are told apart by a 64-bit
// hash: two that collide wait for each other in vain, and nothing else happens.
type order struct {
	byKey bool
	seed  maphash.Seed
	ready chan *Message // has room for every message that may be in flight, so that dispatching never blocks

	mu    sync.Mutex
	tails map[uint64]*Message // the last message in flight of each key
}

func newOrder(o Ordering, capacity int) *order {
	return &order{
		byKey: o == OrderKey,
		seed:  maphash.MakeSeed(),
		ready: make(chan *Message, capacity),
		tails: make(map[uint64]*Message),
	}
}

func (o *order) free(m *Message) bool { return !o.byKey || m.Record.Key == nil }

func (o *order) hash(m *Message) uint64 { return maphash.Bytes(o.seed, m.Record.Key) }

// dispatch makes the messages ready, or lines them up behind what is in flight of their keys.
func (o *order) dispatch(messages []*Message) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, m := range messages {
		if !o.free(m) {
			h := o.hash(m)
			tail := o.tails[h]
			o.tails[h] = m
			if tail != nil {
				tail.next = m
				continue
			}
		}
		o.ready <- m
	}
}

// after returns the message that waited for m, which is done, or nil.
func (o *order) after(m *Message) *Message {
	if o.free(m) {
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	next := m.next
	m.next = nil
	if next == nil {
		delete(o.tails, o.hash(m))
	}
	return next
}
