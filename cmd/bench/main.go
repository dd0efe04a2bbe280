// Command bench measures chargeresult against the bare loop: the smallest that reads, claims, asks and publishes, and guarantees nothing (see
// bareloop). It starts a broker, a Redis and the simulator, runs the contenders on them in turn, and prints a table of medians, the ratios
// within the rounds, and which bars they reach. Exit code 1: a bar is missed, or a run failed; 2: usage.
//
// The files in the order of a run: trials.go (what is compared, and the bars), ground.go (the servers), contender.go (the processes),
// load.go (the events), watch.go (the subscriber with the stopwatch), trial.go (one run), table.go (the outcome).
//
// Throughput counts results that a read_committed subscriber sees, between a tenth and nine tenths of them; CPU and memory are the operating system's accounting
// of the contender's processes, from start to end. The simulator and the subscriber run in this process, beside them on the same machine.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // from then on a second signal ends the process at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// The exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// options are the flags.
type options struct {
	rounds int
	only   *regexp.Regexp
	quick  bool
	list   bool
	json   bool
}

// quickScale is how much shorter the loads are that only show that everything runs.
const quickScale = 0.02

func parse(args []string, stderr io.Writer) (o options, err error) {
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.IntVar(&o.rounds, "rounds", 3, "how `many` times each contender runs, in turn")
	only := fs.String("only", "", "run the trials whose names match a `pattern`")
	fs.BoolVar(&o.quick, "quick", false, "one short round of each, to see that it runs: no bar is held against its figures")
	fs.BoolVar(&o.list, "list", false, "list the trials")
	fs.BoolVar(&o.json, "json", false, "print every run as JSON, in place of the tables")
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	if o.only, err = regexp.Compile(*only); err != nil {
		return o, fmt.Errorf("-only: %w", err)
	}
	if len(o.chosen(1)) == 0 {
		return o, fmt.Errorf("-only %s: no trial has such a name; -list lists them", *only)
	}
	if o.rounds < 1 {
		return o, fmt.Errorf("-rounds %d: want at least 1", o.rounds)
	}
	return o, nil
}

// chosen returns the trials to run.
func (o options) chosen(scale float64) []trial {
	return slices.DeleteFunc(trials(scale), func(t trial) bool { return !o.only.MatchString(t.name) })
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitDone
	}
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return exitUsage
	}
	if o.list {
		for _, t := range o.chosen(1) {
			fmt.Fprintf(stdout, "%-20s %s\n", t.name, t.title)
		}
		return exitDone
	}
	missed, err := measure(ctx, o, stdout, stderr)
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return exitFailed
	}
	if len(missed) > 0 && !o.quick {
		fmt.Fprintln(stderr, "bench: missed: "+strings.Join(missed, "; "))
		return exitFailed
	}
	return exitDone
}

// measure runs the trials and returns the bars that were missed.
func measure(ctx context.Context, o options, stdout, stderr io.Writer) (missed []string, err error) {
	scale := 1.0
	if o.quick {
		scale, o.rounds = quickScale, 1
	}
	g, err := prepare(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, g.close()) }()
	if err := g.warmUp(ctx, scale, stderr); err != nil {
		return nil, err
	}
	for _, t := range o.chosen(scale) {
		r, err := t.compete(ctx, g, o.rounds, stderr)
		if err != nil {
			return nil, err
		}
		if o.json {
			err = json.NewEncoder(stdout).Encode(r.report())
		} else {
			r.write(stdout)
		}
		if err != nil {
			return nil, err
		}
		missed = append(missed, r.missed()...)
	}
	return missed, nil
}
