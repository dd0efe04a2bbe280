package inquiry_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/chargeresult/chargeresult/processor"
	"github.com/chargeresult/chargeresult/processor/inquiry"
	"github.com/chargeresult/chargeresult/processor/inquiry/konasim"
)

// TestDeadConnections has two ways in which a connection that was kept alive turns out to be dead. A message of which nothing was
// written is sent again, whole, within the same try; one that may have arrived is not.
func TestDeadConnections(t *testing.T) {
	for name, c := range map[string]struct {
		dies  func(conn *mortal)
		want  processor.Class
		dials int32
		calls uint64
	}{
		"before a byte is written": {func(conn *mortal) { conn.deaf.Store(true) }, processor.Answered, 2, 2},
		"before it is answered":    {func(conn *mortal) { conn.mute.Store(true) }, processor.VendorDown, 1, 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var first *mortal
				var dials atomic.Int32
				sim := konasim.New(konasim.Config{SecretKey: secretKey})
				client := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if first.mute.Load() {
						sim.ServeHTTP(discarded{http.Header{}}, r)
						panic(http.ErrAbortHandler) // closes the connection
					}
					sim.ServeHTTP(w, r)
				}), func(cfg *inquiry.Config) {
					dial := cfg.DialContext
					cfg.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
						conn, err := dial(ctx, network, addr)
						m := &mortal{Conn: conn}
						if dials.Add(1) == 1 {
							first = m
						}
						return m, err
					}
				})
				if got := ask(t, client, event); got.Class != processor.Answered {
					t.Fatalf("%+v", got)
				}
				c.dies(first)
				if got := ask(t, client, asking("COMPLETED-2")); got.Class != c.want {
					t.Errorf("%+v, want class %v", got, c.want)
				}
				if dials.Load() != c.dials || sim.Stats().Calls != c.calls {
					t.Errorf("%d connections and %d calls, want %d and %d", dials.Load(), sim.Stats().Calls, c.dials, c.calls)
				}
			})
		})
	}
}

// mortal is a connection that dies: deaf, nothing can be written to it; mute, its server ends it without an answer.
type mortal struct {
	net.Conn
	deaf, mute atomic.Bool
}

func (m *mortal) Write(p []byte) (int, error) {
	if m.deaf.Load() {
		return 0, errors.New("broken pipe")
	}
	return m.Conn.Write(p)
}

// discarded is a reply that nobody gets.
type discarded struct{ header http.Header }

func (d discarded) Header() http.Header         { return d.header }
func (d discarded) Write(p []byte) (int, error) { return io.Discard.Write(p) }
func (d discarded) WriteHeader(int)             {}
