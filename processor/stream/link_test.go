package stream

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"sync"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

type dialer func(ctx context.Context, network, address string) (net.Conn, error)

// link is one process's way to the cluster. It can be cut for a while (a partition of the network) or for good (a crash), also at the
// very moment a request of a kind is sent: before it arrives, or after it took effect and before the answer comes back.
type link struct {
	net *kfake.VirtualNetwork

	mu    sync.Mutex
	down  bool
	trap  *trap
	wires map[*wire]bool
}

// trap waits for the first request of a kind.
type trap struct {
	key     kmsg.Key
	deliver bool // the request arrives; only its answer is lost
	sprung  chan struct{}
}

func newLink(n *kfake.VirtualNetwork) *link { return &link{net: n, wires: map[*wire]bool{}} }

var errCut = errors.New("the network is cut")

func (l *link) dial(ctx context.Context, network, address string) (net.Conn, error) {
	l.mu.Lock()
	down := l.down
	l.mu.Unlock()
	if down {
		return nil, errCut
	}
	conn, err := l.net.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	w := &wire{Conn: conn, link: l}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down {
		_ = conn.Close()
		return nil, errCut
	}
	l.wires[w] = true
	return w, nil
}

// cut closes every connection and refuses new ones.
func (l *link) cut() { l.cutBut(nil) }

func (l *link) cutBut(spared *wire) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = true
	for w := range l.wires {
		if w != spared {
			_ = w.Conn.Close()
			delete(l.wires, w)
		}
	}
}

// heal mends the link and takes back what would cut it again.
func (l *link) heal() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = false
	l.trap = nil
}

// cutAt cuts the link when the next request of the kind is sent, and returns a channel that is closed then.
func (l *link) cutAt(key kmsg.Key, deliver bool) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.trap = &trap{key: key, deliver: deliver, sprung: make(chan struct{})}
	return l.trap.sprung
}

// springs says whether a request springs the trap.
func (l *link) springs(request []byte) *trap {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.trap == nil || len(request) < 6 || kmsg.Key(binary.BigEndian.Uint16(request[4:])) != l.trap.key {
		return nil
	}
	sprung := l.trap
	l.trap = nil
	return sprung
}

// wire is one connection. The client writes a request at a time.
type wire struct {
	net.Conn
	link *link

	mu   sync.Mutex
	deaf *trap // what comes back is not heard; it proves that the request took effect
}

func (w *wire) Write(b []byte) (int, error) {
	sprung := w.link.springs(b)
	switch {
	case sprung == nil:
		return w.Conn.Write(b)
	case !sprung.deliver:
		w.link.cut()
		close(sprung.sprung)
		return 0, errCut
	}
	w.mu.Lock()
	w.deaf = sprung
	w.mu.Unlock()
	w.link.cutBut(w)
	return w.Conn.Write(b)
}

func (w *wire) Read(b []byte) (int, error) {
	n, err := w.Conn.Read(b)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.deaf == nil {
		return n, err
	}
	close(w.deaf.sprung)
	w.deaf = nil
	_ = w.Conn.Close()
	return 0, errCut
}

func (w *wire) Close() error {
	w.link.mu.Lock()
	delete(w.link.wires, w)
	w.link.mu.Unlock()
	return w.Conn.Close()
}
