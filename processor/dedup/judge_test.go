package dedup

import (
	"testing"

	"github.com/chargeresult/chargeresult/processor"
)

func TestJudge(t *testing.T) {
	const (
		same, another = true, false
		here, gone    = false, true
	)
	type key struct {
		state       processor.State
		owner       bool // the claimant's own record
		fingerprint bool
		gone        bool
	}
	const takeOver = processor.Verdict(0)
	for k, want := range map[key]processor.Verdict{
		{processor.StateClaimed, same, same, here}:    processor.Ours,
		{processor.StateClaimed, same, same, gone}:    processor.Ours,
		{processor.StateClaimed, same, another, here}: processor.Ours, // the field mapping was changed between
		{processor.StateClaimed, same, another, gone}: processor.Ours,
		{processor.StateWaiting, same, same, here}:    processor.Redelivered,
		{processor.StateWaiting, same, same, gone}:    processor.Redelivered,
		{processor.StateWaiting, same, another, here}: processor.Redelivered,
		{processor.StateWaiting, same, another, gone}: processor.Redelivered,
		{processor.StateSettled, same, same, here}:    processor.Redelivered,
		{processor.StateSettled, same, same, gone}:    processor.Redelivered,
		{processor.StateSettled, same, another, here}: processor.Redelivered,
		{processor.StateSettled, same, another, gone}: processor.Redelivered,

		{processor.StateClaimed, another, same, here}:    processor.Duplicate,
		{processor.StateClaimed, another, same, gone}:    takeOver,
		{processor.StateClaimed, another, another, here}: processor.Conflict,
		{processor.StateClaimed, another, another, gone}: takeOver,
		{processor.StateWaiting, another, same, here}:    processor.Duplicate,
		{processor.StateWaiting, another, same, gone}:    processor.Duplicate,
		{processor.StateWaiting, another, another, here}: processor.Conflict,
		{processor.StateWaiting, another, another, gone}: processor.Conflict,
		{processor.StateSettled, another, same, here}:    processor.Duplicate,
		{processor.StateSettled, another, same, gone}:    processor.Duplicate,
		{processor.StateSettled, another, another, here}: processor.Conflict,
		{processor.StateSettled, another, another, gone}: processor.Conflict,
	} {
		c := claimOf(1, "a")
		stored := claimedRecord(c)
		stored.state = k.state
		if k.state != processor.StateClaimed {
			stored.hop = 1
		}
		if !k.owner {
			stored.owner.Offset = 2
		}
		if !k.fingerprint {
			stored.fingerprint = "another"
		}
		got, next := judge(c, stored, func(processor.Owner) bool { return k.gone })
		if got != want || want == takeOver && next != claimedRecord(c) {
			t.Errorf("%+v: verdict %d, next %q, want %d", k, got, next, want)
		}
	}
}

// A retry record of the owner itself, by how far the store thinks that the transaction has come.
func TestJudgeHops(t *testing.T) {
	const ours, redelivered, raised = processor.Ours, processor.Redelivered, processor.Verdict(0)
	own := claimOf(1, "a")
	for _, test := range []struct {
		state processor.State
		hop   int
		want  []processor.Verdict // of hops 0 to 3
	}{
		{processor.StateClaimed, 0, []processor.Verdict{ours, raised, raised, raised}},
		{processor.StateWaiting, 1, []processor.Verdict{redelivered, ours, raised, raised}},
		{processor.StateWaiting, 2, []processor.Verdict{redelivered, redelivered, ours, raised}},
		{processor.StateSettled, 0, []processor.Verdict{redelivered, redelivered, redelivered, redelivered}},
		{processor.StateSettled, 2, []processor.Verdict{redelivered, redelivered, redelivered, redelivered}},
	} {
		stored := claimedRecord(own)
		stored.state, stored.hop, stored.fingerprint = test.state, test.hop, "as it was mapped before"
		for n, want := range test.want {
			got, next := judge(hop(own, n), stored, func(processor.Owner) bool { return true })
			wantNext := stored
			if want == raised {
				wantNext.state, wantNext.hop = processor.StateWaiting, n
			}
			if got != want || next != wantNext {
				t.Errorf("%s %d, hop %d: verdict %d, next %q, want %d, %q", test.state, test.hop, n, got, next, want, wantNext)
			}
		}
	}
	gone := claimedRecord(other(own, 2))
	got, next := judge(hop(own, 2), gone, func(processor.Owner) bool { return true })
	if got != 0 || next.String() != "1 waiting 2 - 5f0c0000000000000000000000000001/3/1 CHG0000000001" {
		t.Errorf("a gone owner's claim: verdict %d, next %q", got, next)
	}
}

func TestMerge(t *testing.T) {
	at := func(state processor.State, hop int, result string) record {
		r := claimedRecord(claimOf(1, "a"))
		r.state, r.hop, r.result = state, hop, result
		return r
	}
	claimed, wait, settle := processor.StateClaimed, processor.StateWaiting, processor.StateSettled
	for _, test := range []struct{ stored, to, want record }{
		{at(claimed, 0, ""), at(wait, 1, ""), at(wait, 1, "")},
		{at(claimed, 0, ""), at(settle, 0, "FAILED"), at(settle, 0, "FAILED")},
		{at(wait, 3, ""), at(wait, 2, ""), at(wait, 3, "")},
		{at(wait, 3, ""), at(settle, 2, "COMPLETED"), at(settle, 3, "COMPLETED")},
		{at(settle, 1, "COMPLETED"), at(wait, 4, ""), at(settle, 4, "COMPLETED")},
		{at(settle, 1, "COMPLETED"), at(settle, 1, "FAILED"), at(settle, 1, "COMPLETED")},
		{at(settle, 1, ""), at(settle, 1, "FAILED"), at(settle, 1, "")},
	} {
		if got, ok := merge(test.stored, test.to); !ok || got != test.want {
			t.Errorf("%q settled as %q is %q, %v, want %q", test.stored, test.to, got, ok, test.want)
		}
	}
	foreign := at(settle, 1, "FAILED")
	foreign.owner.Offset++
	if got, ok := merge(at(claimed, 0, ""), foreign); !ok || got.state != settle || got.owner == foreign.owner {
		t.Errorf("a published outcome is written as %q (%v), want it settled, of the owner it had", got, ok)
	}
	foreign.state = wait
	if got, ok := merge(at(claimed, 0, ""), foreign); ok {
		t.Errorf("another owner's waiting is written as %q", got)
	}
	foreign.state, foreign.fingerprint = settle, "another"
	if got, ok := merge(at(claimed, 0, ""), foreign); ok {
		t.Errorf("another event's settlement is written as %q", got)
	}
}
