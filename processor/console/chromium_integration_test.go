//go:build integration

package console

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/chargeresult/chargeresult/processor/replay"
)

const (
	browserTimeout = time.Minute     // a test in the browser, on a busy machine
	axeTimeout     = 4 * time.Minute // one that uses axe, which takes its time
	axePackage     = "axe-core@4.14.1"
)

// browser starts a Chromium, with one tab, for so long.
func browser(t *testing.T, limit time.Duration) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") == "" {
			t.Skip("no chromium is installed: apt-get install chromium")
		}
		t.Fatal("no chromium is installed, and continuous integration needs it: apt-get install chromium")
	}
	// Containers give no namespaces for the sandbox; what is opened is our own page.
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.UserDataDir(t.TempDir()), chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	ctx, stop := chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(stop)
	ctx, closeTab := chromedp.NewContext(ctx)
	t.Cleanup(closeTab)
	return ctx
}

func do(ctx context.Context, t *testing.T, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

// eval is the value of a JavaScript expression in the page; a promise is waited for.
func eval[T any](ctx context.Context, t *testing.T, expression string) T {
	t.Helper()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("%.80s: %v", expression, err)
	}
	return value
}

// look sets the width and the colours of the page.
func look(ctx context.Context, t *testing.T, width, height int64, scheme string) {
	t.Helper()
	do(ctx, t, chromedp.EmulateViewport(width, height))
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, media); err != nil {
		t.Fatal(err)
	}
}

// serve serves a console whose page can be changed.
func serve(t *testing.T, first Page) (url string, page *atomic.Pointer[Page]) {
	t.Helper()
	page = &atomic.Pointer[Page]{}
	page.Store(&first)
	server := httptest.NewServer(New(Config{
		Page: func(context.Context) Page { return *page.Load() },
		Find: func(_ context.Context, id string) (replay.Timeline, error) {
			if !strings.EqualFold(id, fakeID) {
				return replay.Timeline{CorrelationID: id, Complete: true}, nil
			}
			return told(), nil
		},
		TraceURL: "https://jaeger.example/trace/{trace_id}", Brokers: "kafka-1.internal:9092,kafka-2.internal:9092", DeadLetterTopic: "charge-result.dlq",
	}))
	t.Cleanup(server.Close)
	return server.URL, page
}

// load asks for the page ten times a second until stop, which returns how often it did.
func load(t *testing.T, url string) (stop func() int) {
	ctx, cancel := context.WithCancel(t.Context())
	done, asked := make(chan struct{}), 0
	go func() {
		defer close(done)
		for tick := time.Tick(100 * time.Millisecond); ctx.Err() == nil; <-tick {
			request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
			if err != nil {
				return
			}
			if response, err := http.DefaultClient.Do(request); err == nil {
				_, _ = io.Copy(io.Discard, response.Body)
				_ = response.Body.Close()
				asked++
			}
		}
	}()
	return func() int { cancel(); <-done; return asked }
}

// axeSource is axe-core: CHARGERESULT_TEST_AXE names the file, else it comes from npm.
func axeSource(t *testing.T) string {
	t.Helper()
	file := os.Getenv("CHARGERESULT_TEST_AXE")
	if file == "" {
		dir := t.TempDir()
		for _, command := range [][]string{{"npm", "pack", "--silent", axePackage}, {"sh", "-c", "tar -xzf axe-core-*.tgz package/axe.min.js"}} {
			c := exec.CommandContext(t.Context(), command[0], command[1:]...)
			c.Dir = dir
			if out, err := c.CombinedOutput(); err != nil {
				t.Fatalf("fetch axe-core (or name its axe.min.js in CHARGERESULT_TEST_AXE): %v: %v\n%s", command, err, out)
			}
		}
		file = filepath.Join(dir, "package", "axe.min.js")
	}
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(source)
}
