package inquiry_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor"
	"github.com/chargeresult/chargeresult/processor/inquiry"
)

// memnet is a network of one listener, in memory: what waits on it waits on channels, so that time passes in a synctest bubble.
type memnet struct {
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func newMemnet() *memnet { return &memnet{conns: make(chan net.Conn), closed: make(chan struct{})} }

func (m *memnet) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case m.conns <- server:
		return client, nil
	case <-m.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (m *memnet) Accept() (net.Conn, error) {
	select {
	case c := <-m.conns:
		return c, nil
	case <-m.closed:
		return nil, net.ErrClosed
	}
}

func (m *memnet) Close() error   { m.once.Do(func() { close(m.closed) }); return nil }
func (m *memnet) Addr() net.Addr { return &net.IPAddr{IP: net.IPv4(127, 0, 0, 1)} }

const (
	accessKey = "canary-access-key-canary-access-key-1234"
	secretKey = "canary-secret-key"
)

var event = events.Event{Operation: events.Charge, CorrelationID: "261122103000-00000a1", SequenceID: "COMPLETED-1"}

// asking is event with another sequence ID.
func asking(sequenceID string) events.Event {
	e := event
	e.SequenceID = sequenceID
	return e
}

// config is a faultless configuration for a server at base.
func config(base string) inquiry.Config {
	return inquiry.Config{
		BaseURL: base, ASPID: "123456789012345", AccessKey: inquiry.Secret(accessKey), Signer: inquiry.KMV1{SecretKey: inquiry.Secret(secretKey)},
	}
}

// serve serves handler in memory and returns a client for it; both end with the test. change may be nil.
func serve(t *testing.T, handler http.Handler, change func(*inquiry.Config)) *inquiry.Client {
	t.Helper()
	return serveTLS(t, handler, nil, change)
}

// serveTLS is serve with TLS, unless cert is nil. The client trusts whom change says.
func serveTLS(t *testing.T, handler http.Handler, cert *tls.Certificate, change func(*inquiry.Config)) *inquiry.Client {
	t.Helper()
	network := newMemnet()
	listenIn(t, network, handler, cert)
	cfg := config("http://localhost")
	if cert != nil {
		cfg = config("https://" + host)
	}
	cfg.DialContext = network.Dial
	if change != nil {
		change(&cfg)
	}
	client, err := inquiry.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// listenIn serves handler in network until the test ends, with TLS unless cert is nil.
func listenIn(t *testing.T, network *memnet, handler http.Handler, cert *tls.Certificate) {
	t.Helper()
	server := &http.Server{Handler: handler, ErrorLog: log.New(io.Discard, "", 0)}
	var listener net.Listener = network
	if cert != nil {
		listener = tls.NewListener(network, &tls.Config{Certificates: []tls.Certificate{*cert}})
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		_ = server.Close()
		<-served
	})
}

// ask asks and expects no error.
func ask(t *testing.T, i processor.Inquirer, e events.Event) processor.Answer {
	t.Helper()
	answer, err := i.Inquire(t.Context(), nil, e)
	if err != nil {
		t.Errorf("%s: %v", e.SequenceID, err)
	}
	return answer
}

// vendor is an Inquirer made of a function.
type vendor func(ctx context.Context, e events.Event) (processor.Answer, error)

func (v vendor) Inquire(ctx context.Context, _ <-chan struct{}, e events.Event) (processor.Answer, error) {
	return v(ctx, e)
}

var (
	fine = processor.Answer{Class: processor.Answered, Result: "COMPLETED"}
	down = processor.Answer{Class: processor.VendorDown, Cause: errDown}
)

// slowDown is a 429.
func slowDown(after time.Duration) processor.Answer {
	return processor.Answer{Class: processor.SlowDown, RetryAfter: after}
}

var errDown = errors.New("connection refused")

// within fails the test if f takes longer than d of virtual time.
func within(t *testing.T, d time.Duration, f func()) {
	t.Helper()
	begin := time.Now()
	f()
	if took := time.Since(begin); took > d {
		t.Errorf("took %v, want at most %v", took, d)
	}
}

func contains(s string, parts ...string) bool {
	for _, p := range parts {
		if strings.Contains(s, p) {
			return true
		}
	}
	return false
}
