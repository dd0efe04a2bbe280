package dedup

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/chargeresult/chargeresult/processor"
)

// The part of the contract suite that is about who may rebuild, and what goes wrong with it.

// Two processes notice a loss: one rebuilds, and the other is told who.
func testOneRebuilder(t *testing.T, s subject) {
	s.wipe()
	first := mustBegin(t, s.claims)
	_, err := s.claims.BeginRebuild(t.Context())
	if !errors.Is(err, processor.ErrRebuilding) || !strings.Contains(err.Error(), "host:17, since 20") {
		t.Errorf("the second rebuilder got %v", err)
	}
	wantClosed(t, s, "rebuilt by one")
	if err := first.Finish(t.Context(), 0); err != nil {
		t.Error(err)
	}
}

// An abandoned rebuild leaves the store closed, and what it restored; the next begins at once.
func testAbandonedRebuild(t *testing.T, s subject) {
	c := claimOf(1, "a")
	first := mustBegin(t, s.claims)
	if err := first.Restore(t.Context(), []processor.Settlement{settled(c, 0, "FAILED")}); err != nil {
		t.Fatal(err)
	}
	first.Abandon(t.Context())
	wantClosed(t, s, "abandoned")
	second := mustBegin(t, s.claims)
	first.Abandon(t.Context()) // takes nothing from the second
	if err := second.Finish(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	wantVerdict(t, s, c, processor.Redelivered, 1)
}

// A rebuilder that took too long writes nothing more, whether nobody, another, or another's finished rebuild is there now.
func testLeaseLost(t *testing.T, s subject) {
	c := claimOf(1, "a")
	late := []processor.Settlement{settled(c, 0, "COMPLETED")}
	wantRefused := func(r processor.Rebuild, want error, when string) {
		t.Helper()
		for _, err := range []error{r.Restore(t.Context(), late), r.Restore(t.Context(), nil), r.Finish(t.Context(), 9)} {
			if !errors.Is(err, want) || errors.Is(err, processor.ErrClaimsUnavailable) {
				t.Errorf("%s: got %v, want %v", when, err, want)
			}
		}
		if got := s.stored(c); got != "" {
			t.Errorf("%s: stored %q", when, got)
		}
	}
	first := mustBegin(t, s.claims)
	s.expire()
	wantRefused(first, processor.ErrClaimsLost, "expired")
	second := mustBegin(t, s.claims)
	wantRefused(first, processor.ErrRebuilding, "another's")
	if err := second.Restore(t.Context(), nil); err != nil {
		t.Errorf("the second lost its lease to the first: %v", err)
	}
	if err := second.Finish(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	before, _ := s.claims.Incarnation(t.Context())
	wantRefused(first, processor.ErrRebuilding, "another finished")
	if after, err := s.claims.Incarnation(t.Context()); err != nil || after != before {
		t.Errorf("the first ended incarnation %q: now %q, %v", before, after, err)
	}
}

// What was restored is lost too, or may be: nothing of this rebuild counts any more.
func testLostWhileRebuilding(t *testing.T, s subject, lose func()) {
	c := claimOf(1, "a")
	rebuild := mustBegin(t, s.claims)
	if err := rebuild.Restore(t.Context(), []processor.Settlement{waiting(c, 1)}); err != nil {
		t.Fatal(err)
	}
	lose()
	before := s.stored(c)
	for _, err := range []error{rebuild.Restore(t.Context(), []processor.Settlement{waiting(c, 2)}), rebuild.Finish(t.Context(), 0)} {
		if !errors.Is(err, processor.ErrClaimsLost) {
			t.Errorf("got %v, want lost", err)
		}
	}
	if after := s.stored(c); after != before {
		t.Errorf("stored %q, before it was %q", after, before)
	}
	wantClosed(t, s, "lost while rebuilding")
	rebuild.Abandon(t.Context())
	mustRebuild(t, s.claims, 0)
}

// F9: whoever was expelled before the rebuild claims nothing after it.
func testGenerationOfRebuild(t *testing.T, s subject) {
	mustRebuild(t, s.claims, 7)
	c := claimOf(1, "a")
	if _, err := s.claims.Claim(t.Context(), 6, []processor.Claim{c}); !errors.Is(err, processor.ErrClaimStale) || !strings.Contains(err.Error(), "newest generation seen is 7") {
		t.Errorf("an older generation was answered %v", err)
	}
	if _, err := s.claims.Claim(t.Context(), 7, []processor.Claim{c}); err != nil {
		t.Error(err)
	}
	mustRebuild(t, s.claims, 2) // the group was deleted, and begun anew
	if _, err := s.claims.Claim(t.Context(), 2, []processor.Claim{c}); err != nil {
		t.Error(err)
	}
}

// Where a lost answer took the lease, nobody holds it, and it expires.
func testBeginFaults(t *testing.T, s subject) {
	for fault, held := range map[Fault]bool{Fails: false, FailsButTookEffect: true} {
		mustRebuild(t, s.claims, 0)
		s.failBegin(fault)
		if _, err := s.claims.BeginRebuild(t.Context()); !errors.Is(err, processor.ErrClaimsUnavailable) {
			t.Fatalf("fault %d: %v", fault, err)
		}
		if _, err := s.claims.Incarnation(t.Context()); errors.Is(err, processor.ErrClaimsLost) != held {
			t.Errorf("fault %d: the store answers %v", fault, err)
		}
		if held {
			if _, err := s.claims.BeginRebuild(t.Context()); !errors.Is(err, processor.ErrRebuilding) {
				t.Errorf("fault %d: beginning again: %v", fault, err)
			}
			s.expire()
		}
	}
	mustRebuild(t, s.claims, 0)
}

func testRestoreFaults(t *testing.T, s subject) {
	mustRebuild(t, s.claims, 0) // warm up
	rebuild := mustBegin(t, s.claims)
	for _, fault := range []Fault{Fails, FailsButTookEffect} {
		c := claimOf(int64(fault), fmt.Sprint("restored-", fault))
		committed := []processor.Settlement{settled(c, 0, "FAILED")}
		s.failRestore(fault)
		if err := rebuild.Restore(t.Context(), committed); !errors.Is(err, processor.ErrClaimsUnavailable) {
			t.Fatalf("fault %d: %v", fault, err)
		}
		if took := s.stored(c) != ""; took != (fault == FailsButTookEffect) {
			t.Errorf("fault %d: took effect: %v", fault, took)
		}
		if err := rebuild.Restore(t.Context(), committed); err != nil || s.stored(c) == "" {
			t.Errorf("fault %d: restoring again: %v, stored %q", fault, err, s.stored(c))
		}
	}
	if err := rebuild.Finish(t.Context(), 0); err != nil {
		t.Error(err)
	}
}

// A Finish whose answer was lost is repeated: it finds its own incarnation, ends none, and lowers no generation.
func testFinishFaults(t *testing.T, s subject) {
	for fault, took := range map[Fault]bool{Fails: false, FailsButTookEffect: true} {
		c := claimOf(int64(fault), fmt.Sprint("finished-", fault))
		rebuild := mustBegin(t, s.claims)
		s.failFinish(fault)
		if err := rebuild.Finish(t.Context(), 5); !errors.Is(err, processor.ErrClaimsUnavailable) {
			t.Fatalf("fault %d: %v", fault, err)
		}
		before, err := s.claims.Incarnation(t.Context())
		if (err == nil) != took {
			t.Errorf("fault %d: the store answers %v", fault, err)
		}
		if took {
			if _, err := s.claims.Claim(t.Context(), 8, []processor.Claim{c}); err != nil {
				t.Error(err)
			}
		}
		if err := rebuild.Finish(t.Context(), 5); err != nil {
			t.Errorf("fault %d: finishing again: %v", fault, err)
		}
		after, err := s.claims.Incarnation(t.Context())
		if err != nil || took && after != before {
			t.Errorf("fault %d: incarnation %q, %v; before it was %q", fault, after, err, before)
		}
		if _, err := s.claims.Claim(t.Context(), 7, []processor.Claim{c}); errors.Is(err, processor.ErrClaimStale) != took {
			t.Errorf("fault %d: an older generation was answered %v", fault, err)
		}
	}
}
