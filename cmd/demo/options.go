package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"time"
)

const help = `demo runs the whole pipeline in one process: Kafka, Redis and Konaplate embedded, in memory.

Usage: go run ./cmd/demo [flags]

  --seconds N  for how long events are fed, 1 to 600 (default 18); draining takes up to 20 s more
  --rate N     events a second, 1 to 1000 (default 300)
  --seed N     what is left to chance follows from it (default 1)
  --json       no progress; the accounting as JSON
  --quiet      no progress; the accounting as a table
  --traces     and at the end the traces of a transaction that was PENDING, as a tree
  --traces=ID  of the transaction with that correlation ID

Of 18 seconds, Konaplate is down from 4 to 9, and Redis is flushed at 14; else in proportion, but an outage takes
8 s at most. One answer in a hundred takes 3 s; some transactions are PENDING or not found, a few of them for ever.
With --json, the traces go to standard error.
Ctrl-C stops feeding, drains, and accounts for what was fed; a second one ends the demo at once.
Exit code 0: every event ended in exactly one place. 1: it did not, or not in time. NO_COLOR is respected.

Examples:
  go run ./cmd/demo                                    half a minute, worth watching
  go run ./cmd/demo --seconds 60 --rate 500            more of it
  go run ./cmd/demo --quiet --traces                   what became of one transaction, step by step
  go run ./cmd/demo --json | jq .accounting.total      accepted = final + dead + duplicate + waiting
`

type options struct {
	feeding time.Duration
	rate    int
	seed    uint64
	json    bool
	quiet   bool
	traces  bool
	traced  string // the correlation ID of the transaction that is drawn; empty: one that is worth it
}

// planned is how many events are fed.
func (o options) planned() int { return int(o.feeding.Seconds()) * o.rate }

// maxOutage keeps the outage shorter than the deadline: what is waited for through it may yet be answered.
const maxOutage = 8 * time.Second

// outage returns when Konaplate goes down and comes back, from the start of feeding: seconds 4 and 9 of 18.
func (o options) outage() (from, until time.Duration) {
	from = o.feeding * 4 / 18
	return from, from + min(o.feeding*5/18, maxOutage)
}

// wipe returns when Redis is flushed, from the start of feeding: second 14 of 18.
func (o options) wipe() time.Duration { return o.feeding * 14 / 18 }

// lasting is how many of the first events may be such as take until the deadline: those well before the outage, so that they end when the others do.
func (o options) lasting() int { return o.planned() * 3 / 18 }

// parse returns the options, or flag.ErrHelp after printing the help.
func parse(args []string, stdout io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	seconds := flags.Int("seconds", 18, "")
	flags.IntVar(&o.rate, "rate", 300, "")
	flags.Uint64Var(&o.seed, "seed", 1, "")
	flags.BoolVar(&o.json, "json", false, "")
	flags.BoolVar(&o.quiet, "quiet", false, "")
	flags.BoolFunc("traces", "", func(value string) error {
		if o.traces = true; value != "true" { // which is what it is without a value
			o.traced = value
		}
		return nil
	})
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		_, err := io.WriteString(stdout, help)
		return options{}, errors.Join(flag.ErrHelp, err)
	}
	if err == nil && flags.NArg() > 0 {
		err = fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if err == nil {
		err = errors.Join(within("--seconds", *seconds, 1, 600), within("--rate", o.rate, 1, 1000))
	}
	if err != nil {
		return options{}, fmt.Errorf("%w\nrun demo --help for the flags", err)
	}
	o.feeding = time.Duration(*seconds) * time.Second
	return o, nil
}

func within(name string, n, least, most int) error {
	if n < least || n > most {
		return fmt.Errorf("%s %d: want %d to %d", name, n, least, most)
	}
	return nil
}
