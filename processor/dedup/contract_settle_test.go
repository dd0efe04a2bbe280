package dedup

import (
	"slices"
	"testing"

	"github.com/chargeresult/chargeresult/processor"
)

// The part of the contract suite that is about settling and taking over.

// F3, the claim's side: states and hops only rise, in whatever order settlements come.
func testSettleRises(t *testing.T, s subject) {
	c := claimOf(1, "a")
	mustClaim(t, s, c)
	const tail = " 5f0c0000000000000000000000000001/3/1 CHG0000000001"
	for _, step := range []struct {
		settlement processor.Settlement
		want       string
	}{
		{waiting(c, 1), "1 waiting 1 -"},
		{waiting(c, 12), "1 waiting 12 -"},
		{waiting(c, 9), "1 waiting 12 -"},
		{settled(c, 10, "FAILED"), "1 settled 12 FAILED"},
		{waiting(c, 13), "1 settled 13 FAILED"},
		{settled(c, 13, "COMPLETED"), "1 settled 13 FAILED"},
		{settled(c, 2, ""), "1 settled 13 FAILED"},
	} {
		mustSettle(t, s, step.settlement)
		if got := s.stored(c); got != step.want+tail {
			t.Errorf("after %s %d: stored %q, want %q", step.settlement.State, step.settlement.Hop, got, step.want+tail)
		}
	}
}

func testSettleOfAnother(t *testing.T, s subject) {
	c := claimOf(1, "a")
	mustClaim(t, s, c)
	before := s.stored(c)
	mustSettle(t, s, waiting(other(c, 2), 1), settled(conflicting(c, 3), 0, ""))
	if got := s.stored(c); got != before {
		t.Errorf("another's settlement changed %q to %q", before, got)
	}
	wantVerdict(t, s, c, processor.Ours, 1)
}

// A published outcome is true whoever owns the claim: after a topic was recreated, its results settle what the old records own.
func testPublishedOutcomeSettlesAnothers(t *testing.T, s subject) {
	c := claimOf(1, "a")
	mustClaim(t, s, c)
	mustSettle(t, s, settled(other(c, 2), 0, "COMPLETED"))
	wantVerdict(t, s, c, processor.Redelivered, 1)
	wantVerdict(t, s, other(c, 2), processor.Duplicate, 1)
}

// A claim that expired, or was removed, is settled all the same: what Kafka committed is true.
func testSettleOfMissing(t *testing.T, s subject) {
	c := claimOf(1, "a")
	mustClaim(t, s, c)
	s.forget(c)
	mustSettle(t, s, waiting(c, 1), settled(c, 2, "COMPLETED"))
	wantVerdict(t, s, c, processor.Redelivered, 1)
	wantVerdict(t, s, other(c, 2), processor.Duplicate, 1)
}

// F3: an operator moves the group's offsets back while a transaction waits. Its own record comes again, and is not asked.
func testOffsetsMovedBack(t *testing.T, s subject) {
	c := claimOf(1, "a")
	mustClaim(t, s, c)
	mustSettle(t, s, waiting(c, 1))
	wantVerdict(t, s, c, processor.Redelivered, 1)
}

func testTakeover(t *testing.T, s subject) {
	a, b := claimOf(1, "a"), claimOf(2, "b")
	mustClaim(t, s, a, b)
	s.gone.Store(a.Owner, nil)
	s.gone.Store(b.Owner, nil)

	wantVerdict(t, s, a, processor.Ours, 1) // it came back after all: nothing is taken from it
	got := mustClaim(t, s, other(a, 10), other(a, 11), conflicting(a, 12), conflicting(b, 20), other(b, 21))
	for i, want := range []processor.Claimed{
		{Verdict: processor.Ours, Owner: other(a, 10).Owner},
		{Verdict: processor.Duplicate, Owner: other(a, 10).Owner},
		{Verdict: processor.Conflict, Owner: other(a, 10).Owner},
		{Verdict: processor.Ours, Owner: other(b, 20).Owner},
		{Verdict: processor.Conflict, Owner: other(b, 20).Owner},
	} {
		if got[i].Verdict != want.Verdict || got[i].Owner != want.Owner || got[i].Incarnation == "" {
			t.Errorf("claim %d was answered %+v, want %+v", i, got[i], want)
		}
	}
	wantVerdict(t, s, a, processor.Duplicate, 10)
}

// A record that was truncated from its topic while it lay in memory claims still: whatever Gone says, it is not taken over in its own batch.
func testNoTakeoverWithinBatch(t *testing.T, s subject) {
	a, b := claimOf(1, "a"), claimOf(2, "b")
	mustClaim(t, s, b)
	s.gone.Store(a.Owner, nil)
	s.gone.Store(b.Owner, nil)
	var got []processor.Verdict
	for _, c := range mustClaim(t, s, a, other(a, 10), other(b, 20), b) {
		got = append(got, c.Verdict)
	}
	if want := []processor.Verdict{processor.Ours, processor.Duplicate, processor.Duplicate, processor.Ours}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// What a gone owner left waiting will be answered by its retry record, and what it settled was.
func testNoTakeover(t *testing.T, s subject) {
	a, b := claimOf(1, "a"), claimOf(2, "b")
	mustClaim(t, s, a, b)
	mustSettle(t, s, waiting(a, 1), settled(b, 0, "FAILED"))
	s.gone.Store(a.Owner, nil)
	s.gone.Store(b.Owner, nil)
	wantVerdict(t, s, other(a, 10), processor.Duplicate, 1)
	wantVerdict(t, s, conflicting(b, 20), processor.Conflict, 2)
}
