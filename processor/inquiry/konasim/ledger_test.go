package konasim_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/chargeresult/chargeresult/processor/inquiry/konasim"
)

func TestLedgerAndStats(t *testing.T) {
	sim := konasim.New(konasim.Config{LedgerCap: 3})
	for _, id := range []string{"C1", "FAILED-2", "C3", "C4", "C5"} {
		ask(sim, id)
	}
	sim.SetDown(true)
	ask(sim, "C6")
	sim.SetDown(false)
	var ids []string
	for _, c := range sim.Ledger() {
		ids = append(ids, c.SequenceID+" "+c.Answer)
		if c.CorrelationID != sent || c.Time.IsZero() {
			t.Errorf("call %+v", c)
		}
	}
	if want := []string{"C4 COMPLETED", "C5 COMPLETED", "C6 DOWN"}; !slices.Equal(ids, want) {
		t.Errorf("ledger %q, want %q", ids, want)
	}
	stats := sim.Stats()
	if stats.Calls != 6 || stats.Answers["COMPLETED"] != 4 || stats.Answers["FAILED"] != 1 || stats.InFlight != 0 || stats.MaxInFlight != 1 {
		t.Errorf("stats %+v", stats)
	}
	clear(stats.Answers)
	if sim.Stats().Answers["COMPLETED"] != 4 {
		t.Error("the stats are not a copy")
	}
}

// TestLedgerTo: every call is written, those that the ledger has dropped and those without an answer too.
func TestLedgerTo(t *testing.T) {
	var written strings.Builder
	sim := konasim.New(konasim.Config{LedgerCap: 1, LedgerTo: &written})
	ask(sim, "PENDING-1-x")
	ask(sim, "")
	abandon(t, sim)
	sim.SetOutage(konasim.Unavailable)
	ask(sim, "C1")
	var got []string
	for line := range strings.Lines(written.String()) {
		var c konasim.Call
		if err := json.Unmarshal([]byte(line), &c); err != nil || c.CorrelationID != sent || c.Time.IsZero() {
			t.Errorf("%s: %v", line, err)
		}
		got = append(got, fmt.Sprintf("%s %s %d", c.SequenceID, c.Answer, c.Status))
	}
	if want := []string{"PENDING-1-x PENDING 200", " INVALID 400", "SLOW-1000-x ABANDONED 0", "C1 DOWN 503"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if n := len(sim.Ledger()); n != 1 {
		t.Errorf("the ledger keeps %d calls, want 1", n)
	}
}

// abandon asks, and leaves before the answer.
func abandon(t *testing.T, sim *konasim.Simulator) {
	t.Helper()
	ctx, leave := context.WithCancel(t.Context())
	leave()
	defer func() {
		if r := recover(); r != http.ErrAbortHandler {
			t.Errorf("recovered %v, want the connection to be ended", r)
		}
	}()
	sim.ServeHTTP(httptest.NewRecorder(), newRequest("http://konaplate.test", `{"sequenceId":"SLOW-1000-x"}`, "").WithContext(ctx))
}
