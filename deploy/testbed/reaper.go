package testbed

import (
	"errors"
	"fmt"
	"io"
	"os/exec"
	"syscall"
)

// A reaper ends what this process has started, however this process ends: a test that times out, panics or is killed
// runs no cleanup. It is a shell that waits for the end of its input, which comes with the end of this process at the
// latest, and runs a command then.
type reaper struct {
	cmd   *exec.Cmd
	stdin io.Closer
}

// newReaper starts a reaper for a shell command; args are its $1, $2 and so on.
func newReaper(command string, args ...string) (*reaper, error) {
	cmd := exec.Command("sh", append([]string{"-c", "cat; " + command, "sh"}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C in the terminal is not for the reaper
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("testbed: start a reaper: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("testbed: start a reaper: %w", errors.Join(err, stdin.Close()))
	}
	return &reaper{cmd: cmd, stdin: stdin}, nil
}

// reap runs the command now and waits for it.
func (r *reaper) reap() error {
	if err := errors.Join(r.stdin.Close(), r.cmd.Wait()); err != nil {
		return fmt.Errorf("testbed: clean up: %w", err)
	}
	return nil
}
