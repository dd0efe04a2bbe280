// Command demo runs the whole pipeline in one process, with nothing installed: an embedded Kafka, an embedded Redis, the Konaplate
// simulator and the processor, on a network in memory. It feeds events, takes Konaplate down for a while, flushes Redis, waits until
// everything has ended, what is PENDING until its deadline included, and then proves, as reconcile does and from the topics alone, that
// every event ended in exactly one place, and that every result is what Konaplate said.
//
// The files in the order of the show: options.go (the flags), surroundings.go (what the processor works with), pipeline.go and asking.go
// (the processor, wired as in cmd/chargeresult), generator.go and feed.go (the events), outage.go (the vendor and the breaker), wipe.go
// (the loss of the claims), subscriber.go (what a downstream service sees), progress.go and view.go (the screen), accounting.go and
// book.go (the proof), traces.go (one transaction, step by step), report.go (the last word), and demo.go, which directs them.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // from then on a second signal ends the process at once
	os.Exit(run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
}

// The exit codes.
const (
	exitDone   = 0 // everything ended, and everything adds up
	exitFailed = 1
	exitUsage  = 2
)

// run is the program. When ctx ends it feeds no more, and goes on to drain and account for what it fed.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	opts, err := parse(args, stdout)
	if errors.Is(err, flag.ErrHelp) {
		return exitDone
	}
	if err != nil {
		fmt.Fprintln(stderr, "demo:", err)
		return exitUsage
	}
	var log warnings
	outcome, err := show(ctx, opts, newScreen(stdout, getenv), &log)
	if err != nil {
		fmt.Fprintf(stderr, "demo: %v\n%s", err, log.String())
		return exitFailed
	}
	return conclude(outcome, opts.json, stdout, stderr, &log)
}
