//go:build integration

package deploy

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// watch runs a command in a process group of its own, and kills the group when its own input ends: with this process, at the latest.
const watch = `set -m; "$@" </dev/null & group=$!; cat >/dev/null; kill -KILL -- "-$group" 2>/dev/null; wait`

// start runs a command until the test ends, with environ and what finds programs, and nothing else.
func start(t *testing.T, w *place, environ, command []string) {
	t.Helper()
	cmd := exec.Command("bash", append([]string{"-c", watch, "bash"}, command...)...)
	cmd.Env, cmd.Dir = surrounded(environ), w.dir
	log, err := os.Create(filepath.Join(w.dir, "log"))
	must(t, err)
	cmd.Stdout, cmd.Stderr = log, log
	stdin, err := cmd.StdinPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait()
		_ = log.Close()
		if t.Failed() {
			t.Logf("the end of %s's log:\n%s", w.service, w.logEnd())
		}
	})
}

// once runs a command to its end.
func once(ctx context.Context, w *place, environ, command []string) error {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env, cmd.Dir, cmd.WaitDelay = surrounded(environ), w.dir, time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(command, " "), err, out)
	}
	return nil
}

func surrounded(environ []string) []string {
	return append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}, environ...)
}

func (w *place) logEnd() string {
	content, _ := os.ReadFile(filepath.Join(w.dir, "log"))
	lines := strings.Split(string(content), "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "\n")
}

// await repeats try until it succeeds.
func await(t *testing.T, what string, interval, limit time.Duration, try func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	began := time.Now()
	for {
		err := try(ctx)
		if err == nil {
			t.Logf("%5.1f s: %s", time.Since(began).Seconds(), what)
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s: not within %v: %v", what, limit, err)
		case <-time.After(interval):
		}
	}
}

// get asks by HTTP, and wants 200.
func get(ctx context.Context, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	// What Prometheus 3 says that it takes: names in UTF-8 among it, which the rules do not use.
	request.Header.Set("Accept", "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,*/*;q=0.1")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	var body bytes.Buffer
	if _, err := body.ReadFrom(response.Body); err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s\n%s", url, response.Status, body.Bytes())
	}
	return body.Bytes(), nil
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
