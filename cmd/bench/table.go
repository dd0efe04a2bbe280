package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// results are the runs of a trial: by entrant, in its order, and round.
type results struct {
	trial
	runs [][]figures
}

// bar is what the results of a trial have to reach.
type bar struct {
	what  string
	value func(results) float64
	limit float64
	most  bool // the limit is the most that the value may be; else the least
	form  string
}

func (b bar) met(v float64) bool {
	if b.most {
		return v <= b.limit
	}
	return v >= b.limit
}

// figure is one of those that a run measures.
type figure func(figures) float64

var (
	throughput = figure(func(f figures) float64 { return f.PerSecond })
	cpu        = figure(func(f figures) float64 { return float64(f.CPU.Nanoseconds()) / 1e3 })
	memory     = figure(func(f figures) float64 { return float64(f.Memory) / (1 << 20) })
	p50        = figure(func(f figures) float64 { return milliseconds(f.P50) })
	p99        = figure(func(f figures) float64 { return milliseconds(f.P99) })
)

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }

// ratio is the median over the rounds of one entrant's figure to another's. Only figures of one round are compared, because
// the machine's speed drifts.
func ratio(of figure, mine, base int) func(results) float64 {
	return func(r results) float64 {
		return r.compare(of, mine, base, func(a, b float64) float64 { return a / b })
	}
}

// difference is the same with a difference.
func difference(of figure, mine, base int) func(results) float64 {
	return func(r results) float64 {
		return r.compare(of, mine, base, func(a, b float64) float64 { return a - b })
	}
}

func (r results) compare(of figure, mine, base int, how func(a, b float64) float64) float64 {
	var all []float64
	for round := range r.runs[mine] {
		all = append(all, how(of(r.runs[mine][round]), of(r.runs[base][round])))
	}
	return median(all)
}

// largest is the largest median of all entrants.
func largest(of figure) func(results) float64 {
	return func(r results) float64 {
		most := 0.0
		for i := range r.runs {
			most = max(most, r.median(of, i))
		}
		return most
	}
}

// only is the median of one entrant.
func only(of figure, entrant int) func(results) float64 {
	return func(r results) float64 { return r.median(of, entrant) }
}

func (r results) median(of figure, entrant int) float64 {
	var all []float64
	for _, f := range r.runs[entrant] {
		all = append(all, of(f))
	}
	return median(all)
}

func median[T cmp.Ordered](values []T) T {
	return slices.Sorted(slices.Values(values))[len(values)/2]
}

// write writes the table of a trial, and which bars are met.
func (r results) write(out io.Writer) {
	fmt.Fprintf(out, "\n%s: %s; medians of %d\n\n", r.name, r.title, len(r.runs[0]))
	t := tabwriter.NewWriter(out, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\tevents/s\tCPU µs an event\tpeak MiB\tp50 ms\tp99 ms\t")
	for i, e := range r.entrants {
		fmt.Fprintf(t, "%s\t%.0f\t%.0f\t%.0f\t", e.label, r.median(throughput, i), r.median(cpu, i), r.median(memory, i))
		if e.rate > 0 {
			fmt.Fprintf(t, "%.1f\t%.1f\t\n", r.median(p50, i), r.median(p99, i))
		} else {
			fmt.Fprint(t, "\t\t\n")
		}
	}
	_ = t.Flush() // to a buffer or a terminal
	fmt.Fprintln(out)
	for _, b := range r.bars {
		v := b.value(r)
		word, verdict := "least", "met"
		if b.most {
			word = "most"
		}
		if !b.met(v) {
			verdict = "MISSED"
		}
		fmt.Fprintf(out, "  %-52s "+b.form+", at %s "+b.form+": %s\n", b.what, v, word, b.limit, verdict)
	}
}

// missed returns the bars that the results do not reach.
func (r results) missed() []string {
	var all []string
	for _, b := range r.bars {
		if !b.met(b.value(r)) {
			all = append(all, r.name+": "+b.what)
		}
	}
	return all
}

// report is a trial as JSON.
type report struct {
	Trial    string          `json:"trial"`
	Title    string          `json:"title"`
	Entrants []entrantReport `json:"entrants"`
	Bars     []barReport     `json:"bars"`
}

type entrantReport struct {
	Label string    `json:"label"`
	Runs  []figures `json:"runs"`
}

type barReport struct {
	What  string  `json:"what"`
	Value float64 `json:"value"`
	Limit float64 `json:"limit"`
	Met   bool    `json:"met"`
}

func (r results) report() report {
	all := report{Trial: r.name, Title: r.title}
	for i, e := range r.entrants {
		all.Entrants = append(all.Entrants, entrantReport{e.label, r.runs[i]})
	}
	for _, b := range r.bars {
		v := b.value(r)
		all.Bars = append(all.Bars, barReport{b.what, v, b.limit, b.met(v)})
	}
	return all
}
