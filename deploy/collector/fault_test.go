package collector

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// send sends a span, and returns the status, or the error where there was no answer.
func send(ctx context.Context, url string) (status int, retryAfter string, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v1/traces", strings.NewReader(someTraces))
	if err != nil {
		return 0, "", err
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, response.Header.Get("Retry-After"), err
}

func TestFaults(t *testing.T) {
	c := New(Config{})
	server := httptest.NewServer(c)
	defer server.Close()
	for _, f := range []struct {
		name       string
		fault      Fault
		status     int // 0: no answer
		retryAfter string
		kept       int
	}{
		{"none", Fault{}, 200, "", 1},
		{"unavailable", Fault{Status: 503, RetryAfter: 2 * time.Second, Lose: true}, 503, "2", 0},
		{"unavailable, yet kept", Fault{Status: 503, RetryAfter: 2 * time.Second}, 503, "2", 1},
		{"bad", Fault{Status: 400, Lose: true}, 400, "", 0},
		{"bad, yet kept", Fault{Status: 400}, 400, "", 1},
		{"too many, slowly", Fault{Status: 429, Delay: time.Millisecond, Lose: true}, 429, "", 0},
		{"slow", Fault{Delay: 20 * time.Millisecond}, 200, "", 1},
		{"closed", Fault{Lose: true}, 0, "", 0},
		{"silent", Fault{Delay: Never, Lose: true}, 0, "", 0},
		{"silent, yet kept", Fault{Delay: Never}, 0, "", 1},
		{"none again", Fault{}, 200, "", 1},
	} {
		c.Fail(f.fault)
		before := len(c.Spans())
		ctx, cancel := context.WithCancel(t.Context())
		if f.fault.Delay == Never {
			ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
		}
		began := time.Now()
		status, retryAfter, err := send(ctx, server.URL)
		cancel()
		if status != f.status || retryAfter != f.retryAfter || (err != nil) != (f.status == 0) {
			t.Errorf("%s: %d %q, %v: want %d %q", f.name, status, retryAfter, err, f.status, f.retryAfter)
		}
		if f.fault.Delay == Never && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v, want silence", f.name, err)
		}
		if took := time.Since(began); f.fault.Delay != Never && took < f.fault.Delay {
			t.Errorf("%s: took %v", f.name, took)
		}
		if kept := len(c.Spans()) - before; kept != f.kept {
			t.Errorf("%s: %d kept, want %d", f.name, kept, f.kept)
		}
	}
	if n := c.Counts().Requests; n != 11 {
		t.Errorf("%d requests", n)
	}
}

// A request that waits for ever ends when the fault does.
func TestFaultIsSwitchedOff(t *testing.T) {
	c := New(Config{})
	server := httptest.NewServer(c)
	defer server.Close()
	c.Fail(Fault{Delay: Never})
	done := make(chan error)
	go func() {
		_, _, err := send(t.Context(), server.URL)
		done <- err
	}()
	if err := c.Await(t.Context(), func(spans []Span) bool { return len(spans) == 1 }); err != nil {
		t.Fatal(err)
	}
	c.Fail(Fault{})
	if err := <-done; err == nil {
		t.Error("answered: want the connection closed")
	}
}

func TestPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if (Fault{Delay: Never}).pause(ctx, nil) || time.Since(began) != time.Second {
			t.Errorf("went on %v after the client had gone", time.Since(began)-time.Second)
		}
		if !(Fault{Delay: time.Minute}).pause(t.Context(), nil) || time.Since(began) != time.Minute+time.Second {
			t.Errorf("ended after %v in all", time.Since(began))
		}
	})
}

// The SDK's exporter sends again what was kept although it was told otherwise; the trace has it once.
func TestSentAgain(t *testing.T) {
	c := New(Config{})
	c.Fail(Fault{Status: 503})
	server := httptest.NewServer(c)
	defer server.Close()
	exporter, err := otlptracehttp.New(t.Context(), otlptracehttp.WithEndpointURL(server.URL+"/v1/traces"), otlptracehttp.WithRetry(otlptracehttp.RetryConfig{
		Enabled: true, InitialInterval: time.Millisecond, MaxInterval: time.Millisecond, MaxElapsedTime: time.Minute,
	}))
	if err != nil {
		t.Fatal(err)
	}
	var recovery sync.WaitGroup
	defer recovery.Wait()
	recovery.Go(func() {
		if err := c.Await(t.Context(), func(spans []Span) bool { return len(spans) > 0 }); err != nil {
			t.Error(err)
		}
		c.Fail(Fault{})
	})
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter))
	_, span := provider.Tracer("").Start(t.Context(), "some")
	span.End()
	if err := provider.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if n := len(c.Spans()); n < 2 {
		t.Errorf("%d spans kept, want what was sent twice", n)
	}
	same(t, Golden(c.Spans(), nil), "trace 1\n  some [internal]\n")
}
