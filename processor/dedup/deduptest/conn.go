package deduptest

import (
	"bytes"
	"io"
	"net"
	"sync"
)

// backlog is how many replies wait for a client that still writes.
const backlog = 1024

// replyConn is the server's end of a connection in memory. It writes behind the server's back, as a socket's buffer does: on a bare
// net.Pipe a pipeline stops for ever, the client not reading before it wrote everything, the server not reading before its reply is read.
type replyConn struct {
	net.Conn
	replies chan []byte
	closed  chan struct{}
	close   sync.Once
}

func newReplyConn(conn net.Conn) *replyConn {
	return &replyConn{Conn: conn, replies: make(chan []byte, backlog), closed: make(chan struct{})}
}

// deliver writes the replies until the connection is closed or broken.
func (c *replyConn) deliver() {
	for {
		select {
		case b := <-c.replies:
			if _, err := c.Conn.Write(b); err != nil {
				return
			}
		case <-c.closed:
			return
		}
	}
}

func (c *replyConn) Write(b []byte) (int, error) {
	select {
	case c.replies <- bytes.Clone(b):
		return len(b), nil
	case <-c.closed:
		return 0, io.ErrClosedPipe
	}
}

func (c *replyConn) Close() error {
	c.close.Do(func() { close(c.closed) })
	return c.Conn.Close()
}
