package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/chargeresult/chargeresult/processor/inquiry/konasim"
)

// The inquiries.
var (
	logNormal = konasim.Latency{P50: 20 * time.Millisecond, P99: 200 * time.Millisecond}
	tenMillis = konasim.Latency{P50: 10 * time.Millisecond}
	fifty     = konasim.Latency{P50: 50 * time.Millisecond}
	hundred   = konasim.Latency{P50: 100 * time.Millisecond}
	noTime    = konasim.Latency{}
)

const (
	inFlight = 256 // inquiries, where nothing else is said
	rate     = 300 // events a second, of loads at a rate
)

// Entrants of a trial, by their index.
const (
	plain, better, ours = 0, 1, 2 // of a backlog
	plainAtRate         = 0       // of a load at a rate
	oursAtRate          = 1
	none, all           = 0, 1 // of tracing
)

// trials are all comparisons; scale makes every load so many times as long.
func trials(scale float64) []trial {
	n := scaled(scale)
	return []trial{
		{
			name: "log-normal", title: "a backlog, inquiries of p50 20 ms and p99 200 ms",
			latency: logNormal, entrants: backlog(n(100_000)),
			bars: append(fastEnough(0.95), smallEnough),
		},
		{
			name: "10ms", title: "a backlog, inquiries of 10 ms",
			latency: tenMillis, entrants: backlog(n(150_000)),
			bars: append(fastEnough(0.9), smallEnough, atMost(1.25, "%.2f", "CPU an event, to the bare loop's with pipelined claims", ratio(cpu, ours, better))),
		},
		{
			name: "0ms", title: "a backlog, inquiries of no time",
			latency: noTime, entrants: backlog(n(150_000)),
			bars: fastEnough(0.8),
		},
		{
			name: "steady-log-normal", title: "300 events a second, inquiries of p50 20 ms and p99 200 ms",
			latency: logNormal, entrants: steady(n(6000)),
			bars: soonEnough,
		},
		{
			name: "steady-10ms", title: "300 events a second, inquiries of 10 ms",
			latency: tenMillis, entrants: steady(n(6000)),
			bars: soonEnough,
		},
		{
			name: "memory", title: "backlogs, inquiries of 10 ms",
			latency: tenMillis, entrants: growing(n(100_000), n(1_000_000)),
			bars: []bar{
				atMost(128, "%.0f", "peak memory, MiB", largest(memory)),
				atMost(1.1, "%.2f", "peak memory, of ten times as many events", ratio(memory, 1, 0)),
			},
		},
		{
			name: "processes", title: "a backlog on 16 partitions, inquiries of 100 ms, 64 in flight in each process",
			latency: hundred, partitions: 16, gathered: true, entrants: fleet(n(10_000), 1, 2, 4),
			bars: []bar{
				atLeast(1.9, "throughput of 2 processes, to that of 1", ratio(throughput, 1, 0)),
				atLeast(3.6, "throughput of 4 processes, to that of 1", ratio(throughput, 2, 0)),
			},
		},
		{
			name: "hot-key", title: "300 events a second, inquiries of 50 ms; figures of the partitions without the hot key",
			latency: fifty, entrants: hotKeys(n(12_000)),
			bars: []bar{
				atMost(5, "%.1f", "p50 beside a hot key, ms more than without", difference(p50, 1, 0)),
				atMost(20, "%.1f", "p99 beside a hot key, ms more than without", difference(p99, 1, 0)),
			},
		},
		{
			name: "tracing", title: "a backlog, inquiries of 10 ms; every transaction traced, and exported",
			latency: tenMillis, entrants: tracing(n(150_000), untraced, taken),
			bars: []bar{atMost(1.25, "%.2f", "CPU an event, to that without traces", ratio(cpu, all, none))},
		},
		{
			name: "collector", title: "a backlog, inquiries of 10 ms; every transaction traced, and a collector that is not well",
			latency: tenMillis, entrants: tracing(n(100_000), taken, late, refused, nobody),
			bars: []bar{
				atLeast(0.95, "throughput with a slow collector", ratio(throughput, 1, 0)),
				atLeast(0.95, "throughput with a collector that refuses", ratio(throughput, 2, 0)),
				atLeast(0.95, "throughput with no collector at all", ratio(throughput, 3, 0)),
			},
		},
	}
}

