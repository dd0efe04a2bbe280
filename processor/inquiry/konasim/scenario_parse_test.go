package konasim_test

import (
	"strings"
	"testing"

	"github.com/chargeresult/chargeresult/processor/inquiry/konasim"
)

// faulty has every kind of fault that a file can have and still be YAML.
const faulty = `latency: -1s
speed: 3
phases:
  - until: 10s
    anser: DOWN
  - answer: MAYBE
  - until: 5s
    share: 0.5
  - until: soon
    answer: DOWN
    share: 1.5
  - until: 20s
    answer: [DOWN]
  - DOWN
transactions:
  A: FAILED
  B: []
  a*b: [FAILED]
  "": [FAILED]
  C123456789012345678901234567890: [FAILED]
  D: [PENDING, FAILED-2]
`

var faults = []string{
	`line 1: latency "-1s": want a duration such as 20ms or 1m30s`,
	`line 2: unknown key "speed": want latency, phases or transactions`,
	`line 5: unknown key "anser": want until, answer or share`,
	`line 6: unknown answer "MAYBE"`,
	`line 6: only the last phase can do without until`,
	`line 7: until "5s": want more than 10s`,
	`line 8: a share of what? want an answer beside it`,
	`line 9: until "soon": want a duration such as 20ms or 1m30s`,
	`line 11: share "1.5": want a number above 0, at most 1`,
	`line 13: unknown answer ""`,
	`line 14: a phase: want keys and values`,
	`line 16: the answers of a transaction: want a list`,
	`line 17: the answers of a transaction: want a list`,
	`line 18: transaction "a*b": want a sequence ID of 1 to 30 characters, or its beginning and *`,
	`line 19: transaction ""`,
	`line 20: transaction "C123456789012345678901234567890"`,
	`line 21: unknown answer "FAILED-2"`,
	`the answers are PENDING-<n>, NOTFOUND-<n>, SLOW-<ms>, DRIP-<ms>, HTTP<status>, HTTP<status>-<seconds>, BOMB, COMPLETED, CONTRADICTION`,
}

func TestParseScenarioNamesEveryFault(t *testing.T) {
	_, err := konasim.ParseScenario([]byte(faulty))
	if err == nil {
		t.Fatal("no error")
	}
	lines := strings.Split(err.Error(), "\n")
	if lines[0] != "konasim: scenario:" || len(lines) != len(faults)+1 {
		t.Fatalf("%d faults, want %d:\n%v", len(lines)-1, len(faults), err)
	}
	for i, want := range faults {
		if !strings.HasPrefix(lines[i+1], want) {
			t.Errorf("%s, want\n%s", lines[i+1], want)
		}
	}
}

func TestParseScenario(t *testing.T) {
	for text, want := range map[string]string{ // want: a part of the error; empty for none
		"":                                      "want one YAML document",
		"# nothing":                             "want",
		"---\n---\n":                            "want one YAML document",
		"[]":                                    "line 1: the file: want keys and values",
		"{}":                                    "line 1: the file: want keys and values",
		"phases":                                "line 1: the file: want keys and values",
		"phases:":                               "line 1: phases: want a list",
		"phases: []":                            "line 1: phases: want a list",
		"phases: [{}]":                          "line 1: a phase: want keys and values",
		"transactions: {}":                      "line 1: transactions: want keys and values",
		"latency:":                              `line 1: latency ""`,
		"latency: 20":                           `line 1: latency "20"`,
		"latency: 1s\nlatency: 2s":              "already defined",
		"phases: [{until: 1s, until: 2s}]":      "already defined",
		"phases: [{until: 1s":                   "[1:",
		"phases: [{until: 0s}]":                 `until "0s": want more than 0s`,
		"phases: [{until: 1s}, {until: 1s}]":    `until "1s": want more than 1s`,
		"phases: [{share: 0, answer: DOWN}]":    `share "0"`,
		"phases: [{share: NaN, answer: DOWN}]":  `share "NaN"`,
		"phases: [{share: .nan, answer: DOWN}]": `share ".nan"`,
		"transactions: {A: [~]}":                `unknown answer ""`,
		"transactions: {A: [&x DOWN, *x]}":      `unknown answer "*"`,
		"transactions: {<<: {A: [DOWN]}}":       "want a list",

		"latency: 1m30s":                          "",
		"phases: [{answer: DOWN}]":                "",
		"phases: [{until: 1h}]":                   "",
		"phases: [{share: 1e-3, answer: 'DOWN'}]": "",
		"transactions:\n  20261122: [\"FAILED\"]\n  '*': [DOWN] # all others\n  0x10*: [DOWN]": "",
	} {
		_, err := konasim.ParseScenario([]byte(text))
		if (err != nil) != (want != "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	sim := konasim.New(konasim.Config{Scenario: scenario(t, "transactions: {20261122: [FAILED], '0x10': [ODD], 1_000*: [REJECTED]}")})
	if got, want := answered(sim, "20261122", "0x10", "16", "1_000-1", "1000-1"), "FAILED ODD COMPLETED REJECTED COMPLETED"; got != want {
		t.Errorf("keys that YAML takes for numbers: %s, want %s", got, want)
	}
}
