package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/slogtest"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/chargeresult/chargeresult/processor/telemetry"
)

// written reads what was logged.
func written(t *testing.T, logged *bytes.Buffer) []map[string]any {
	t.Helper()
	var lines []map[string]any
	for text := range strings.Lines(logged.String()) {
		var line map[string]any
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		lines = append(lines, line)
	}
	return lines
}

// inTransaction is the context of a sampled span of a transaction.
func inTransaction(id string) context.Context {
	span := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{0xab}, SpanID: trace.SpanID{0xcd}, TraceFlags: trace.FlagsSampled})
	return telemetry.WithTransaction(trace.ContextWithSpanContext(context.Background(), span), id)
}

// A line says where it belongs at its top level, whatever With and WithGroup the logger has been through.
func TestLogKnowsItsContext(t *testing.T) {
	var logged bytes.Buffer
	log, _ := newLog(&logged, slog.LevelInfo)
	for name, log := range map[string]*slog.Logger{"plain": log, "with": log.With("a", 1), "group": log.WithGroup("g").With("a", 1)} {
		for _, level := range []slog.Level{slog.LevelInfo, slog.LevelWarn} {
			logged.Reset()
			log.Log(inTransaction("id-1"), level, name, "b", 2)
			got := written(t, &logged)[0]
			want := map[string]any{
				"trace_id": "ab000000000000000000000000000000", "span_id": "cd00000000000000", "trace_flags": "01", "correlation_id": "id-1",
				"msg": name, "level": level.String(),
			}
			for k, v := range want {
				if got[k] != v {
					t.Errorf("%s: %s is %v, want %v: %s", name, k, got[k], v, &logged)
				}
			}
		}
		logged.Reset()
		log.Info(name)
		for key := range written(t, &logged)[0] {
			if strings.HasSuffix(key, "_id") || strings.HasPrefix(key, "trace") {
				t.Errorf("%s: %s of no context", name, key)
			}
		}
	}
}

func TestLogHandlerConforms(t *testing.T) {
	var logged bytes.Buffer
	log, _ := newLog(&logged, slog.LevelInfo)
	if err := slogtest.TestHandler(log.Handler(), func() []map[string]any { return written(t, &logged) }); err != nil {
		t.Error(err)
	}
}

func TestLogIsReadable(t *testing.T) {
	var logged bytes.Buffer
	log, _ := newLog(&logged, slog.LevelInfo)
	tokyo := time.FixedZone("", 9*3600)
	log.Info("m", "took", 1500*time.Millisecond, "at", time.Date(2026, 11, 23, 9, 0, 0, 0, tokyo), slog.Group("g", "d", time.Minute), "err", errors.New("no"))
	got := written(t, &logged)[0]
	if got["took"] != "1.5s" || got["at"] != "2026-11-23T00:00:00Z" || got["g"].(map[string]any)["d"] != "1m0s" || got["err"] != "no" {
		t.Error(got)
	}
	if at, err := time.Parse(time.RFC3339Nano, fmt.Sprint(got["time"])); err != nil || at.Location() != time.UTC {
		t.Errorf("time %v is not of UTC: %v", got["time"], err)
	}
}

func TestLogHidesSecrets(t *testing.T) {
	var environ []string
	for s := range new(config).each() {
		if s.kind.secret && s.name != "inquiry-tran-token" && s.name != "redis-url" && s.name != "kafka-sasl-token" { // one of two, a URL, one of two
			environ = append(environ, envName(s.name)+"="+hidden+strings.Repeat("x", 26))
		}
	}
	cfg := mustLoad(t, append(environ, "CHARGERESULT_REDIS_URL=redis://me:"+hidden+"@127.0.0.1:6379", "CHARGERESULT_KAFKA_TLS=true",
		"CHARGERESULT_KAFKA_SASL_MECHANISM=PLAIN", "CHARGERESULT_KAFKA_SASL_USERNAME=me")...)
	var logged bytes.Buffer
	log, flush := newLog(&logged, slog.LevelDebug)
	for name, log := range map[string]*slog.Logger{"plain": log, "with": log.With("cfg", cfg), "group": log.WithGroup("g")} {
		for range 2 { // the second is kept, and written later
			log.Warn(name, "cfg", cfg, "pointer", &cfg, "secret", cfg.InquirySecretKey, "url", cfg.RedisURL, "err", fmt.Errorf("with %v", cfg.RedisURL))
		}
	}
	flush()
	if lines := written(t, &logged); len(lines) != 6 || shows(logged.String()) || !strings.Contains(logged.String(), mask) {
		t.Errorf("%d lines:\n%s", len(lines), &logged)
	}
}

