package main

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// perform runs the program in virtual time and returns its exit code and what it printed.
func perform(t *testing.T, ctx context.Context, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(ctx, args, func(string) string { return "" }, &out, &errs)
	return code, out.String(), errs.String()
}

// inTime runs the program in virtual time, which also fails if it leaves a goroutine behind, and returns its report.
func inTime(t *testing.T, args ...string) report {
	t.Helper()
	var r report
	synctest.Test(t, func(t *testing.T) {
		code, stdout, stderr := perform(t, t.Context(), append(args, "--json")...)
		if code != exitDone {
			t.Fatalf("exit %d\n%s\n%s", code, stdout, stderr)
		}
		if err := json.Unmarshal([]byte(stdout), &r); err != nil {
			t.Fatalf("%v in\n%s", err, stdout)
		}
	})
	return r
}

func TestShortShow(t *testing.T) {
	r := inTime(t, "--seconds", "3", "--rate", "200")
	total := r.Accounting.Total
	if total.Accepted != 600 || total.Accepted != total.Final+total.Dead+total.Duplicate || !r.Accounting.Balanced {
		t.Errorf("does not add up: %+v", total)
	}
	f := r.Findings
	if total.Dead == 0 || total.Duplicate == 0 || len(f.Final) != 3 || len(f.Unknown) != 3 || len(f.Dead) != 3 {
		t.Errorf("something was never fed: %+v, %+v", total, f)
	}
	if tr := f.Transactions; tr.Fed != tr.ExactlyOne || int64(tr.Fed) != total.Final || tr.Interim == 0 {
		t.Errorf("transactions %+v", tr)
	}
	if b := r.Breaker; b.Opened == 0 || b.OpenSeconds < breakerOpen.Seconds() || b.CallsWhileOpen != 0 || b.Probes == 0 {
		t.Errorf("breaker %+v", b)
	}
	if r.Wipe.Flushed < 2 || r.Wipe.Flushed > 3 || r.Wipe.Rebuilt == 0 {
		t.Errorf("wipe %+v", r.Wipe)
	}
}

func TestWholeShowKeepsItsTime(t *testing.T) {
	r := inTime(t, "--rate", "60")
	if r.Seconds > 28 {
		t.Errorf("took %.1f s: with what a busy machine adds, it must end soon after 30 s", r.Seconds)
	}
	if r.Breaker.Opened == 0 || r.Breaker.OpenSeconds > 9 {
		t.Errorf("breaker %+v", r.Breaker)
	}
	if r.Wipe.Rebuilt == 0 || r.Findings.Transactions.Repeated == 0 {
		t.Errorf("wipe %+v, %+v", r.Wipe, r.Findings.Transactions)
	}
}

func TestInterruptedShowDrainsAndAccounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, interrupt := context.WithTimeout(t.Context(), 8*time.Second) // in the middle of the outage
		defer interrupt()
		code, stdout, stderr := perform(t, ctx, "--json", "--rate", "60")
		var r report
		if err := json.Unmarshal([]byte(stdout), &r); err != nil {
			t.Fatalf("%v in\n%s%s", err, stdout, stderr)
		}
		if total := r.Accounting.Total; code != exitDone || total.Accepted < 470 || total.Accepted > 480 || r.Wipe != (wipeReport{}) {
			t.Errorf("exit %d, %+v, %v, wipe %+v", code, total, r.Findings.Faults, r.Wipe)
		}
		if r.Seconds > 22 {
			t.Errorf("took %.1f s", r.Seconds)
		}
	})
}

func TestProgressInLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		code, stdout, stderr := perform(t, t.Context(), "--seconds", "6", "--rate", "60")
		if code != exitDone {
			t.Fatalf("exit %d\n%s\n%s", code, stdout, stderr)
		}
		for _, want := range []string{"  2.0 s  in ", "breaker OPEN", "waiting ", "held: breaker", "claims rebuilt  in ", "\n  all ", "every event ended in exactly one place"} {
			if !strings.Contains(stdout, want) {
				t.Errorf("no %q in\n%s", want, stdout)
			}
		}
		if strings.Contains(stdout, "\x1b") {
			t.Errorf("control characters where there is no terminal:\n%q", stdout)
		}
	})
}

func TestCommandLine(t *testing.T) {
	for _, c := range []struct {
		args           string
		code           int
		stdout, stderr string
	}{
		{"--help", exitDone, "Examples:", ""},
		{"--rate 0 --seconds 601", exitUsage, "", "--seconds 601: want 1 to 600\n--rate 0: want 1 to 1000"},
		{"--rate many", exitUsage, "", `invalid value "many"`},
		{"--quick", exitUsage, "", "--help"},
		{"now", exitUsage, "", `unexpected argument "now"`},
	} {
		code, stdout, stderr := perform(t, t.Context(), strings.Fields(c.args)...)
		if code != c.code || !strings.Contains(stdout, c.stdout) || !strings.Contains(stderr, c.stderr) || (stderr != "") != (c.stderr != "") {
			t.Errorf("%s: exit %d\n%s\n%s", c.args, code, stdout, stderr)
		}
	}
}
