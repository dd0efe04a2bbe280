package main

import (
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chargeresult/chargeresult/processor"
	"github.com/chargeresult/chargeresult/processor/stream"
)

// idle is the admin server of a process that has not begun to work, and its intake.
func idle(t *testing.T) (*admin, *stream.Intake) {
	t.Helper()
	cfg := mustLoad(t, complete()...)
	quiet := slog.New(slog.DiscardHandler)
	intake := stream.NewIntake(quiet)
	asking, err := newAsking(cfg, intake, quiet)
	if err != nil {
		t.Fatal(err)
	}
	flow, err := processor.New(processor.Config{Group: cfg.KafkaGroup, Topics: topicsOf(cfg), Policy: policyOf(cfg), Guards: guardsOf(cfg), Inquirer: asking, Intake: intake})
	if err != nil {
		t.Fatal(err)
	}
	engine, err := newEngine(cfg, &cluster{}, flow, intake, false, quiet)
	if err != nil {
		t.Fatal(err)
	}
	return &admin{engine: engine, flow: flow, asking: asking, started: time.Now()}, intake
}

// TestHoldsAreSeen: every reason to hold intake stands in /readyz, which succeeds all the same, in /statusz and in /metrics; there with 0 while
// it does not hold.
func TestHoldsAreSeen(t *testing.T) {
	admin, intake := idle(t)
	handler, err := admin.handler()
	if err != nil {
		t.Fatal(err)
	}
	get := func(path string) string {
		t.Helper()
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if w.Code != 200 {
			t.Errorf("%s: %d", path, w.Code)
		}
		return w.Body.String()
	}
	for _, reason := range holds {
		series := `chargeresult_intake_held{reason="` + reason + `"} `
		if !strings.Contains(get("/metrics"), series+"0\n") {
			t.Errorf("no series %s0", series)
		}
		intake.Hold(reason, "the cause of "+reason)
		if !strings.Contains(get("/metrics"), series+"1\n") {
			t.Errorf("no series %s1", series)
		}
		for _, path := range []string{"/livez", "/readyz", "/statusz"} {
			if body := get(path); !strings.Contains(body, reason) || !strings.Contains(body, "the cause of "+reason) {
				t.Errorf("%s does not say that intake is held for %s:\n%s", path, reason, body)
			}
		}
		intake.Release(reason)
	}
}
