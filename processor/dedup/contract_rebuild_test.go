package dedup

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/chargeresult/chargeresult/processor"
)

// The part of the contract suite that is about what a rebuild restores.

// rebuildable is what a Store and a Fake both are.
type rebuildable interface {
	processor.Claims
	BeginRebuild(context.Context) (processor.Rebuild, error)
}

// mustRebuild ends a loss, or rebuilds a store that is not lost.
func mustRebuild(t testing.TB, claims rebuildable, generation int32, committed ...processor.Settlement) {
	t.Helper()
	rebuild := mustBegin(t, claims)
	if err := rebuild.Restore(t.Context(), committed); err != nil {
		t.Fatal(err)
	}
	if err := rebuild.Finish(t.Context(), generation); err != nil {
		t.Fatal(err)
	}
}

func mustBegin(t testing.TB, claims rebuildable) processor.Rebuild {
	t.Helper()
	rebuild, err := claims.BeginRebuild(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return rebuild
}

func restored(c processor.Claim) processor.Settlement {
	return processor.Settlement{Claim: c, State: processor.StateClaimed}
}

// wantClosed checks that a store answers nothing, and takes nothing.
func wantClosed(t *testing.T, s subject, when string) {
	t.Helper()
	c := claimOf(1000, "closed")
	_, claimErr := s.claims.Claim(t.Context(), 1000, []processor.Claim{c})
	_, incarnationErr := s.claims.Incarnation(t.Context())
	settleErr := s.claims.Settle(t.Context(), []processor.Settlement{settled(c, 0, "")})
	for _, err := range []error{claimErr, incarnationErr, settleErr} {
		if !errors.Is(err, processor.ErrClaimsLost) || errors.Is(err, processor.ErrClaimsForeign) {
			t.Errorf("%s: got %v, want lost", when, err)
		}
	}
	if got := s.stored(c); got != "" {
		t.Errorf("%s: stored %q", when, got)
	}
}

// Whatever it is begun on, a rebuild lets nobody claim before it is finished, and begins a new incarnation then.
func testRebuild(t *testing.T, s subject, lose func()) {
	before, err := s.claims.Incarnation(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	lose()
	a := claimOf(1, "a")
	rebuild := mustBegin(t, s.claims)
	wantClosed(t, s, "begun")
	for range 2 {
		if err := rebuild.Restore(t.Context(), []processor.Settlement{settled(a, 0, "COMPLETED")}); err != nil {
			t.Fatal(err)
		}
		wantClosed(t, s, "restored")
	}
	if err := rebuild.Finish(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	wantVerdict(t, s, other(a, 2), processor.Duplicate, 1)
	wantVerdict(t, s, claimOf(3, "b"), processor.Ours, 3)
	after, err := s.claims.Incarnation(t.Context())
	if err != nil || after == before {
		t.Errorf("incarnation %q, %v; before it was %q", after, err, before)
	}
	rebuild.Abandon(t.Context()) // as a deferred call does
	wantVerdict(t, s, claimOf(3, "b"), processor.Ours, 3)
	mustRebuild(t, s.claims, 0) // the lease was given back
}

// What is restored is answered as if it had been claimed and settled.
func testRestoredStates(t *testing.T, s subject) {
	settledOne, waitingOne, claimedOne := claimOf(1, "settled"), claimOf(2, "waiting"), claimOf(3, "claimed")
	s.wipe()
	mustRebuild(t, s.claims, 0, settled(settledOne, 2, "FAILED"), waiting(waitingOne, 2), restored(claimedOne))
	wantVerdict(t, s, settledOne, processor.Redelivered, 1)
	wantVerdict(t, s, hop(settledOne, 2), processor.Redelivered, 1)
	wantVerdict(t, s, other(settledOne, 10), processor.Duplicate, 1)
	wantVerdict(t, s, conflicting(settledOne, 11), processor.Conflict, 1)
	wantVerdict(t, s, waitingOne, processor.Redelivered, 2)
	wantVerdict(t, s, hop(waitingOne, 1), processor.Redelivered, 2)
	wantVerdict(t, s, hop(waitingOne, 2), processor.Ours, 2)
	wantVerdict(t, s, other(waitingOne, 10), processor.Duplicate, 2)
	wantVerdict(t, s, claimedOne, processor.Ours, 3)
	wantVerdict(t, s, other(claimedOne, 10), processor.Duplicate, 3)
}

// Restoring is the past: what the store knows beyond it stays, in whatever order it comes.
func testRestoringLowersNothing(t *testing.T, s subject) {
	const tail = " 5f0c0000000000000000000000000001/3/1 CHG0000000001"
	c := claimOf(1, "a")
	mustClaim(t, s, c)
	for _, step := range []struct {
		committed processor.Settlement
		want      string
	}{
		{restored(c), "1 claimed 0 -"},
		{restored(other(c, 2)), "1 claimed 0 -"},
		{waiting(other(c, 2), 1), "1 claimed 0 -"},
		{waiting(c, 12), "1 waiting 12 -"},
		{restored(c), "1 waiting 12 -"},
		{waiting(c, 9), "1 waiting 12 -"},
		{settled(conflicting(c, 2), 0, "FAILED"), "1 waiting 12 -"},
		{settled(other(c, 2), 0, "COMPLETED"), "1 settled 12 COMPLETED"},
		{settled(c, 3, "FAILED"), "1 settled 12 COMPLETED"},
		{waiting(c, 4), "1 settled 12 COMPLETED"},
		{restored(c), "1 settled 12 COMPLETED"},
	} {
		mustRebuild(t, s.claims, 0, step.committed)
		if got := s.stored(c); got != step.want+tail {
			t.Errorf("after %s %d of %d: stored %q, want %q", step.committed.State, step.committed.Hop, step.committed.Claim.Owner.Offset, got, step.want+tail)
		}
	}
}

// More than one script takes, and more than one round trip does.
func testRestoringMuch(t *testing.T, s subject) {
	const n = chunk*restoreWindow + chunk + 1
	var committed []processor.Settlement
	for i := range int64(n) {
		committed = append(committed, settled(claimOf(i, fmt.Sprint("much-", i)), 0, "COMPLETED"))
	}
	mustRebuild(t, s.claims, 0, committed...)
	for i, one := range committed {
		if s.stored(one.Claim) == "" {
			t.Fatalf("state %d is missing", i)
		}
	}
}
