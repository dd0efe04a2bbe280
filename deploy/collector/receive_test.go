package collector

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
)

func zipped(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, s)
	_ = w.Close()
	return b.String()
}

func TestReceive(t *testing.T) {
	const most = 4000
	longest := someTraces + strings.Repeat(" ", most-len(someTraces))
	for _, c := range []struct {
		name, path, contentType, coding, body string
		status                                int
		says                                  string
	}{
		{"JSON", "/v1/traces", "application/json", "", someTraces, 200, ""},
		{"with parameters", "/v1/traces", "application/json; charset=utf-8", "identity", someTraces, 200, ""},
		{"gzip", "/v1/traces", "application/json", "gzip", zipped(someTraces), 200, ""},
		{"metrics", "/v1/metrics", "application/json", "gzip", zipped(someMetrics), 200, ""},
		{"nothing, in protobuf", "/v1/traces", "application/x-protobuf", "", "", 200, ""},
		{"as long as may be", "/v1/traces", "application/json", "", longest, 200, ""},
		{"as long as may be, zipped", "/v1/traces", "application/json", "gzip", zipped(longest), 200, ""},
		{"too long", "/v1/traces", "application/json", "", longest + " ", 413, "more than 4000 bytes"},
		{"too long, zipped", "/v1/traces", "application/json", "gzip", zipped(longest + " "), 413, "more than 4000 bytes"},
		{"a bomb", "/v1/traces", "application/json", "gzip", zipped(strings.Repeat(" ", 1<<20)), 413, "more than"},
		{"not zipped", "/v1/traces", "application/json", "gzip", someTraces, 400, "gzip: invalid header"},
		{"cut", "/v1/traces", "application/json", "gzip", zipped(someTraces)[:100], 400, "unexpected EOF"},
		{"another coding", "/v1/traces", "application/json", "zstd", someTraces, 415, `zstd\": want gzip`},
		{"another type", "/v1/traces", "text/plain", "", someTraces, 415, `text/plain\": want`},
		{"no type", "/v1/traces", "", "", someTraces, 415, "want application/x-protobuf"},
		{"not JSON", "/v1/traces", "application/json", "", "{", 400, "decode the traces"},
		{"not protobuf", "/v1/metrics", "application/x-protobuf", "", someMetrics, 400, "decode the metrics"},
		{"logs", "/v1/logs", "application/json", "", "{}", 404, ""},
	} {
		collector := New(Config{MaxBody: most})
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, c.path, strings.NewReader(c.body))
		r.Header.Set("Content-Type", c.contentType)
		r.Header.Set("Content-Encoding", c.coding)
		w := httptest.NewRecorder()
		collector.ServeHTTP(w, r)
		body := w.Body.String()
		if w.Code != c.status || !strings.Contains(body, c.says) {
			t.Errorf("%s: %d %q, want %d %q", c.name, w.Code, body, c.status, c.says)
		}
		if kept := len(collector.Spans()) + len(collector.Metrics()); kept > 0 != (c.status == 200 && c.body != "") {
			t.Errorf("%s: %d, and %d are kept", c.name, w.Code, kept)
		}
		if answered := w.Header().Get("Content-Type"); c.status == 200 && !strings.HasPrefix(c.contentType, answered) {
			t.Errorf("%s: answered in %s", c.name, answered)
		}
		if c.status == 200 && body != "{}" && body != "" {
			t.Errorf("%s: answered %q, want an empty message", c.name, body)
		}
	}
	endless := io.MultiReader(strings.NewReader(longest+" "), iotest.ErrReader(errors.New("read further than need be")))
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/traces", endless)
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	if New(Config{MaxBody: most}).ServeHTTP(w, r); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("endless: %d %s", w.Code, w.Body)
	}
	w = httptest.NewRecorder()
	New(Config{}).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/traces", nil))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", w.Code)
	}
}

func ExampleTree() {
	c := New(Config{})
	server := httptest.NewServer(c)
	defer server.Close()
	response, err := http.Post(server.URL+"/v1/traces", "application/json", strings.NewReader(`{"resourceSpans": [{"scopeSpans": [{"spans": [
		{"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174", "name": "POST", "kind": 3,
		 "startTimeUnixNano": "1544712660000000000", "endTimeUnixNano": "1544712660025000000",
		 "attributes": [{"key": "charge.correlation_id", "value": {"stringValue": "261122103000-00000a1"}},
		                {"key": "http.response.status_code", "value": {"intValue": 200}}]}]}]}]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer response.Body.Close()
	fmt.Println(Tree(c.Spans(), "261122103000-00000a1", Style{}))
	// Output:
	// 261122103000-00000a1  1 trace, 25.0 ms from the first to the last
	//
	// trace 1  5b8efff798038103d269b633813fc60c  2018-12-13 14:51:00.000Z  25.0 ms
	//   POST                                        client    25.0 ms ━━━━━━━━━━━━━━━━
	//       http.response.status_code=200
}
