// Command chargeresult answers, for every prepaid-card top-up and cancellation, how it ended.
//
// This folder is the program's shell: the only reader of the environment and the only caller of os.Exit. main calls run, which
// finds the command (commands), reads its flags (command.go) and the settings (config*.go), and hands both to one function a
// command, each in a file of its own. What the commands do lives in the packages under processor.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/redis/go-redis/v9"
)

// gcPercent lets the heap grow to three times what is live before it is collected, unless GOGC says otherwise. What is live is small, and most of it
// buffers: measured, this saves a tenth of the CPU of an event, and the peak of memory is the same.
const gcPercent = 200

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // from then on a second signal ends the process at once
	redis.SetLogger(quietRedis{})
	os.Exit(run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
}

// The exit codes.
const (
	exitDone    = 0
	exitFailed  = 1
	exitUsage   = 2 // a fault of usage or configuration: nothing was tried
	exitRefused = 3 // refused for safety
)

// errRefused is wrapped by what a command refuses to do because it would not be safe: exit code 3.
var errRefused = errors.New("refused")

// errDiffers is wrapped by commands that did their work and found something that is not as it should be: exit code 1.
var errDiffers = errors.New("not as it should be")

// run is the program: it runs the command that args name, and returns the exit code. environ is of the form of os.Environ.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	err := dispatch(ctx, args, environ, stdout, stderr)
	if err != nil {
		fmt.Fprintln(stderr, "chargeresult:", err)
	}
	return exitCode(err)
}

func exitCode(err error) int {
	_, usage := errors.AsType[faults](err)
	switch {
	case err == nil:
		return exitDone
	case usage:
		return exitUsage
	case errors.Is(err, errRefused):
		return exitRefused
	}
	return exitFailed
}

// commands is the command table, in the order of the help page.
func commands() []command {
	return []command{
		runCommand(),
		inspectCommand(),
		reconcileCommand(),
		topicsCommand(),
		preflightCommand(),
		configCommand(),
		healthCommand(),
		versionCommand(),
		completionCommand(),
	}
}