// What is below the level costs nothing.
func TestLogBelowItsLevel(t *testing.T) {
	var logged bytes.Buffer
	log, _ := newLog(&logged, slog.LevelInfo)
	ctx := inTransaction("id-1")
	if n := testing.AllocsPerRun(100, func() { log.LogAttrs(ctx, slog.LevelDebug, "m", slog.String("topic", "t")) }); n != 0 || logged.Len() > 0 {
		t.Errorf("%v allocations, logged %q", n, &logged)
	}
}

func TestLogLevelChanges(t *testing.T) {
	var logged bytes.Buffer
	var level slog.LevelVar
	log, flush := newLog(&logged, &level)
	defer flush()
	handler := logLevelHandler(&level, log)
	for _, tc := range []struct {
		method, body string
		header       map[string]string
		code         int
		reply        string
		level, line  slog.Level // afterwards; of the line that says so
	}{
		{"GET", "", nil, 200, "info\n", slog.LevelInfo, -1},
		{"PUT", "debug\n", nil, 200, "debug\n", slog.LevelDebug, slog.LevelInfo},
		{"GET", "", nil, 200, "debug\n", slog.LevelDebug, -1},
		{"PUT", "ERROR", map[string]string{"Sec-Fetch-Site": "same-origin"}, 200, "error\n", slog.LevelError, slog.LevelInfo},
		{"PUT", "warn", map[string]string{"Origin": "http://admin.test"}, 200, "warn\n", slog.LevelWarn, slog.LevelWarn},
		{"PUT", "debug", map[string]string{"Sec-Fetch-Site": "cross-site"}, 403, "", slog.LevelWarn, -1},
		{"PUT", "debug", map[string]string{"Sec-Fetch-Site": "same-site"}, 403, "", slog.LevelWarn, -1},
		{"PUT", "debug", map[string]string{"Origin": "https://elsewhere.test"}, 403, "", slog.LevelWarn, -1},
		{"PUT", "loud", nil, 400, "send a level as the body: debug, info, warn or error\n", slog.LevelWarn, -1},
		{"PUT", "", nil, 400, "send a level as the body: debug, info, warn or error\n", slog.LevelWarn, -1},
		{"PUT", strings.Repeat(" ", 100) + "info", nil, 400, "send a level as the body: debug, info, warn or error\n", slog.LevelWarn, -1},
		{"POST", "debug", nil, 405, "", slog.LevelWarn, -1},
		{"PUT", "info", nil, 200, "info\n", slog.LevelInfo, slog.LevelInfo},
	} {
		logged.Reset()
		from := level.Level()
		code, reply := request(handler, tc.method, "http://admin.test/loglevel", tc.body, tc.header)
		if code != tc.code || tc.reply != "" && reply != tc.reply || level.Level() != tc.level {
			t.Errorf("%s %q %v: %d %q, level %v", tc.method, tc.body, tc.header, code, reply, level.Level())
		}
		lines := written(t, &logged)
		if tc.line < 0 {
			if len(lines) > 0 {
				t.Errorf("%s %q %v logged %s", tc.method, tc.body, tc.header, &logged)
			}
			continue
		}
		want := map[string]any{"level": tc.line.String(), "msg": "log level changed", "from": from.String(), "to": tc.level.String(), "by": "192.0.2.1:1234"}
		if len(lines) == 1 {
			delete(lines[0], "time")
		}
		if len(lines) != 1 || !maps.Equal(lines[0], want) {
			t.Errorf("%s %q logged %s, want %v", tc.method, tc.body, &logged, want)
		}
	}
}

func request(handler http.Handler, method, url, body string, header map[string]string) (code int, reply string) {
	r := httptest.NewRequest(method, url, strings.NewReader(body))
	for k, v := range header {
		r.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}
