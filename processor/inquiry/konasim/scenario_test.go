package konasim_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chargeresult/chargeresult/processor/inquiry/konasim"
)

// answered asks about each transaction (sequence ID, or sequence ID and correlation ID) and returns the answers' names.
func answered(sim *konasim.Simulator, transactions ...string) string {
	var names []string
	for _, transaction := range transactions {
		sequenceID, correlationID, other := strings.Cut(transaction, " ")
		req := newRequest("http://konaplate.test", fmt.Sprintf(`{"sequenceId":%q}`, sequenceID), "")
		if other {
			req.Header.Set("X-KM-Correlation-Id", correlationID)
		}
		sim.ServeHTTP(httptest.NewRecorder(), req)
		calls := sim.Ledger()
		names = append(names, calls[len(calls)-1].Answer)
	}
	return strings.Join(names, " ")
}

// TestPhases walks through an outage in virtual time. A list and a count do not move on during the outage.
func TestPhases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := konasim.New(konasim.Config{Scenario: scenario(t, `
phases:
  - until: 10s
  - until: 40s
    answer: DOWN
  - until: 1h
    answer: PENDING-2
transactions:
  LISTED: [NOTFOUND, PENDING, FAILED]
`)})
		start := time.Now()
		for _, c := range []struct {
			at   time.Duration
			want string
		}{
			{0, "COMPLETED FAILED NOTFOUND"},
			{10*time.Second - 1, "COMPLETED FAILED PENDING"},
			{10 * time.Second, "DOWN DOWN DOWN"},
			{40*time.Second - 1, "DOWN DOWN DOWN"},
			{40 * time.Second, "PENDING PENDING FAILED"},
			{41 * time.Second, "PENDING PENDING FAILED"},
			{42 * time.Second, "COMPLETED COMPLETED FAILED"},
			{time.Hour, "COMPLETED FAILED FAILED"},
		} {
			time.Sleep(time.Until(start.Add(c.at)))
			if got := answered(sim, "C1", "FAILED-1", "LISTED"); got != c.want {
				t.Errorf("after %v: %s, want %s", c.at, got, c.want)
			}
		}
	})
}

// TestWhichRuleAnswers: the most particular one.
func TestWhichRuleAnswers(t *testing.T) {
	sim := konasim.New(konasim.Config{
		Shares: konasim.Shares{Rejected: 1},
		Scenario: scenario(t, `
phases: [{answer: UNCLEAR, share: 0.000001}]
transactions:
  A*: [FAILED]
  AB*: [NOTFOUND]
  ABC: [PENDING]
  S: [PENDING]
  N: [PENDING-1, NOTFOUND-1, PENDING-1]
`),
		Script: func(sequenceID string, ask int) string {
			if sequenceID == "S" && ask == 2 {
				return "ODD"
			}
			return ""
		},
	})
	if got, want := answered(sim, "X", "COMPLETED-1", "A", "A-1", "AB-1", "ABCD", "ABC", "S", "S", "S", "N", "N", "N"),
		"REJECTED COMPLETED FAILED FAILED NOTFOUND NOTFOUND PENDING PENDING ODD PENDING PENDING NOTFOUND COMPLETED"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	everybody := konasim.Config{Scenario: scenario(t, `transactions: {"*": [FAILED], X: [ODD]}`)}
	if got, want := answered(konasim.New(everybody), "A", "REJECTED-1", "X"), "FAILED FAILED ODD"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	for _, outage := range []string{"DOWN", "HTTP503"} { // only the first is no word about a transaction
		sim := konasim.New(konasim.Config{Scenario: scenario(t, "phases: [{answer: "+outage+"}]\ntransactions: {X: [FAILED]}")})
		if got, want := answered(sim, "X", "Y"), map[string]string{"DOWN": "DOWN DOWN", "HTTP503": "FAILED HTTP503"}[outage]; got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// TestATransactionIsBothIDs: each has asks of its own.
func TestATransactionIsBothIDs(t *testing.T) {
	const other = " 261122103000-00000b2"
	asks := map[string]int{}
	for name, cfg := range map[string]konasim.Config{
		"list":  {Scenario: scenario(t, "transactions: {PENDING-1-x: [PENDING, COMPLETED]}")},
		"name":  {},
		"phase": {Scenario: scenario(t, "phases: [{answer: PENDING-1}]")},
		"script": {Script: func(sequenceID string, ask int) string {
			asks[fmt.Sprint(sequenceID, " ", ask)]++
			return []string{"PENDING", "COMPLETED"}[ask-1]
		}},
	} {
		sim := konasim.New(cfg)
		got := answered(sim, "PENDING-1-x", "PENDING-1-x"+other, "PENDING-1-x", "PENDING-1-x"+other)
		if want := "PENDING PENDING COMPLETED COMPLETED"; got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if asks["PENDING-1-x 1"] != 2 || asks["PENDING-1-x 2"] != 2 || len(asks) != 2 {
		t.Errorf("the script was asked for %v", asks)
	}
}

func TestShare(t *testing.T) {
	of := func(seed uint64, share string) map[string]bool {
		sim := konasim.New(konasim.Config{Seed: seed, LedgerCap: 1, Scenario: scenario(t, "phases: [{answer: DOWN, share: "+share+"}]")})
		affected := map[string]bool{}
		for i := range 500 {
			id := fmt.Sprintf("C%d", i)
			first := answered(sim, id)
			if again := answered(sim, id); again != first {
				t.Fatalf("%s: %s, then %s", id, first, again)
			}
			if first == "DOWN" {
				affected[id] = true
			}
		}
		return affected
	}
	third := of(1, "0.3")
	if n := len(third); n < 110 || n > 190 {
		t.Errorf("%d of 500 are down, want about 150", n)
	}
	differ := 0
	for id := range of(2, "0.3") {
		if !third[id] {
			differ++
		}
	}
	if differ == 0 {
		t.Error("another seed affects the same transactions")
	}
	if n := len(of(1, "1")); n != 500 {
		t.Errorf("%d of 500 are down, want all", n)
	}
}

func TestScenarioLatencyReplacesTheConfigured(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"latency: 20ms":                               20 * time.Millisecond,
		"latency: 0s":                                 0,
		"phases: [{answer: COMPLETED}]":               time.Second,
		"transactions: {A: [SLOW-2000]}":              3 * time.Second,
		"{latency: 1s, phases: [{answer: SLOW-500}]}": 1500 * time.Millisecond,
	} {
		synctest.Test(t, func(t *testing.T) {
			sim := konasim.New(konasim.Config{Latency: konasim.Latency{P50: time.Second}, Scenario: scenario(t, text)})
			begun := time.Now()
			ask(sim, "A")
			if got := time.Since(begun); got != want {
				t.Errorf("%s: %v, want %v", text, got, want)
			}
		})
	}
}

func TestScriptWithAnUnknownName(t *testing.T) {
	defer func() {
		if r := recover(); r == nil || !strings.Contains(fmt.Sprint(r), `Config.Script: unknown answer "PERHAPS"`) {
			t.Errorf("recovered %v", r)
		}
	}()
	ask(konasim.New(konasim.Config{Script: func(string, int) string { return "PERHAPS" }}), "X")
}
