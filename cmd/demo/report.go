package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// report is how the show went.
type report struct {
	Drained    bool          `json:"drained"` // in time
	Seconds    float64       `json:"seconds"` // the whole show
	Accounting accounting    `json:"accounting"`
	Breaker    breakerReport `json:"breaker"`
	before     percentiles   // of the results seen before the outage
	overall    percentiles
}

// conclude prints the report and returns the exit code. Where something does not add up, it says what the processor warned of.
func conclude(r report, asJSON bool, stdout, stderr io.Writer, log *warnings) int {
	if asJSON {
		text, err := json.MarshalIndent(r, "", "  ")
		if err != nil {
			panic(err) // numbers and strings always marshal
		}
		fmt.Fprintf(stdout, "%s\n", text)
	} else {
		r.print(stdout)
	}
	if r.Drained && len(r.Accounting.Faults) == 0 {
		return exitDone
	}
	fmt.Fprint(stderr, log.String())
	return exitFailed
}

func (r report) print(w io.Writer) {
	a := r.Accounting
	fmt.Fprintf(w, "\nThe accounting, read from the topics alone (read_committed):\n\n")
	fmt.Fprintf(w, "  %-20s %8s = %6s + %4s + %9s + %7s\n", "input partition", "accepted", "final", "dead", "duplicate", "waiting")
	for _, p := range a.Partitions {
		fmt.Fprintf(w, "  %-20s %s\n", fmt.Sprintf("%s/%d", p.Topic, p.Partition), p.tally)
	}
	fmt.Fprintf(w, "  %-20s %s\n\n", "all", a.Total)
	fmt.Fprintf(w, "  final         %s\n", inWords(a.Final))
	fmt.Fprintf(w, "  dead letters  %s\n", inWords(a.Dead))
	t := a.Transactions
	fmt.Fprintf(w, "  transactions  %d fed: %d have exactly one final result, %d none, %d more\n", t.Fed, t.ExactlyOne, t.Missing, t.Twice)
	fmt.Fprintf(w, "  breaker       %s\n", r.Breaker)
	fmt.Fprintf(w, "  latency       p50 %s, p99 %s until the outage\n                p50 %s, p99 %s in all\n\n",
		trimmed(r.before.p50), trimmed(r.before.p99), trimmed(r.overall.p50), trimmed(r.overall.p99))
	switch {
	case !r.Drained:
		fmt.Fprintf(w, "NOT DRAINED within %v of the last event. Until then:\n", drainLimit)
		fallthrough
	case len(a.Faults) > 0:
		fmt.Fprintf(w, "DOES NOT ADD UP after %.1f s:\n", r.Seconds)
		for _, f := range a.Faults {
			fmt.Fprintln(w, "  "+f)
		}
	default:
		fmt.Fprintf(w, "Adds up after %.1f s: every event ended in exactly one place.\n", r.Seconds)
	}
}

// String is the tally under the heads of the table.
func (t tally) String() string {
	return fmt.Sprintf("%8d = %6d + %4d + %9d + %7d", t.Accepted, t.Final, t.Dead, t.Duplicate, t.Waiting)
}

func (b breakerReport) String() string {
	if b.Opened == 0 {
		return "never opened"
	}
	return fmt.Sprintf("open for %.1f s; calls meanwhile: %d (+%d under way), probes: %d", b.OpenSeconds, b.CallsWhileOpen, b.CallsUnderWay, b.Probes)
}

func inWords(counts map[string]int) string {
	if len(counts) == 0 {
		return "none"
	}
	var words []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		words = append(words, fmt.Sprintf("%s %d", name, counts[name]))
	}
	return strings.Join(words, ", ")
}

func trimmed(d time.Duration) string { return strings.TrimSpace(short(d)) }

// warnings keeps the processor's log for the case that something goes wrong.
type warnings struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (w *warnings) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(line)
}

// String returns what was logged.
func (w *warnings) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}
