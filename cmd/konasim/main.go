// Command konasim serves the Konaplate simulator: the inquiry endpoint, and under /-/ what a test or a demonstration needs.
//
//	GET  /-/ledger          the calls, one JSON object a line, oldest first
//	GET  /-/stats           the counters, as JSON
//	POST /-/down?mode=MODE  begins an outage: unavailable (503; the default), closing or hanging
//	POST /-/up              ends it
//
// Which answer a sequence ID gets is documented in package konasim. The server is for tests: nothing but the token protects it,
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
	shutdownTimeout = 5 * time.Second // for answers in flight, after which connections are cut: some hang on purpose
)

// run is the program: it serves until ctx ends, and prints where.
func run(ctx context.Context, args []string, getenv func(string) string, stdout io.Writer) error {
	opts, err := parse(args, getenv, stdout)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", opts.addr)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	server := &http.Server{Handler: routes(konasim.New(opts.sim)), ReadHeaderTimeout: readTimeout}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	_, _ = fmt.Fprintf(stdout, "konasim: serving http://%s%s, and /-/stats\n", listener.Addr(), konasim.Path)
	select {
	case err := <-served:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	if server.Shutdown(grace) != nil {
		_ = server.Close()
	}
	<-served
	return nil
}

// exitCode: 2 for a mistake on the command line, 1 for all else.
func exitCode(err error) int {
	if errors.Is(err, errUsage) {
		return 2
	}
	return 1
}
