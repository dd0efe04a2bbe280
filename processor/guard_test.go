package processor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor/stream"
)

// guarded is a guard with thresholds of 5 and 20, on an intake of its own.
func guarded() *guard {
	return newGuard(Guards{Refusals: 5, DeadLetters: 20, Probe: time.Minute}, stream.NewIntake(slog.New(slog.DiscardHandler)))
}

func (g *guard) holds() (reasons []string) {
	for _, h := range g.intake.Holds() {
		reasons = append(reasons, h.Reason)
	}
	return reasons
}

func id(i int) events.Identity {
	return events.Identity{Operation: events.Charge, CorrelationID: fmt.Sprint(i)}
}

var (
	badCredentials = Answer{Class: OurFault, Code: "000_009"}
	refusal        = Answer{Class: Refused, Code: "007_001", Reason: events.ReasonRejected}
	refused        = unknown(events.ReasonRejected, "007_001")
	parked         = decision{wait: events.WaitCredentials, delay: time.Second}
	answered       = Answer{Class: Answered, Result: events.Completed}
)

func TestGuardCredentials(t *testing.T) {
	g := guarded()
	for range 10 {
		g.spend(id(1), badCredentials, parked)
	}
	if got := g.holds(); len(got) != 0 {
		t.Errorf("one event alone says nothing of the credentials, and yet intake is held for %v", got)
	}
	g.spend(id(2), answered, decision{result: events.Completed})
	g.spend(id(1), badCredentials, parked)
	g.spend(id(2), badCredentials, parked)
	if got := g.holds(); len(got) != 0 {
		t.Errorf("after two in a row intake is held for %v", got)
	}
	g.spend(id(3), badCredentials, parked)
	if got := g.holds(); len(got) != 1 || got[0] != HoldCredentials {
		t.Errorf("intake held for %v", got)
	}
	for class := Answered; class <= NotAnAnswer; class++ {
		knows := class == Answered || class == NotYet || class == NotFound || class == Refused || class == Unclear
		g := guarded()
		for i := range credentialRun {
			g.spend(id(i), badCredentials, parked)
		}
		g.spend(id(9), Answer{Class: class}, parked)
		if released := len(g.holds()) == 0; released != knows {
			t.Errorf("a probe answered with class %d releases: %v", class, released)
		}
	}
}

func TestGuardRefusals(t *testing.T) {
	g := guarded()
	for i := range 4 {
		if !g.spend(id(i), refusal, refused) {
			t.Fatalf("refusal %d is not spent", i+1)
		}
	}
	g.spend(id(5), Answer{Class: NotYet}, decision{wait: events.WaitPending}) // a true answer: the run begins anew
	g.spend(id(6), Answer{Class: VendorDown}, decision{wait: events.WaitUnavailable})
	for i := range 5 {
		if !g.spend(id(i), refusal, refused) {
			t.Fatalf("refusal %d of the second run is not spent", i+1)
		}
	}
	if got := g.holds(); len(got) != 1 || got[0] != HoldRefusals {
		t.Errorf("intake held for %v", got)
	}
	if g.spend(id(7), refusal, refused) {
		t.Error("one more is spent while halted")
	}
	if !g.spend(id(3), refusal, refused) {
		t.Error("one of the five is not spent again, though its transaction may not have committed")
	}
	if !g.spend(id(8), answered, decision{result: events.Completed}) || len(g.holds()) != 0 {
		t.Error("a true answer does not end the halt")
	}
	if !g.spend(id(7), refusal, refused) {
		t.Error("a refusal is not spent after the halt")
	}
	off := newGuard(Guards{Probe: time.Minute}, g.intake)
	for i := range 1000 {
		if !off.spend(id(i), refusal, refused) {
			t.Fatal("0 does not turn it off")
		}
	}
}

// TestGuardProbes: while halted one asks at a time, a minute after the one before, and all of them once it is over.
func TestGuardProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := guarded()
		for i := range credentialRun {
			g.spend(id(i), badCredentials, parked)
		}
		began, asked := time.Now(), make(chan time.Duration, 10)
		for i := range 10 {
			go func() {
				done, err := g.turn(t.Context(), nil)
				if err != nil {
					t.Error(err)
					return
				}
				defer done()
				asked <- time.Since(began)
				time.Sleep(time.Second)
				if time.Since(began) > 150*time.Second {
					g.spend(id(i), answered, decision{result: events.Completed})
				} else {
					g.spend(id(i), badCredentials, parked)
				}
			}()
		}
		time.Sleep(10 * time.Minute)
		want := []time.Duration{60 * time.Second, 121 * time.Second, 182 * time.Second} // the third is answered a second later
		for range 7 {
			want = append(want, 183*time.Second)
		}
		for i, at := range want {
			if got := <-asked; got != at {
				t.Errorf("question %d at %v, want %v", i+1, got, at)
			}
		}
	})
}

func TestGuardTurnEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := guarded()
		for i := range credentialRun {
			g.spend(id(i), badCredentials, parked)
		}
		draining := make(chan struct{})
		close(draining)
		if _, err := g.turn(t.Context(), draining); !errors.Is(err, stream.ErrAbandoned) {
			t.Errorf("draining: %v, want ErrAbandoned", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := g.turn(ctx, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("context ended: %v", err)
		}
	})
}

func TestGuardDeadLetters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := guarded()
		now := make(chan struct{})
		close(now)
		offset := int64(0)
		end := func(dead bool) error {
			offset++
			return g.end(t.Context(), now, events.Source{Topic: "t", Offset: offset}, dead)
		}
		for i := range 19 * 10 { // 19 of 190
			if err := end(i%10 == 0); err != nil {
				t.Fatal(err)
			}
		}
		for range deadLetterWindow { // the window forgets
			_ = end(false)
		}
		for i := range 20 {
			if err := end(true); err != nil {
				t.Fatalf("dead letter %d: %v", i+1, err)
			}
		}
		if got := g.holds(); len(got) != 1 || got[0] != HoldDeadLetters {
			t.Errorf("intake held for %v", got)
		}
		if err := end(true); !errors.Is(err, stream.ErrAbandoned) {
			t.Errorf("one more dead letter: %v", err)
		}
		if err := g.end(t.Context(), now, events.Source{Topic: "t", Offset: offset - 1}, true); err != nil {
			t.Errorf("one of the 20 again, because its transaction did not commit: %v", err)
		}
		waited := make(chan error, 1)
		go func() { waited <- g.end(t.Context(), nil, events.Source{Topic: "t", Offset: -1}, true) }()
		for range deadLetterWindow { // what is right goes on, and outweighs the dead ones
			if err := end(false); err != nil {
				t.Fatal(err)
			}
		}
		if err := <-waited; err != nil || len(g.holds()) != 0 {
			t.Errorf("after 200 good messages: %v, held for %v", err, g.holds())
		}
	})
}
