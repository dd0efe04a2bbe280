package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chargeresult/chargeresult/processor/inquiry/konasim"
)

func write(t *testing.T, text string) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "scenario.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestScenarioAndLedger: the file decides what is answered, and the ledger is complete when the program has ended.
func TestScenarioAndLedger(t *testing.T) {
	ledger := filepath.Join(t.TempDir(), "calls.jsonl")
	if err := os.WriteFile(ledger, []byte("of an earlier run\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	scenario := write(t, "transactions:\n  C1: [PENDING, FAILED]\n")
	want := []string{"C1 PENDING", "C1 FAILED", "C2 COMPLETED"}
	t.Run("serve", func(t *testing.T) { // the program ends with it
		ctx, stop := context.WithCancel(t.Context())
		base := startUnder(ctx, t, "--scenario", scenario, "--ledger", ledger, "--ledger-cap", "1")
		for _, line := range want {
			id, result, _ := strings.Cut(line, " ")
			if status, body := call(t, "POST", base+konasim.Path, `{"sequenceId":"`+id+`"}`); status != 200 || !strings.Contains(body, result) {
				t.Errorf("%s: %d %s", line, status, body)
			}
		}
		stop()
	})
	content, err := os.ReadFile(ledger)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(string(content)) {
		var c konasim.Call
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			t.Errorf("%q: %v", line, err)
		}
		got = append(got, c.SequenceID+" "+c.Answer)
	}
	if strings.Join(got, ", ") != strings.Join(want, ", ") {
		t.Errorf("ledger %q, want %q", got, want)
	}
}

// pipe is a network of one connection.
type pipe struct {
	conn   chan net.Conn
	closed chan struct{}
}

func (p pipe) Accept() (net.Conn, error) {
	select {
	case c := <-p.conn:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}
func (p pipe) Close() error   { close(p.closed); return nil }
func (p pipe) Addr() net.Addr { return &net.IPAddr{} }

// TestCallsAreCutOff: a call that does not end in time is cut off without a reply, and the program ends after it, not before.
func TestCallsAreCutOff(t *testing.T) {
	for _, id := range []string{"HANG-1", "SLOW-60000-1", "DRIP-1"} {
		synctest.Test(t, func(t *testing.T) {
			client, server := net.Pipe()
			network := pipe{make(chan net.Conn, 1), make(chan struct{})}
			network.conn <- server
			sim := konasim.New(konasim.Config{})
			ctx, stop := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- serve(ctx, network, sim) }()
			req := httptest.NewRequest("POST", konasim.Path, strings.NewReader(`{"sequenceId":"`+id+`"}`))
			req.Header = headers()
			if err := req.Write(client); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			stop()
			stopped := time.Now()
			body, err := io.ReadAll(client)
			if reply := string(body); err != nil || strings.HasSuffix(reply, "\r\n0\r\n\r\n") || strings.Contains(reply, "Content-Length") {
				t.Errorf("%s: a whole reply %q, %v", id, reply, err)
			}
			if err := <-done; err != nil || time.Since(stopped) > shutdownTimeout+cutTimeout {
				t.Errorf("%s: %v after %v", id, err, time.Since(stopped))
			}
			if calls := sim.Ledger(); len(calls) != 1 || sim.Stats().InFlight != 0 {
				t.Errorf("%s: ledger %+v, %d in flight", id, calls, sim.Stats().InFlight)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop() // whatever serves ends at once
	var out strings.Builder
	ledger := filepath.Join(t.TempDir(), "calls.jsonl")
	args := []string{"--check", "--ledger", ledger, "--scenario", write(t, "phases: [{answer: DOWN}]")}
	if err := run(ctx, args, noEnv, &out); err != nil || !strings.Contains(out.String(), "are right") {
		t.Errorf("%v, %s", err, out.String())
	}
	if _, err := os.Stat(ledger); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the ledger was created: %v", err)
	}
	faulty := write(t, "phases:\n  - answer: MAYBE\n  - untill: 3s\n")
	err := run(t.Context(), []string{"--check", "--latency", "fast", "--scenario", faulty}, noEnv, io.Discard)
	if err == nil || exitCode(err) != 2 {
		t.Fatalf("error %v", err)
	}
	for _, want := range []string{"--latency", faulty, `line 2: unknown answer "MAYBE"`, `line 3: unknown key "untill"`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %s in %v", want, err)
		}
	}
}

func TestLedgerThatCannotBeWritten(t *testing.T) {
	err := run(t.Context(), []string{"--addr", "127.0.0.1:0", "--ledger", t.TempDir()}, noEnv, io.Discard)
	if err == nil || exitCode(err) != 1 || !strings.Contains(err.Error(), "--ledger") {
		t.Errorf("error %v", err)
	}
	const full = "/dev/full" // a file on a disk that is full
	if _, err := os.Stat(full); err != nil {
		t.Skip(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	base, done := launch(ctx, t, "--ledger", full)
	if status, _ := call(t, "POST", base+konasim.Path, `{"sequenceId":"C1"}`); status != 200 {
		t.Errorf("status %d", status)
	}
	stop()
	if err := <-done; !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "not every call") {
		t.Errorf("error %v", err)
	}
}

// TestLedgerEndsWithItsFirstError: a gap would be taken for calls that were not made.
func TestLedgerEndsWithItsFirstError(t *testing.T) {
	file, err := createLedger(filepath.Join(t.TempDir(), "calls.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	failed := errors.New("disk failure")
	file.err = failed
	if _, err := file.Write([]byte("{}\n")); !errors.Is(err, failed) {
		t.Errorf("after an error: %v", err)
	}
	if err := file.Close(); !errors.Is(err, failed) {
		t.Errorf("closed: %v", err)
	}
	if _, err := file.Write(nil); !errors.Is(err, os.ErrClosed) {
		t.Errorf("written after it was closed: %v", err)
	}
}

// TestHelpNamesEveryAnswer: those of the package's documentation.
func TestHelpNamesEveryAnswer(t *testing.T) {
	_, err := konasim.ParseScenario([]byte("phases: [{answer: MAYBE}]"))
	_, names, ok := strings.Cut(err.Error(), "the answers are ")
	if !ok {
		t.Fatal(err)
	}
	doc, errDoc := os.ReadFile("../../processor/inquiry/konasim/doc.go")
	if errDoc != nil {
		t.Fatal(errDoc)
	}
	for name := range strings.SplitSeq(names, ", ") {
		if !strings.Contains(help, name) || !strings.Contains(string(doc), "//	"+name+" ") {
			t.Errorf("%s is missing in the help or in the package's documentation", name)
		}
	}
}
