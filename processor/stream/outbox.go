package stream

import "sync"

// outbox holds finished messages, in the order they finished.
type outbox struct {
	mu       sync.Mutex
	finished []*Message
	closed   bool
	wake     sync.Cond
	ready    bool // something was put since the committer last looked
}

func newOutbox() *outbox {
	o := &outbox{}
	o.wake.L = &o.mu
	return o
}

func (o *outbox) put(m *Message) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.finished = append(o.finished, m)
	o.ready = true
	o.wake.Signal()
}

// hold returns messages to the front, in their order, so that the order of a key's results survives an abort. They are taken again when
// something new is put, or at a nudge.
func (o *outbox) hold(messages []*Message) {
	if len(messages) == 0 {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.finished = append(messages[:len(messages):len(messages)], o.finished...)
}

func (o *outbox) nudge() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ready = len(o.finished) > 0
}

func (o *outbox) take(limit int) []*Message {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := min(limit, len(o.finished))
	taken := o.finished[:n:n]
	o.finished = o.finished[n:]
	o.ready = len(o.finished) > 0
	return taken
}

// wait returns true when there is something to publish, false when the outbox is closed.
func (o *outbox) wait() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for !o.ready && !o.closed {
		o.wake.Wait()
	}
	return !o.closed
}

func (o *outbox) isClosed() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.closed
}

func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	o.wake.Broadcast()
}
