package main

import (
	"fmt"
	"strings"
)

// fault is one thing wrong with the command line or the settings.
type fault struct {
	Name    string // what is at fault, as its source calls it: --inquiry-timeout, CHARGERESULT_INQUIRY_TIMEOUT, file.yaml:3: inquiry-timeout
	Value   string // what was given; empty if nothing was, and masked if it is a secret
	Problem string // what is wrong or was expected, and what to do
}

// String is the fault on one line.
func (f fault) String() string {
	if f.Value == "" {
		return f.Name + ": " + f.Problem
	}
	return fmt.Sprintf("%s: %q: %s", f.Name, f.Value, f.Problem)
}

// faults is the error that reports all of them at once: exit code 2.
type faults []fault

// Error lists the faults, one a line.
func (fs faults) Error() string {
	if len(fs) == 1 {
		return fs[0].String()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d faults of usage or configuration:", len(fs))
	for _, f := range fs {
		b.WriteString("\n  " + f.String())
	}
	return b.String()
}

// suggest returns "; did you mean X?" for the candidate that is nearest to name, or nothing if none is near.
func suggest(name string, candidates []string) string {
	best, nearest := "", max(2, len(name)/5)+1
	for _, c := range candidates {
		if d := distance(name, c); d < nearest {
			best, nearest = c, d
		}
	}
	if best == "" {
		return ""
	}
	return "; did you mean " + best + "?"
}

// distance is Levenshtein's: how many bytes must be inserted, deleted or replaced to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(diagonal+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
