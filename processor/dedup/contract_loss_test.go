package dedup

import (
	"errors"
	"testing"

	"github.com/chargeresult/chargeresult/processor"
)

// The part of the contract suite that is about losses, generations and faults. F numbers are those of the model that
// found each of them: what a test would let through is a second final, or a loss.

// F1c: whatever its verdict, an answer carries the incarnation in which it was given.
func testIncarnation(t *testing.T, s subject) {
	c := claimOf(1, "a")
	before, err := s.claims.Incarnation(t.Context())
	if err != nil || before == "" {
		t.Fatalf("incarnation %q, %v", before, err)
	}
	mustClaim(t, s, c)
	mustSettle(t, s, settled(c, 0, "COMPLETED"))
	for _, got := range mustClaim(t, s, c, other(c, 2), conflicting(c, 3), claimOf(4, "b")) {
		if got.Incarnation != before {
			t.Errorf("verdict %d carries incarnation %q, want %q", got.Verdict, got.Incarnation, before)
		}
	}
	s.wipe()
	mustRebuild(t, s.claims, 0)
	after, err := s.claims.Incarnation(t.Context())
	if err != nil || after == before {
		t.Errorf("after a wipe the incarnation is %q, %v; before it was %q", after, err, before)
	}
	if got := mustClaim(t, s, other(c, 2))[0]; got.Incarnation != after {
		t.Errorf("a claim after the wipe carries %q, want %q", got.Incarnation, after)
	}
}

// F1a, F2: a lost store answers nothing, and takes nothing, until it is revived.
func testLost(t *testing.T, s subject, lose func()) {
	kept, fresh := claimOf(1, "kept"), claimOf(2, "fresh")
	mustClaim(t, s, kept)
	lose()
	before := s.stored(kept)
	_, err := s.claims.Claim(t.Context(), 1, []processor.Claim{kept, fresh})
	_, incarnationErr := s.claims.Incarnation(t.Context())
	settleErr := s.claims.Settle(t.Context(), []processor.Settlement{settled(kept, 0, "COMPLETED"), settled(fresh, 0, "")})
	for _, err := range []error{err, incarnationErr, settleErr} {
		var loss *Loss
		if !errors.Is(err, processor.ErrClaimsLost) || !errors.As(err, &loss) {
			t.Errorf("got %v, want a Loss", err)
		}
	}
	if got := s.stored(kept); got != before {
		t.Errorf("the lost store's claim changed from %q to %q", before, got)
	}
	if got := s.stored(fresh); got != "" {
		t.Errorf("the lost store took %q", got)
	}
	mustRebuild(t, s.claims, 0)
	wantVerdict(t, s, fresh, processor.Ours, 2)
}

// F9: an expelled member, which knows only an older generation, claims nothing.
func testStaleGeneration(t *testing.T, s subject) {
	a, b := claimOf(1, "a"), claimOf(2, "b")
	for _, step := range []struct {
		generation int32
		stale      bool
	}{{5, false}, {4, true}, {5, false}, {7, false}, {5, true}, {-1, true}, {7, false}} {
		_, err := s.claims.Claim(t.Context(), step.generation, []processor.Claim{a})
		if errors.Is(err, processor.ErrClaimStale) != step.stale || (err != nil) != step.stale {
			t.Errorf("generation %d: %v, want stale: %v", step.generation, err, step.stale)
		}
	}
	if _, err := s.claims.Claim(t.Context(), 6, []processor.Claim{b}); err == nil || s.stored(b) != "" {
		t.Errorf("a stale claimant was answered %v, and %q is stored", err, s.stored(b))
	}
	if _, err := s.claims.Incarnation(t.Context()); err != nil {
		t.Error(err)
	}
	if err := s.claims.Settle(t.Context(), []processor.Settlement{settled(a, 0, "FAILED")}); err != nil {
		t.Errorf("a settlement of an older generation is true all the same: %v", err)
	}
}

// F9, whole: A owns the transaction and acknowledged nothing, B acknowledged its record as a duplicate and was expelled unaware.
// If B could claim after the loss, A's record would be acknowledged as a duplicate of B's, and nobody would ask.
func testExpelledMember(t *testing.T, s subject) {
	a := claimOf(1, "a")
	b := other(a, 2)
	claim := func(generation int32, c processor.Claim) (processor.Claimed, error) {
		claimed, err := s.claims.Claim(t.Context(), generation, []processor.Claim{c})
		if err != nil {
			return processor.Claimed{}, err
		}
		return claimed[0], nil
	}
	if got, err := claim(1, a); err != nil || got.Verdict != processor.Ours {
		t.Fatal(got, err)
	}
	if got, err := claim(2, b); err != nil || got.Verdict != processor.Duplicate {
		t.Fatal(got, err)
	}
	s.wipe()
	mustRebuild(t, s.claims, 0)
	if got, err := claim(2, claimOf(9, "any")); err != nil || got.Verdict != processor.Ours { // the new generation is seen
		t.Fatal(got, err)
	}
	if _, err := claim(1, b); !errors.Is(err, processor.ErrClaimStale) {
		t.Errorf("the expelled member was answered %v", err)
	}
	if got, err := claim(2, a); err != nil || got.Verdict != processor.Ours {
		t.Errorf("the owner was answered %+v, %v", got, err)
	}
}

// A claim whose answer was lost may have been written, and then it is found as one's own, not as a duplicate (go-redis#2985).
func testClaimFaults(t *testing.T, s subject) {
	mustClaim(t, s, claimOf(0, "warm up"))
	for _, fault := range []Fault{Fails, FailsButTookEffect} {
		c := claimOf(int64(fault), "a")
		c.CorrelationID += string(rune('0' + fault))
		s.failClaim(fault)
		if _, err := s.claims.Claim(t.Context(), 1, []processor.Claim{c}); !errors.Is(err, processor.ErrClaimsUnavailable) {
			t.Fatalf("fault %d: %v", fault, err)
		}
		if took := s.stored(c) != ""; took != (fault == FailsButTookEffect) {
			t.Errorf("fault %d: took effect: %v", fault, took)
		}
		wantVerdict(t, s, c, processor.Ours, c.Owner.Offset)
		wantVerdict(t, s, other(c, 100), processor.Duplicate, c.Owner.Offset)
	}
}

func testSettleFaults(t *testing.T, s subject) {
	warm := claimOf(0, "warm up")
	mustClaim(t, s, warm)
	mustSettle(t, s, settled(warm, 0, ""))
	for _, fault := range []Fault{Fails, FailsButTookEffect} {
		c := claimOf(int64(fault), "a")
		c.CorrelationID += string(rune('0' + fault))
		mustClaim(t, s, c)
		s.failSettle(fault)
		if err := s.claims.Settle(t.Context(), []processor.Settlement{waiting(c, 2)}); !errors.Is(err, processor.ErrClaimsUnavailable) {
			t.Fatalf("fault %d: %v", fault, err)
		}
		want := map[Fault]processor.Verdict{Fails: processor.Ours, FailsButTookEffect: processor.Redelivered}[fault]
		wantVerdict(t, s, c, want, c.Owner.Offset)
		mustSettle(t, s, waiting(c, 2))
		wantVerdict(t, s, c, processor.Redelivered, c.Owner.Offset)
	}
}