// warmUp is runs that do not count: a broker that has just started is slow until its code is compiled, which takes another half of a core.
func (g *ground) warmUp(ctx context.Context, scale float64, log io.Writer) error {
	n := scaled(scale)
	for _, entrants := range [][]entrant{backlog(n(200_000)), steady(n(9000))} {
		t := trial{name: "warm up", latency: noTime, entrants: entrants}
		if _, err := t.compete(ctx, g, 1, log); err != nil {
			return err
		}
	}
	return nil
}

// scaled returns how many records a load has, of which the full one has so many.
func scaled(scale float64) func(records int) int {
	return func(records int) int { return max(200, int(float64(records)*scale)) }
}

func backlog(records int) []entrant {
	l := load{records: records}
	return []entrant{
		plain:  {"bare loop", bareLoop, l, 1, inFlight, untraced},
		better: {"bare loop, pipelined claims", pipelined, l, 1, inFlight, untraced},
		ours:   {"chargeresult", chargeresult, l, 1, inFlight, untraced},
	}
}

func steady(records int) []entrant {
	l := load{records: records, rate: rate}
	return []entrant{plainAtRate: {"bare loop", bareLoop, l, 1, inFlight, untraced}, oursAtRate: {"chargeresult", chargeresult, l, 1, inFlight, untraced}}
}

func growing(records ...int) (all []entrant) {
	for _, n := range records {
		all = append(all, entrant{fmt.Sprintf("chargeresult, %d events", n), chargeresult, load{records: n}, 1, inFlight, untraced})
	}
	return all
}

func fleet(records int, sizes ...int) (all []entrant) {
	for _, n := range sizes {
		all = append(all, entrant{fmt.Sprintf("chargeresult, processes: %d", n), chargeresult, load{records: n * records}, n, 64, untraced})
	}
	return all
}

func tracing(records int, kinds ...traces) (all []entrant) {
	labels := map[traces]string{
		untraced: "chargeresult, no traces", taken: "chargeresult, everything traced", late: "the same, the collector takes 3 s a batch",
		refused: "the same, the collector refuses", nobody: "the same, there is no collector",
	}
	for _, kind := range kinds {
		all = append(all, entrant{label: labels[kind], contender: chargeresult, load: load{records: records}, processes: 1, concurrency: inFlight, traces: kind})
	}
	return all
}

func hotKeys(records int) []entrant {
	return []entrant{
		{"chargeresult, 2,000 keys alike", chargeresult, load{records: records, rate: rate}, 1, inFlight, untraced},
		{"chargeresult, one key has half of all events", chargeresult, load{records: records, rate: rate, hot: true}, 1, inFlight, untraced},
	}
}

func fastEnough(least float64) []bar {
	return []bar{
		atLeast(least, "throughput, to the bare loop's with pipelined claims", ratio(throughput, ours, better)),
		atLeast(1, "throughput, to the bare loop's", ratio(throughput, ours, plain)),
	}
}

var smallEnough = atMost(128, "%.0f", "peak memory, MiB", only(memory, ours))

var soonEnough = []bar{
	atMost(15, "%.1f", "p50, ms more than the bare loop's", difference(p50, oursAtRate, plainAtRate)),
	atMost(35, "%.1f", "p99, ms more than the bare loop's", difference(p99, oursAtRate, plainAtRate)),
}

func atLeast(limit float64, what string, value func(results) float64) bar {
	return bar{what: what, value: value, limit: limit, form: "%.2f"}
}

func atMost(limit float64, form, what string, value func(results) float64) bar {
	return bar{what: what, value: value, limit: limit, most: true, form: form}
}
