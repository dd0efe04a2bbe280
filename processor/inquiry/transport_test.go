package inquiry_test

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/chargeresult/chargeresult/processor"
	"github.com/chargeresult/chargeresult/processor/inquiry"
	"github.com/chargeresult/chargeresult/processor/inquiry/konasim"
)

// TestMain names a proxy where net/http looks for one, before anything makes it look: it does so once.
func TestMain(m *testing.M) {
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY"} {
		if err := os.Setenv(name, "http://127.0.0.1:1"); err != nil {
			panic(err)
		}
	}
	goleak.VerifyTestMain(m)
}

func TestKeepsConnectionsAndNothingElse(t *testing.T) {
	var dials atomic.Int32
	var handler http.HandlerFunc = func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Cookie") != "" {
			t.Error("a cookie came back")
		}
		w.Header().Set("Set-Cookie", "a=b")
		w.Header().Set("X-KM-Correlation-Id", r.Header.Get("X-KM-Correlation-Id"))
		_, _ = io.WriteString(w, `{"result":"COMPLETED"}`)
	}
	client := serve(t, handler, func(c *inquiry.Config) {
		dial := c.DialContext
		c.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			dials.Add(1)
			return dial(ctx, network, addr)
		}
	})
	for range 10 {
		ask(t, client, event)
	}
	if n := dials.Load(); n != 1 {
		t.Errorf("%d connections for 10 questions in a row", n)
	}
}

func TestProxyOfTheEnvironmentIsNotUsed(t *testing.T) { // TestMain names one
	cfg := config("http://konaplate.test")
	cfg.AllowHTTP = true
	dialled := make(chan string, 1)
	cfg.DialContext = func(_ context.Context, _, addr string) (net.Conn, error) {
		dialled <- addr
		return nil, net.ErrClosed
	}
	client, err := inquiry.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ask(t, client, event)
	if addr := <-dialled; addr != "konaplate.test:80" {
		t.Errorf("connected to %s", addr)
	}
}

func TestTLS(t *testing.T) {
	current := httptest.NewUnstartedServer(konasim.New(konasim.Config{SecretKey: secretKey}))
	old := httptest.NewUnstartedServer(konasim.New(konasim.Config{SecretKey: secretKey}))
	old.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	for _, server := range []*httptest.Server{current, old} {
		server.Config.ErrorLog = log.New(io.Discard, "", 0)
		server.StartTLS()
		defer server.Close()
	}
	trusted := current.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	for name, c := range map[string]struct {
		server *httptest.Server
		tls    *tls.Config
		want   processor.Class
	}{
		"known CA":           {current, &tls.Config{RootCAs: trusted}, processor.Answered},
		"unknown CA":         {current, nil, processor.VendorDown},
		"TLS 1.1":            {old, &tls.Config{RootCAs: trusted}, processor.VendorDown},
		"TLS 1.1 if allowed": {old, &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS10}, processor.VendorDown},
	} {
		cfg := config(c.server.URL)
		cfg.TLS = c.tls
		client, err := inquiry.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if got := ask(t, client, event); got.Class != c.want {
			t.Errorf("%s: %+v", name, got)
		}
		client.Close()
	}
}

func TestInstrumentSeesEachTry(t *testing.T) {
	var seen http.Header
	client := serve(t, konasim.New(konasim.Config{}), func(c *inquiry.Config) {
		c.Instrument = func(next http.RoundTripper) http.RoundTripper {
			return roundTripper(func(r *http.Request) (*http.Response, error) {
				seen = maps.Clone(r.Header)
				return next.RoundTrip(r)
			})
		}
	})
	if got := ask(t, client, event); got.Class != processor.Answered || seen == nil {
		t.Errorf("%+v, saw %v", got, seen)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
