package console

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chargeresult/chargeresult/processor/replay"
)

// showing is a console of one page, where every correlation ID has the same timeline.
func showing(page Page, found replay.Timeline, err error) http.Handler {
	return New(Config{
		Page:     func(context.Context) Page { return page },
		Find:     func(context.Context, string) (replay.Timeline, error) { return found, err },
		TraceURL: "https://jaeger.example/trace/{trace_id}", Brokers: "kafka-1.internal:9092", DeadLetterTopic: "charge-result.dlq",
	})
}

func get(t *testing.T, h http.Handler, method, path string) *http.Response {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, nil))
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestRoutes(t *testing.T) {
	h := showing(troubled(100), told(), nil)
	for path, want := range map[string]struct {
		code        int
		contentType string
		holds       string
	}{
		"/":                               {200, "text/html; charset=utf-8", "<h1 id=\"state\">charge-requested/11 is stopped</h1>"},
		"/?refresh=off":                   {200, "text/html; charset=utf-8", "It does not reload."},
		"/statusz":                        {200, "application/json; charset=utf-8", "\n  \"group\": \"charge-result\","},
		"/transactions":                   {200, "text/html; charset=utf-8", "Find a transaction"},
		"/transactions?id=":               {200, "text/html; charset=utf-8", "Find a transaction"},
		"/transactions?id=" + fakeID:      {200, "text/html; charset=utf-8", "CHG-20261123-000481"},
		"/transactions.json?id=" + fakeID: {200, "application/json; charset=utf-8", "\n  \"correlationId\": \"" + fakeID + "\","},
		"/transactions.json":              {400, "application/json; charset=utf-8", "give it as ?id="},
		"/transactions?id=" + strings.Repeat("x", 129): {400, "text/html; charset=utf-8", "this one has 129"},
		"/assets/console.css":                          {200, "text/css; charset=utf-8", "prefers-color-scheme: dark"},
		"/assets/console.js":                           {200, "text/javascript; charset=utf-8", "morph"},
		"/assets/icon-act.svg":                         {200, "image/svg+xml", "<svg"},
		"/assets/":                                     {404, "text/plain; charset=utf-8", ""},
		"/assets/../console.go":                        {307, "", ""}, // cleaned, and then there is nothing
		"/templates/overview.html":                     {404, "text/plain; charset=utf-8", ""},
		"/nothing":                                     {404, "text/plain; charset=utf-8", ""},
	} {
		r := get(t, h, http.MethodGet, path)
		text := body(t, r)
		if r.StatusCode != want.code || want.contentType != "" && r.Header.Get("Content-Type") != want.contentType || !strings.Contains(text, want.holds) {
			t.Errorf("%s is answered %d, %s; want %d, %s and %q in:\n%.600s", path, r.StatusCode, r.Header.Get("Content-Type"), want.code, want.contentType, want.holds, text)
		}
		if got := r.Header.Get("Content-Security-Policy"); !strings.HasPrefix(got, "default-src 'none';") || strings.Contains(got, "unsafe") {
			t.Errorf("%s has the policy %q", path, got)
		}
		if r.Header.Get("X-Content-Type-Options") != "nosniff" || r.Header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s lacks headers: %v", path, r.Header)
		}
		if asset := strings.HasPrefix(path, "/assets/") && want.code == 200; asset != (r.Header.Get("Cache-Control") == "no-cache") || !asset && r.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s is cached: %q", path, r.Header.Get("Cache-Control"))
		}
	}
}

func TestNothingCanBeChanged(t *testing.T) {
	asked := false
	h := New(Config{
		Page: func(context.Context) Page { asked = true; return Page{} },
		Find: func(context.Context, string) (replay.Timeline, error) { asked = true; return replay.Timeline{}, nil },
	})
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND"} {
		for _, path := range []string{"/", "/statusz", "/transactions?id=x", "/transactions.json?id=x", "/assets/console.css"} {
			if r := get(t, h, method, path); r.StatusCode != http.StatusMethodNotAllowed || r.Header.Get("Allow") != "GET, HEAD" {
				t.Errorf("%s %s is answered %d, allowed is %q", method, path, r.StatusCode, r.Header.Get("Allow"))
			}
		}
	}
	if asked {
		t.Error("something was looked at all the same")
	}
	if r := get(t, h, http.MethodHead, "/"); r.StatusCode != http.StatusOK {
		t.Errorf("HEAD is answered %d", r.StatusCode)
	}
}

