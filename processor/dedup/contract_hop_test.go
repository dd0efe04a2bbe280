package dedup

import (
	"slices"
	"testing"

	"github.com/chargeresult/chargeresult/processor"
)

// The part of the contract suite that is about retry records, which claim on behalf of their owner (F3).

// hop is the claim of the n-th retry record that stands for c.
func hop(c processor.Claim, n int) processor.Claim {
	c.Hop = n
	return c
}

// testHops is the table of what each record of a transaction is answered in each of its states, when it comes alone.
func testHops(t *testing.T, s subject) {
	const ours, redelivered = processor.Ours, processor.Redelivered
	c := claimOf(1, "a")
	settle := func(to processor.Settlement) func() { return func() { mustSettle(t, s, to) } }
	for name, state := range map[string]struct {
		reach func()
		want  []processor.Verdict // of the input record, then of retry records 1 to 3
	}{
		"free":      {func() {}, []processor.Verdict{ours, ours, ours, ours}},
		"claimed":   {func() { mustClaim(t, s, c) }, []processor.Verdict{ours, ours, ours, ours}},
		"waiting 1": {settle(waiting(c, 1)), []processor.Verdict{redelivered, ours, ours, ours}},
		"waiting 2": {settle(waiting(c, 2)), []processor.Verdict{redelivered, redelivered, ours, ours}},
		"settled 0": {settle(settled(c, 0, "COMPLETED")), []processor.Verdict{redelivered, redelivered, redelivered, redelivered}},
		"settled 2": {settle(settled(c, 2, "FAILED")), []processor.Verdict{redelivered, redelivered, redelivered, redelivered}},
	} {
		for n, want := range state.want {
			s.forget(c)
			state.reach()
			got := mustClaim(t, s, hop(c, n))[0]
			if got.Verdict != want || got.Owner != c.Owner || got.Incarnation == "" {
				t.Errorf("%s: record %d was answered %+v, want verdict %d", name, n, got, want)
			}
		}
	}
	s.forget(c)
	mustSettle(t, s, waiting(c, 1))
	wantVerdict(t, s, hop(other(c, 2), 5), processor.Duplicate, 1)
	wantVerdict(t, s, hop(conflicting(c, 3), 5), processor.Conflict, 1)
}

// A retry record proves that its transaction got that far, whatever the store heard of it. Nothing before it goes on any more, and nobody
// takes the transaction over, although its owner's record is gone.
func testUnheardHop(t *testing.T, s subject) {
	for name, reach := range map[string]func(processor.Claim){
		"free":      func(processor.Claim) {},
		"claimed":   func(c processor.Claim) { mustClaim(t, s, c) },
		"waiting 1": func(c processor.Claim) { mustSettle(t, s, waiting(c, 1)) },
	} {
		c := claimOf(1, name)
		reach(c)
		wantVerdict(t, s, hop(c, 12), processor.Ours, 1)
		if got, want := s.stored(c), "1 waiting 12 - 5f0c0000000000000000000000000001/3/1 CHG0000000001"; got != want {
			t.Errorf("%s: stored %q, want %q", name, got, want)
		}
		s.gone.Store(c.Owner, nil)
		wantVerdict(t, s, other(c, 2), processor.Duplicate, 1)
		wantVerdict(t, s, hop(c, 9), processor.Redelivered, 1)
		wantVerdict(t, s, c, processor.Redelivered, 1)
		wantVerdict(t, s, hop(c, 12), processor.Ours, 1)
		wantVerdict(t, s, hop(c, 13), processor.Ours, 1)
		s.gone.Clear()
	}
}

// Moved offsets bring records of one transaction together, in any order, and none or all of them known to the store.
func testHopsInOneBatch(t *testing.T, s subject) {
	const ours, redelivered, duplicate = processor.Ours, processor.Redelivered, processor.Duplicate
	for name, reach := range map[string]func(processor.Claim){
		"free":      func(processor.Claim) {},
		"claimed":   func(c processor.Claim) { mustClaim(t, s, c) },
		"waiting 2": func(c processor.Claim) { mustSettle(t, s, waiting(c, 2)) },
	} {
		for _, order := range []struct {
			hops []int // -1: another owner
			want []processor.Verdict
		}{
			{[]int{0, 1, 2}, []processor.Verdict{redelivered, redelivered, ours}},
			{[]int{2, 1, 0}, []processor.Verdict{ours, redelivered, redelivered}},
			{[]int{0, -1, 2, 2}, []processor.Verdict{redelivered, duplicate, ours, ours}},
			{[]int{2, -1, 0, 2}, []processor.Verdict{ours, duplicate, redelivered, ours}},
		} {
			c := claimOf(1, "a")
			s.forget(c)
			reach(c)
			var batch []processor.Claim
			for _, n := range order.hops {
				if n < 0 {
					batch = append(batch, other(c, 2))
				} else {
					batch = append(batch, hop(c, n))
				}
			}
			var got []processor.Verdict
			for _, claimed := range mustClaim(t, s, batch...) {
				got = append(got, claimed.Verdict)
			}
			if !slices.Equal(got, order.want) {
				t.Errorf("%s, hops %v: got %v, want %v", name, order.hops, got, order.want)
			}
			wantVerdict(t, s, c, redelivered, 1)
		}
	}
}
