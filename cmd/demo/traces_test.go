package main

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chargeresult/chargeresult/deploy/collector"
	"github.com/chargeresult/chargeresult/events"
)

// What became of one transaction is seen from its sender to its result, over all of its traces. The environment has no say in it.
func TestTracesOfTheShow(t *testing.T) {
	t.Setenv("OTEL_SDK_DISABLED", "true")
	t.Setenv("OTEL_TRACES_SAMPLER", "always_off")
	t.Setenv("OTEL_TRACES_EXPORTER", "none")
	synctest.Test(t, func(t *testing.T) {
		code, stdout, stderr := perform(t, t.Context(), "--quiet", "--traces", "--seconds", "6", "--rate", "60")
		if code != exitDone {
			t.Fatalf("exit %d\n%s\n%s", code, stdout, stderr)
		}
		_, tree, _ := strings.Cut(stdout, "The traces of a transaction:\n")
		first, rest, _ := strings.Cut(tree, "\ntrace 2 ")
		for _, want := range []string{
			"  send charge-requested  ", "  └─process charge-requested  ", "├─claim  ", "├─POST /api/v1/recharges/", "─send charge-result.retry.1s  ",
			"─send charge-result  ", "charge.reason=PENDING",
		} {
			if strings.Count(first, want) != 1 {
				t.Errorf("%q does not occur once in the first trace:\n%s", want, tree)
			}
		}
		for _, want := range []string{`linked: .* after trace 1 \(first\)`, `\n  process charge-result.retry.`, `charge.result=(COMPLETED|FAILED)`, `send charge-result  `} {
			if !regexp.MustCompile(want).MatchString(rest) {
				t.Errorf("no %q after the first trace:\n%s", want, tree)
			}
		}
	})
}

func TestTracesBesideJSON(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, interrupt := context.WithTimeout(t.Context(), time.Second)
		defer interrupt()
		code, stdout, stderr := perform(t, ctx, "--json", "--traces="+someID, "--rate", "60")
		if err := json.Unmarshal([]byte(stdout), &report{}); err != nil || code != exitDone {
			t.Errorf("exit %d, %v in\n%s", code, err, stdout)
		}
		if !strings.HasPrefix(stderr, "\nNo trace of \""+someID+"\"") {
			t.Errorf("standard error %q", stderr)
		}
	})
}

func TestNoTraces(t *testing.T) {
	var none *traces
	if _, err := none.telemetry(); err != nil {
		t.Error(err)
	}
	r := &kgo.Record{Topic: topics.Requested}
	none.send(r)(nil)
	if tree := none.tree(someID, newBook(), collector.Style{}); tree != "" || r.Headers != nil {
		t.Errorf("%q, %v: nobody wanted to see any", tree, r.Headers)
	}
	if tree := newTraces().tree("", newBook(), collector.Style{}); !strings.HasPrefix(tree, "\nNo charge was PENDING") {
		t.Errorf("%q", tree)
	}
}

func TestWinding(t *testing.T) {
	b := newBook()
	enter := func(id int, op events.Operation, result string, attempts, decided int) {
		r := events.Result{CorrelationID: fmt.Sprintf("261122103000-%07x", id), Operation: op, Result: result, Attempts: attempts, DecidedAt: at(decided)}
		b.interims[r.Identity()] = []events.Result{{}}
		b.finals[r.Identity()] = []events.Result{r}
	}
	want := func(id string) {
		t.Helper()
		if got := b.winding(); got != id {
			t.Errorf("%q, want %q", got, id)
		}
	}
	want("")
	enter(1, events.Charge, events.Unknown, 9, 9)
	want("")
	enter(2, events.Charge, events.Completed, 2, 9)
	want("261122103000-0000002")
	enter(3, events.Charge, events.Failed, 3, 4)
	want("261122103000-0000003")
	enter(4, events.Charge, events.Completed, 3, 5)
	enter(5, events.Charge, events.Completed, 3, 3)
	want("261122103000-0000004")
	enter(6, events.Charge, events.Completed, 4, 5)
	enter(6, events.Cancellation, events.Completed, 1, 8)
	want("261122103000-0000004")
	enter(7, events.Charge, events.Completed, 5, 5)
	clear(b.interims)
	want("")
}
