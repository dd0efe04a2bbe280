package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor"
	"github.com/chargeresult/chargeresult/processor/console"
	"github.com/chargeresult/chargeresult/processor/stream"
)

// idle is the admin server of a process that has not begun to work, on a cluster with one partition, and its intake.
func idle(t *testing.T, extra ...string) (*admin, *stream.Intake) {
	t.Helper()
	cfg, rows, wrong := loadFrom(t, complete(extra...))
	if len(wrong) > 0 {
		t.Fatal(wrong)
	}
	quiet := slog.New(slog.DiscardHandler)
	seen, err := startObservability(t.Context(), cfg, quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { seen.stop(quiet) })
	away := &cluster{cfg: cfg, id: "c"}
	intake := stream.NewIntake(quiet)
	flow := idleFlow(t, cfg, intake, seen, quiet)
	a, err := newAdmin(invocation{cfg: cfg, effective: rows}, flow, away, seen, new(slog.LevelVar), quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.finder.close)
	a.watch = watchOn("c", testRules, func(context.Context) (clusterFacts, error) {
		return clusterFacts{logs: map[partitionID]logFacts{{cfg.TopicRequested, 0}: {start: 2, end: 12}}, deadLetters: 3}, nil
	})
	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		_ = a.watch.run(ctx, flow.engine.Status)
	}()
	t.Cleanup(func() { stop(); <-stopped })
	return a, intake
}

// idleFlow is what events would pass through, but for the claims.
func idleFlow(t *testing.T, cfg config, intake *stream.Intake, seen *observability, log *slog.Logger) *flow {
	t.Helper()
	asking, err := newAsking(cfg, intake, seen.Telemetry, log)
	if err != nil {
		t.Fatal(err)
	}
	processor, err := processor.New(processor.Config{
		Group: cfg.KafkaGroup, Topics: topicsOf(cfg), Policy: policyOf(cfg), Guards: guardsOf(cfg), Inquirer: asking, Intake: intake, Telemetry: seen.Telemetry, Log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	f := &flow{Processor: processor, asking: asking, transactional: transactionalID(cfg)}
	if f.engine, err = newEngine(cfg, &cluster{}, f, intake, false, log); err != nil {
		t.Fatal(err)
	}
	return f
}

// get answers a request to the admin address.
func get(t *testing.T, handler http.Handler, path string) (code int, body string) {
	t.Helper()
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	return w.Code, w.Body.String()
}

func TestStatusPage(t *testing.T) {
	a, _ := idle(t, "CHARGERESULT_REDIS_URL=redis://:"+hidden+"@h", "CHARGERESULT_INSTANCE_ID=i-1", "CHARGERESULT_TRACE_URL=https://jaeger/trace/{trace_id}", "CHARGERESULT_INQUIRY_RATE=7")
	a.level.Set(slog.LevelWarn)
	code, body := get(t, a.handler(), "/statusz")
	if code != 200 || shows(body) {
		t.Errorf("%d, secrets shown: %t", code, shows(body))
	}
	var page console.Page
	if err := json.Unmarshal([]byte(body), &page); err != nil {
		t.Fatal(err)
	}
	if page.Group != "charge-result" || page.Instance != "i-1" || page.LogLevel != "warn" || page.Version.Go == "" || page.Started.IsZero() || time.Since(page.At) > time.Minute {
		t.Errorf("%+v", page)
	}
	if page.Breaker.State != "closed" || page.Breaker.Limit != 64 || page.Pace.Rate != 7 || page.Engine.Partitions == nil || page.Inquiries.Tries != 0 {
		t.Errorf("%+v, %+v, %+v, %+v", page.Breaker, page.Pace, page.Engine, page.Inquiries)
	}
	for _, want := range []console.Setting{
		{Name: "redis-url", Value: "redis://:******@h", From: "CHARGERESULT_REDIS_URL"},
		{Name: "inquiry-secret-key", Value: mask, From: "CHARGERESULT_INQUIRY_SECRET_KEY"},
		{Name: "concurrency", Value: "64", From: "default"},
	} {
		if !slices.Contains(page.Settings, want) {
			t.Errorf("the settings lack %+v", want)
		}
	}
	cluster := page.Cluster
	if cluster.ID != "c" || cluster.AsOf.IsZero() || cluster.DeadLetters != 3 || len(cluster.Partitions) != 1 || cluster.Partitions[0].State != console.Nobody || cluster.Partitions[0].Lag != 10 {
		t.Errorf("%+v", cluster)
	}
	for path, holds := range map[string]string{"/": "charge-requested", "/transactions": "<form", "/metrics": "chargeresult_cluster_age", "/loglevel": "warn", "/livez": "ok"} {
		if code, body := get(t, a.handler(), path); code != 200 || !strings.Contains(body, holds) || shows(body) {
			t.Errorf("%s: %d\n%s", path, code, body)
		}
	}
	if code, _ := get(t, a.handler(), "/nowhere"); code != 404 {
		t.Errorf("/nowhere: %d", code)
	}
}

// What is in flight, and how Konaplate answers, is shown as it is.
func TestPageOfWork(t *testing.T) {
	since := time.Date(2026, 11, 22, 12, 0, 0, 0, time.FixedZone("KST", 9*60*60))
	got := inFlight([]processor.Working{{
		CorrelationID: "id", Operation: events.Charge, Source: events.Source{Topic: "in", Partition: 2, Offset: 7}, Attempt: 3, Since: since, Trace: "t",
	}})
	want := console.InFlight{CorrelationID: "id", Operation: "CHARGE", Topic: "in", Partition: 2, Offset: 7, Attempt: 3, Since: since.UTC(), Trace: "t"}
	if len(got) != 1 || got[0] != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	text, err := json.Marshal(inFlight(nil))
	if err != nil || string(text) != "[]" {
		t.Errorf("nothing in flight: %s, %v", text, err)
	}
}
