package dedup

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
	"go.uber.org/goleak"

	"github.com/chargeresult/chargeresult/processor"
	"github.com/chargeresult/chargeresult/processor/dedup/deduptest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestContractOnFake(t *testing.T) { testContract(t, fakeSubject) }

func TestContractOnMiniredis(t *testing.T) {
	testContract(t, func(t *testing.T) subject {
		s, _ := miniSubject(t, testConfig())
		return s
	})
}

// testConfig is a Config without a server.
func testConfig() Config {
	return Config{
		URL:       "redis://memory",
		Group:     "charge-result",
		Holder:    "host:17",
		ClusterID: "MkU3OEVBNTcwNTJENDM2Qg",
		TopicIDs:  map[string][16]byte{"charge-requested": testTopic},
		// A server in memory is slow with the race detector on a busy machine.
		OperationTimeout: 10 * time.Second,
	}
}

func fakeSubject(*testing.T) subject {
	gone := &goneOwners{}
	cfg := testConfig()
	cfg.Gone = gone.is
	f := NewFake(cfg)
	return subject{
		claims:      f,
		failClaim:   func(fault Fault) { f.FailClaims(fault) },
		failSettle:  func(fault Fault) { f.FailSettles(fault) },
		failBegin:   func(fault Fault) { f.FailBegins(fault) },
		failRestore: func(fault Fault) { f.FailRestores(fault) },
		failFinish:  func(fault Fault) { f.FailFinishes(fault) },
		wipe:        f.Wipe,
		replace:     f.Replace,
		forget:      f.Forget,
		expire:      func() { f.lease = nil },
		stored: func(c processor.Claim) string {
			r, ok := f.live(f.keys.claim(c))
			if !ok {
				return ""
			}
			return r.String()
		},
		gone: gone,
	}
}

// miniSubject is a Store on a server in memory.
func miniSubject(t *testing.T, cfg Config) (subject, *deduptest.Server) {
	server := deduptest.Start()
	t.Cleanup(server.Close)
	cfg.Dialer = server.Dial
	admin := redis.NewClient(&redis.Options{
		Dialer: server.Dial, DisableIdentity: true,
		// Else it looks its address up, which no bubble allows.
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	t.Cleanup(func() { admin.Close() })
	return storeSubject(t, cfg, admin, server.Restart), server
}

// storeSubject is a Store on the server that cfg names, and that admin may do anything on.
func storeSubject(t *testing.T, cfg Config, admin redis.UniversalClient, replace func()) subject {
	gone, faults := &goneOwners{}, &faultyNetwork{dial: cfg.Dialer}
	cfg.Dialer = faults.connect
	cfg.Gone = gone.is
	store := mustOpen(t, cfg)
	must := func(err error) {
		if err != nil {
			t.Helper()
			t.Fatal(err)
		}
	}
	mustRebuild(t, store, 0)
	return subject{
		claims:      store,
		failClaim:   faults.set,
		failSettle:  faults.set,
		failBegin:   faults.set,
		failRestore: faults.set,
		failFinish:  faults.set,
		wipe:        func() { must(admin.FlushAll(t.Context()).Err()) },
		replace: func() {
			replace()
			for range poolSize { // connections to the old server, each of which fails once
				if _, err := store.Incarnation(t.Context()); !errors.Is(err, processor.ErrClaimsUnavailable) {
					return
				}
			}
		},
		expire: func() { must(admin.Del(t.Context(), store.keys.lease()).Err()) },
		forget: func(c processor.Claim) { must(admin.Del(t.Context(), store.keys.claim(c)).Err()) },
		stored: func(c processor.Claim) string {
			value, err := admin.Get(t.Context(), store.keys.claim(c)).Result()
			if err != redis.Nil {
				must(err)
			}
			return value
		},
		gone: gone,
	}
}

func mustOpen(t testing.TB, cfg Config) *Store {
	t.Helper()
	store, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

// faultyNetwork breaks the connection on which the next script is sent: before the script leaves, or before its reply arrives.
type faultyNetwork struct {
	dial func(ctx context.Context, network, addr string) (net.Conn, error)
	next atomic.Int32 // a Fault, 0: none
}

func (n *faultyNetwork) set(f Fault) { n.next.Store(int32(f)) }

func (n *faultyNetwork) connect(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := n.dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return &faultyConn{Conn: conn, network: n}, nil
}

type faultyConn struct {
	net.Conn
	network *faultyNetwork
	deaf    atomic.Bool // the reply that comes next is lost
}

func (c *faultyConn) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte("evalsha")) {
		switch Fault(c.network.next.Swap(0)) {
		case Fails:
			return 0, io.ErrClosedPipe
		case FailsButTookEffect:
			c.deaf.Store(true)
		}
	}
	return c.Conn.Write(b)
}

func (c *faultyConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.deaf.Load() {
		c.Conn.Close() // the client reads again after an error
		return 0, io.ErrUnexpectedEOF
	}
	return n, err
}
