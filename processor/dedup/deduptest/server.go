// Package deduptest is a Redis server in memory that claims can be kept on, for tests and demonstrations.
//
// It is miniredis, which runs under testing/synctest, with the parts of INFO that a claim store reads.
package deduptest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net"
	"strings"
	"sync"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"
)

// Server is a Redis server in memory. Its embedded methods reach its data. Keys expire only after ClockTTL(true), which makes
// each command look at every key.
type Server struct {
	*miniredis.Miniredis

	conns sync.WaitGroup // the deliveries of all connections

	mu    sync.Mutex // guards runID, role and fault
	runID string
	role  string
	fault string
}

// Start starts a server that nothing connects to but Dial. Close it when done.
func Start() *Server {
	s := &Server{Miniredis: miniredis.NewMiniRedis(), role: "master"}
	if conn, err := s.Miniredis.Dial(); err == nil { // starts it; an in-memory dial does not fail
		conn.Close()
	}
	s.Restart()
	s.Server().SetPreHook(s.intercept)
	return s
}

// Dial connects to the server, whatever the address: it is a Config's Dialer.
func (s *Server) Dial(context.Context, string, string) (net.Conn, error) {
	client, end := net.Pipe()
	conn := newReplyConn(end)
	s.conns.Go(conn.deliver)
	s.Server().ServeConn(conn)
	return client, nil
}

// Close closes all connections, and waits for them.
func (s *Server) Close() {
	s.Miniredis.Close()
	s.conns.Wait()
}

// Restart gives the server another run ID, as a restart or a failover does. Data and open connections stay.
func (s *Server) Restart() {
	var id [20]byte
	rand.Read(id[:])
	s.mu.Lock()
	defer s.mu.Unlock()
	s.runID = hex.EncodeToString(id[:])
}

// Demote makes the server a replica, which accepts no writes.
func (s *Server) Demote() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.role = "slave"
}

// Refuse answers every script with an error, as in "OOM command not allowed"; empty: no more.
func (s *Server) Refuse(message string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = message
}

// intercept answers INFO, and refuses scripts, ahead of miniredis.
func (s *Server) intercept(c *server.Peer, cmd string, _ ...string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case cmd == "INFO":
		c.WriteBulk(fmt.Sprintf("redis_version:7.0.15\r\nrun_id:%s\r\nmaxmemory_policy:noeviction\r\naof_enabled:0\r\nevicted_keys:0\r\nrole:%s\r\n", s.runID, s.role))
	case strings.HasPrefix(cmd, "EVAL") && s.fault != "":
		c.WriteError(s.fault)
	default:
		return false
	}
	return true
}
