package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
)

// slowDay is a trial of three rounds on a machine that was slow in the first: the ratios within the rounds are 0.5, 0.9 and 0.8.
func slowDay() results {
	rounds := func(perSecond ...float64) (all []figures) {
		for _, f := range perSecond {
			all = append(all, figures{PerSecond: f, CPU: time.Duration(1e9 / f), Memory: 64 << 20, P50: 20 * time.Millisecond, P99: time.Second})
		}
		return all
	}
	return results{
		trial{
			name: "t", title: "a title", entrants: steady(100),
			bars: []bar{
				atLeast(0.8, "throughput", ratio(throughput, oursAtRate, plainAtRate)),
				atLeast(0.81, "more of it", ratio(throughput, oursAtRate, plainAtRate)),
				atMost(64, "%.0f", "memory", largest(memory)),
				atMost(63, "%.0f", "less of it", only(memory, oursAtRate)),
				atMost(0, "%.1f", "later", difference(p50, oursAtRate, plainAtRate)),
			},
		},
		[][]figures{rounds(1000, 2000, 4000), rounds(500, 1800, 3200)},
	}
}

func TestBars(t *testing.T) {
	r := slowDay()
	if want := []string{"t: more of it", "t: less of it"}; !slices.Equal(r.missed(), want) {
		t.Errorf("missed %q, want %q", r.missed(), want)
	}
	var table strings.Builder
	r.write(&table)
	for _, want := range []string{
		"t: a title; medians of 3\n",
		"bare loop       2000               500         64     20.0   1000.0",
		"chargeresult       1800               556         64     20.0   1000.0",
		"throughput                                           0.80, at least 0.80: met\n",
		"more of it                                           0.80, at least 0.81: MISSED\n",
		"less of it                                           64, at most 63: MISSED\n",
	} {
		if !strings.Contains(table.String(), want) {
			t.Errorf("no line %q in\n%s", want, table.String())
		}
	}
	encoded, err := json.Marshal(r.report())
	if err != nil || !strings.Contains(string(encoded), `{"what":"more of it","value":0.8,"limit":0.81,"met":false}`) {
		t.Errorf("%s, %v", encoded, err)
	}
}

// Every trial has as many entrants as its bars compare, and a name of its own.
func TestTrials(t *testing.T) {
	names := map[string]bool{}
	for _, tr := range trials(quickScale) {
		if names[tr.name] || tr.title == "" || len(tr.bars) == 0 {
			t.Errorf("%+v", tr)
		}
		names[tr.name] = true
		r := results{tr, nil}
		for range tr.entrants {
			r.runs = append(r.runs, []figures{{PerSecond: 1, CPU: 1000, Memory: 1, P50: 1, P99: 1}})
		}
		var table strings.Builder
		r.write(&table)
		for _, e := range tr.entrants {
			if !strings.Contains(table.String(), e.label) {
				t.Errorf("%s is not in\n%s", e.label, table.String())
			}
		}
	}
}

func TestFlags(t *testing.T) {
	for _, tt := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"-list"}, exitDone, "steady-10ms"},
		{[]string{"-rounds", "0"}, exitUsage, "-rounds 0"},
		{[]string{"-only", "("}, exitUsage, "missing closing"},
		{[]string{"-only", "nonesuch"}, exitUsage, "-list"},
		{[]string{"-nonesuch"}, exitUsage, "nonesuch"},
	} {
		var out, errs strings.Builder
		if code := run(t.Context(), tt.args, &out, &errs); code != tt.code || !strings.Contains(out.String()+errs.String(), tt.says) {
			t.Errorf("%q: code %d, want %d; %s%s", tt.args, code, tt.code, out.String(), errs.String())
		}
	}
}
