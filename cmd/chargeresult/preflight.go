package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
)

// status is what a check came to.
type status string

// The statuses.
const (
	passed  status = "ok"
	warned  status = "warn" // the processor runs, but an operator should know
	refused status = "fail" // the processor refuses to run
	skipped status = "skip" // could not be decided, because of another check that failed
)

// check is one row of the preflight report.
type check struct {
	Name   string `json:"name"`
	Status status `json:"status"`
	Found  string `json:"found"`
	Wanted string `json:"wanted"`
	Do     string `json:"do,omitempty"` // what to do about it; empty if it is all right
}

// report is the outcome of all checks, in a fixed order.
type report []check

// Refusals are the checks that forbid to run.
func (r report) Refusals() []check {
	var refusals []check
	for _, c := range r {
		if c.Status == refused {
			refusals = append(refusals, c)
		}
	}
	return refusals
}

// Err names every refusal at once; nil if there is none. It wraps errRefused.
func (r report) Err() error {
	refusals := r.Refusals()
	if len(refusals) == 0 {
		return nil
	}
	var lines strings.Builder
	for _, c := range refusals {
		fmt.Fprintf(&lines, "\n  %s: found %s, wanted %s: %s", c.Name, c.Found, c.Wanted, c.Do)
	}
	return fmt.Errorf("%w to run for %d reasons:%s", errRefused, len(refusals), lines.String())
}

// preflight checks everything that the processor depends on. An unreachable system is a refusal in the report.
func preflight(ctx context.Context, c config) report {
	return judge(c, gather(ctx, c))
}

func preflightCommand() command {
	var asJSON bool
	return command{
		name:     "preflight",
		summary:  "check brokers, topics, Redis and credentials as `run` does before it starts; exit code 3 if it would refuse",
		examples: []string{"chargeresult preflight", "chargeresult preflight --json | jq '.[] | select(.status != \"ok\")'"},
		settings: true,
		needs:    everything(),
		flags:    func(fs *flag.FlagSet) { fs.BoolVar(&asJSON, "json", false, "print JSON") },
		run: func(ctx context.Context, in invocation) error {
			r := preflight(ctx, in.cfg)
			write := writeReport
			if asJSON {
				write = writeJSON[report]
			}
			return errors.Join(write(in.stdout, r), r.Err())
		},
	}
}

func writeReport(w io.Writer, r report) error {
	table := newTable(w)
	fmt.Fprintln(table, "STATUS\tCHECK\tFOUND\tWANTED\tWHAT TO DO")
	for _, c := range r {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", c.Status, c.Name, c.Found, c.Wanted, c.Do)
	}
	return table.Flush()
}