func TestAssetsAreAskedForOnce(t *testing.T) {
	h := showing(healthy(0), told(), nil)
	tag := get(t, h, http.MethodGet, "/assets/console.js").Header.Get("Etag")
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/assets/console.js", nil)
	r.Header.Set("If-None-Match", tag)
	w := httptest.NewRecorder()
	if h.ServeHTTP(w, r); tag == "" || w.Code != http.StatusNotModified {
		t.Errorf("with the tag %s it is answered %d", tag, w.Code)
	}
}

// TestTwinsHoldAllThereIs: what is read back from the JSON is what went in.
func TestTwinsHoldAllThereIs(t *testing.T) {
	page, line := troubled(100), told()
	h := showing(page, line, nil)
	var gotPage Page
	if err := json.NewDecoder(get(t, h, http.MethodGet, "/statusz").Body).Decode(&gotPage); err != nil || !reflect.DeepEqual(gotPage, page) {
		t.Errorf("the page comes back as %+v (%v)", gotPage, err)
	}
	var gotLine replay.Timeline
	if err := json.NewDecoder(get(t, h, http.MethodGet, "/transactions.json?id=x").Body).Decode(&gotLine); err != nil || !reflect.DeepEqual(gotLine, line) {
		t.Errorf("the timeline comes back as %+v (%v)", gotLine, err)
	}
}

func TestFailedSearches(t *testing.T) {
	for _, test := range []struct {
		err  error
		code int
	}{
		{errors.New("broker <kafka-1> refused"), http.StatusBadGateway},
		{context.DeadlineExceeded, http.StatusGatewayTimeout},
	} {
		h := showing(healthy(0), replay.Timeline{}, test.err)
		page := get(t, h, http.MethodGet, "/transactions?id=x")
		if text := body(t, page); page.StatusCode != test.code || !strings.Contains(text, "The search failed") {
			t.Errorf("%v: the page is answered %d:\n%s", test.err, page.StatusCode, text)
		}
		twin := get(t, h, http.MethodGet, "/transactions.json?id=x")
		var got struct{ Error string }
		if err := json.NewDecoder(twin.Body).Decode(&got); err != nil || twin.StatusCode != test.code || !strings.Contains(got.Error, test.err.Error()) {
			t.Errorf("%v: the twin is answered %d, %+v (%v)", test.err, twin.StatusCode, got, err)
		}
	}
}

// TestSearchesTakeTurns: two at a time, and nobody waits longer than a search may take.
func TestSearchesTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		now, most := 0, 0
		h := New(Config{Find: func(ctx context.Context, _ string) (replay.Timeline, error) {
			mu.Lock()
			now++
			most = max(most, now)
			mu.Unlock()
			<-ctx.Done()
			mu.Lock()
			now--
			mu.Unlock()
			return replay.Timeline{}, ctx.Err()
		}})
		began := time.Now()
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() {
				if r := get(t, h, http.MethodGet, "/transactions.json?id=x"); r.StatusCode != http.StatusGatewayTimeout {
					t.Errorf("a search without end is answered %d", r.StatusCode)
				}
			})
		}
		all.Wait()
		if took := time.Since(began); most != findAtOnce || took != findTimeout {
			t.Errorf("%d searches at a time, answered after %v; want %d, %v", most, took, findAtOnce, findTimeout)
		}
	})
}

func TestIDsAreTrimmed(t *testing.T) {
	var got string
	h := New(Config{Find: func(_ context.Context, id string) (replay.Timeline, error) { got = id; return replay.Timeline{}, nil }})
	if get(t, h, http.MethodGet, "/transactions?id=+"+fakeID+"%0A"); got != fakeID {
		t.Errorf("looked for %q", got)
	}
}
