package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/chargeresult/chargeresult/processor/inquiry/konasim"
)

func noEnv(string) string { return "" }

// start runs the program and returns its base address. It is stopped with the test.
func start(t *testing.T, args ...string) string {
	t.Helper()
	return startUnder(context.WithoutCancel(t.Context()), t, args...)
}

// startUnder does the same, but the program is stopped with ctx, too.
func startUnder(ctx context.Context, t *testing.T, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithCancel(ctx)
	base, done := launch(ctx, t, args...)
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	return base
}

// launch runs the program until ctx ends, and returns its base address and what will say how it ended.
func launch(ctx context.Context, t *testing.T, args ...string) (base string, done <-chan error) {
	t.Helper()
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, append([]string{"--addr", "127.0.0.1:0"}, args...), noEnv, in)
		_ = in.Close()
	}()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the program ended: %v", <-ended)
	}
	_, rest, _ := strings.Cut(line, "http://")
	addr, _, _ := strings.Cut(rest, "/")
	return "http://" + addr, ended
}

// headers are those of a faultless inquiry.
func headers() http.Header {
	return http.Header{
		"Content-Type":        {"application/json"},
		"X-Km-User-Aspid":     {"123456789012345"},
		"X-Km-Correlation-Id": {"261122103000-00000a1"},
		"X-Km-Access-Key":     {strings.Repeat("k", 40)},
		"X-Km-Tran-Token":     {"static"},
		"X-Km-Tran-Time":      {time.Now().UTC().Format("20060102150405")},
		"X-Km-Time-Zone":      {"UTC"},
	}
}

func call(t *testing.T, method, url, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	req.Header = headers()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	return resp.StatusCode, string(content)
}

func TestServesInquiriesAndItsOwnPages(t *testing.T) {
	base := start(t, "--shares", "failed=1", "--latency", "1ms")
	ask := func() (int, string) { return call(t, "POST", base+"/open-api"+konasim.Path, `{"sequenceId":"C1"}`) }

	if status, body := ask(); status != 200 || !strings.Contains(body, `"result":"FAILED"`) {
		t.Errorf("inquiry: %d %s", status, body)
	}
	if status, body := call(t, "POST", base+"/-/down", ""); status != 200 || body != "down\n" {
		t.Errorf("down: %d %s", status, body)
	}
	if status, _ := ask(); status != 503 {
		t.Errorf("inquiry while down: %d", status)
	}
	if status, _ := call(t, "POST", base+"/-/up", ""); status != 200 {
		t.Errorf("up: %d", status)
	}
	if status, _ := ask(); status != 200 {
		t.Errorf("inquiry after the outage: %d", status)
	}
	if status, body := call(t, "GET", base+"/-/stats", ""); status != 200 || !strings.Contains(body, `"answers":{"DOWN":1,"FAILED":2}`) {
		t.Errorf("stats: %d %s", status, body)
	}
	if status, body := call(t, "GET", base+"/-/ledger", ""); status != 200 || strings.Count(body, "\n") != 3 {
		t.Errorf("ledger: %d %s", status, body)
	}
	if status, _ := call(t, "GET", base+"/-/down", ""); status == 200 {
		t.Error("a GET began an outage")
	}
	if status, _ := call(t, "POST", base+"/-/down?mode=sideways", ""); status != 400 {
		t.Errorf("unknown mode: %d", status)
	}
}

func TestHelpHasExamples(t *testing.T) {
	var out strings.Builder
	if err := run(t.Context(), []string{"--help"}, noEnv, &out); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "Examples:") {
		t.Errorf("help: %s", out.String())
	}
}

func TestParse(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	opts, err := parse([]string{
		"--seed", "42", "--latency", "lognormal:20ms,200ms", "--slow", "1%,3s",
		"--shares", "completed=90,failed=10", "--secret-key-file", file, "--envelope", "flat", "--ledger-cap", "7",
	}, noEnv, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	want := konasim.Config{
		SecretKey: "s3cret", Seed: 42, Envelope: konasim.Flat, LedgerCap: 7,
		Shares:  konasim.Shares{Completed: 90, Failed: 10},
		Latency: konasim.Latency{P50: 20 * time.Millisecond, P99: 200 * time.Millisecond, SlowShare: 0.01, SlowDelay: 3 * time.Second},
	}
	if !reflect.DeepEqual(opts.sim, want) || opts.addr != "127.0.0.1:8090" {
		t.Errorf("options %+v, want %+v", opts, want)
	}
}

func TestSecretKeyFromTheEnvironment(t *testing.T) {
	env := func(name string) string { return map[string]string{"KONASIM_SECRET_KEY": "s3cret"}[name] }
	if opts, err := parse(nil, env, io.Discard); err != nil || opts.sim.SecretKey != "s3cret" {
		t.Errorf("%v, key of %d characters", err, len(opts.sim.SecretKey))
	}
}

// TestStopsGracefully: what is being answered when the signal comes is answered.
func TestStopsGracefully(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	base := startUnder(ctx, t)
	answered := make(chan int, 1)
	go func() {
		status, _ := call(t, "POST", base+konasim.Path, `{"sequenceId":"SLOW-300-1"}`)
		answered <- status
	}()
	for !t.Failed() { // until it is being answered
		if _, body := call(t, "GET", base+"/-/stats", ""); strings.Contains(body, `"inFlight":1`) {
			break
		}
	}
	stop()
	if status := <-answered; status != 200 {
		t.Errorf("answered %d", status)
	}
}

func TestParseReportsEveryFault(t *testing.T) {
	for _, args := range [][]string{
		{"--latency", "fast"},
		{"--latency", "-1s"},
		{"--latency", "1s,2s"},
		{"--latency", "lognormal:20ms"},
		{"--latency", "lognormal:0,20ms"},
		{"--latency", "lognormal:20ms,10ms"},
		{"--slow", "1,3s"},
		{"--slow", "101%,3s"},
		{"--slow", "NaN%,3s"},
		{"--slow", "1%"},
		{"--shares", "completed"},
		{"--shares", "completed=-1"},
		{"--shares", "perfect=1"},
		{"--envelope", "paper"},
		{"--ledger-cap", "-1"},
		{"--scenario", filepath.Join(t.TempDir(), "none")},
		{"--secret-key-file", filepath.Join(t.TempDir(), "none")},
		{"--sed", "1"},
		{"stray"},
	} {
		if _, err := parse(args, noEnv, io.Discard); !errors.Is(err, errUsage) || exitCode(err) != 2 {
			t.Errorf("%q: %v", args, err)
		}
	}
	_, err := parse([]string{"--latency", "fast", "--shares", "perfect=1"}, noEnv, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "--latency") || !strings.Contains(err.Error(), "--shares") {
		t.Errorf("not all faults: %v", err)
	}
}

func TestAddressInUseIsAnError(t *testing.T) {
	base := start(t)
	err := run(t.Context(), []string{"--addr", strings.TrimPrefix(base, "http://")}, noEnv, io.Discard)
	if err == nil || exitCode(err) != 1 {
		t.Errorf("error %v", err)
	}
}
