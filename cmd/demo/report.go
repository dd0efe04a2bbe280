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

	"github.com/chargeresult/chargeresult/processor/replay"
)

// report is how the show went.
type report struct {
	Drained    bool           `json:"drained"` // in time
	Seconds    float64        `json:"seconds"` // the whole show
	Accounting replay.Account `json:"accounting"`
	Findings   findings       `json:"findings"`
	Wipe       wipeReport     `json:"wipe"`
	Breaker    breakerReport  `json:"breaker"`
	before     percentiles    // of the results seen before the outage
	overall    percentiles
	traces     string // drawn; empty: not wanted
}

// wipeReport says when Redis lost everything, in seconds from the beginning; 0: never.
type wipeReport struct {
	Flushed float64 `json:"flushed"`
	Rebuilt float64 `json:"rebuilt"` // when the claims were back
}

// conclude prints the report and returns the exit code. Where something does not add up, it says what the processor warned of.
func conclude(r report, asJSON bool, stdout, stderr io.Writer, log *warnings) int {
	if asJSON {
		text, err := json.MarshalIndent(r, "", "  ")
		if err != nil {
			panic(err) // numbers and strings always marshal
		}
		fmt.Fprintf(stdout, "%s\n", text)
		fmt.Fprint(stderr, r.traces)
	} else {
		r.print(stdout)
		fmt.Fprint(stdout, r.traces)
	}
	if r.Drained && len(r.Findings.Faults) == 0 {
		return exitDone
	}
	fmt.Fprint(stderr, log.String())
	return exitFailed
}

func (r report) print(w io.Writer) {
	r.printTable(w)
	f, t := r.Findings, r.Findings.Transactions
	fmt.Fprintf(w, "  final         %s\n", inWords(f.Final))
	fmt.Fprintf(w, "  unknown       %s\n", inWords(f.Unknown))
	fmt.Fprintf(w, "  dead letters  %s\n", inWords(f.Dead))
	fmt.Fprintf(w, "  transactions  %d fed: %d have exactly one final result, %d none, %d more\n", t.Fed, t.ExactlyOne, t.Missing, t.Twice)
	fmt.Fprintf(w, "  interim       %d transactions are published as PENDING once, %d more often\n", t.Interim-t.TwoInterims, t.TwoInterims)
	fmt.Fprintf(w, "  ledger        %d results differ from what Konaplate said\n", t.Untrue)
	fmt.Fprintf(w, "  wipe          %s\n", r.Wipe)
	fmt.Fprintf(w, "                %d that had ended were sent again; asked about again: %d\n", t.Repeated, t.AskedAgain)
	fmt.Fprintf(w, "  breaker       %s\n", r.Breaker)
	fmt.Fprintf(w, "  latency       p50 %s, p99 %s until the outage\n                p50 %s, p99 %s in all, where one question was enough\n\n",
		trimmed(r.before.p50), trimmed(r.before.p99), trimmed(r.overall.p50), trimmed(r.overall.p99))
	switch {
	case !r.Drained:
		fmt.Fprintf(w, "NOT DRAINED within %v of the last event. Until then:\n", drainLimit)
		fallthrough
	case len(f.Faults) > 0:
		fmt.Fprintf(w, "DOES NOT ADD UP after %.1f s:\n", r.Seconds)
		for _, fault := range f.Faults {
			fmt.Fprintln(w, "  "+fault)
		}
	default:
		fmt.Fprintf(w, "Adds up after %.1f s: every event ended in exactly one place.\n", r.Seconds)
	}
}

// printTable prints the accounting, charge-requested first.
func (r report) printTable(w io.Writer) {
	row := func(name string, t replay.Tally) {
		fmt.Fprintf(w, "  %-20s %8d = %6d + %4d + %9d + %7d\n", name, t.Accepted, t.Final, t.Dead, t.Duplicate, t.Waiting)
	}
	fmt.Fprintf(w, "\nThe accounting, read from the topics alone (read_committed):\n\n")
	fmt.Fprintf(w, "  %-20s %8s = %6s + %4s + %9s + %7s\n", "input partition", "accepted", "final", "dead", "duplicate", "waiting")
	for _, topic := range topics.Input() {
		for _, p := range r.Accounting.Partitions {
			if p.Topic == topic {
				row(fmt.Sprintf("%s/%d", p.Topic, p.Partition), p.Tally)
			}
		}
	}
	row("all", r.Accounting.Total)
	fmt.Fprintln(w)
}

func (w wipeReport) String() string {
	switch {
	case w.Flushed == 0:
		return "none"
	case w.Rebuilt == 0:
		return fmt.Sprintf("Redis flushed at %.1f s, claims never rebuilt", w.Flushed)
	}
	return fmt.Sprintf("Redis flushed at %.1f s, claims rebuilt %.2f s later", w.Flushed, w.Rebuilt-w.Flushed)
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
