package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// health runs the command against a process that listens at addr.
func health(t *testing.T, addr string, environ ...string) (stdout string, err error) {
	t.Helper()
	var out bytes.Buffer
	cfg, _, wrong := load(layer{}, append(environ, "CHARGERESULT_ADMIN_ADDR="+addr), nil)
	err = healthCommand().run(t.Context(), invocation{cfg: cfg, faults: wrong, stdout: &out})
	return out.String(), err
}

func TestHealth(t *testing.T) {
	code := http.StatusOK
	process := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(code)
		fmt.Fprintln(w, r.URL.Path, "is asked")
	}))
	defer process.Close()
	addr := process.Listener.Addr().String()
	t.Setenv("HTTP_PROXY", "http://proxy.invalid:1")
	// Other settings are missing or wrong, and that does not matter.
	if out, err := health(t, addr, "CHARGERESULT_CONCURRENCY=many", "CHARGERESULT_KAFKA_TLS_CA_FILE=/x"); err != nil || out != "/livez is asked\n" {
		t.Errorf("%q, %v", out, err)
	}
	code = http.StatusServiceUnavailable
	if out, err := health(t, addr); exitCode(err) != exitFailed || !strings.Contains(err.Error(), "503") || out == "" {
		t.Errorf("%q, %v", out, err)
	}
	process.Close()
	if out, err := health(t, addr); exitCode(err) != exitFailed || out != "" {
		t.Errorf("nobody listens: %q, %v", out, err)
	}
}

// A process that takes the connection and says nothing is not alive.
func TestHealthOfAProcessThatHangs(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := askHealth(ctx, listener.Addr().String(), &bytes.Buffer{}); exitCode(err) != exitFailed {
		t.Errorf("%v", err)
	}
}

func TestReachable(t *testing.T) {
	for listens, want := range map[string]string{
		":9464": "127.0.0.1:9464", "0.0.0.0:9464": "127.0.0.1:9464", "[::]:9464": "[::1]:9464",
		"10.0.0.1:9464": "10.0.0.1:9464", "localhost:9464": "localhost:9464", "[::1]:9464": "[::1]:9464",
	} {
		if got := reachable(listens); got != want {
			t.Errorf("%s is asked at %s, want %s", listens, got, want)
		}
	}
}
