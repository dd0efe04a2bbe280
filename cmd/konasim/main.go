// Command konasim serves the Konaplate simulator: the inquiry endpoint, and under /-/ what a test or a demonstration needs.
//
//	GET  /-/ledger          the calls, one JSON object a line, oldest first
//	GET  /-/stats           the counters, as JSON
//	POST /-/down?mode=MODE  begins an outage: unavailable (503; the default), closing or hanging
//	POST /-/up              ends it
//
// With --ledger FILE the calls are in FILE too, complete when the program has ended. With --scenario FILE a file scripts the answers;
// --check only checks it. Answers, rules and the file's format are documented in package konasim. The server is for tests: nothing but the token protects it,
// and /-/ not even that.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/chargeresult/chargeresult/processor/inquiry/konasim"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	if err := run(ctx, os.Args[1:], os.Getenv, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "konasim:", err)
		os.Exit(exitCode(err))
	}
}

const (
	readTimeout     = 5 * time.Second // for a request's headers
	shutdownTimeout = 5 * time.Second // for answers in flight, after which they are cut off: some hang on purpose
	cutTimeout      = time.Second     // for calls that were cut off to end, after which their connections are closed
)

// run is the program: it serves until ctx ends, and prints where.
func run(ctx context.Context, args []string, getenv func(string) string, stdout io.Writer) (err error) {
	opts, err := parse(args, getenv, stdout)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	if opts.check {
		_, err := fmt.Fprintln(stdout, "konasim: the flags and the scenario are right")
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", opts.addr)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	if opts.ledger != "" {
		ledger, errCreate := createLedger(opts.ledger)
		if errCreate != nil {
			return errors.Join(errCreate, listener.Close())
		}
		defer func() { err = errors.Join(err, ledger.Close()) }()
		opts.sim.LedgerTo = ledger
	}
	_, _ = fmt.Fprintf(stdout, "konasim: serving http://%s%s, and /-/stats\n", listener.Addr(), konasim.Path)
	return serve(ctx, listener, routes(konasim.New(opts.sim)))
}

// serve serves until ctx ends. When it returns, every call has ended and is in the ledger, but for one whose client neither
// reads nor writes.
func serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	calls, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: readTimeout, BaseContext: func(net.Listener) context.Context { return calls },
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	if !shutdown(server, shutdownTimeout) {
		cut()
		if !shutdown(server, cutTimeout) {
			_ = server.Close()
		}
	}
	<-served
	return nil
}

// shutdown reports whether every call ended within the timeout.
func shutdown(server *http.Server, timeout time.Duration) bool {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return server.Shutdown(ctx) == nil
}

// exitCode: 2 for a mistake on the command line, 1 for all else.
func exitCode(err error) int {
	if errors.Is(err, errUsage) {
		return 2
	}
	return 1
}
