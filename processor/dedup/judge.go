package dedup

import (
	"slices"

	"github.com/chargeresult/chargeresult/processor"
)

// judge decides what a claim is answered where its key holds a record already. Where there is no verdict yet (0), the record is first
// to be replaced by next, by compare-and-set, and the claim is Ours if that succeeds:
//
//   - a retry record proves that it is committed, which its claim did not hear of: the settlement was lost, or the store lost it.
//     It is written down, else the transaction's earlier records could go on too.
//   - the owner is gone and can never finish it: the claim is taken over. Only one that is merely claimed is. One that is waiting has a
//     retry record that will be answered although its owner is gone, and the event that took it over would be answered beside it: two finals.
func judge(c processor.Claim, stored record, gone func(processor.Owner) bool) (v processor.Verdict, next record) {
	own := stored.owner == c.Owner
	switch {
	case own && (stored.state == processor.StateSettled || stored.hop > c.Hop):
		return processor.Redelivered, stored
	case own && stored.hop < c.Hop:
		next, _ = merge(stored, claimedRecord(c))
		return 0, next
	case own:
		return processor.Ours, stored
	case stored.state == processor.StateClaimed && gone(stored.owner):
		return 0, claimedRecord(c)
	case stored.fingerprint == c.Fingerprint:
		return processor.Duplicate, stored
	default:
		return processor.Conflict, stored
	}
}

// newestOnly lets only the newest of several hops of one owner in a batch go on. All of them may have been answered Ours: the input record was
// judged when nobody had heard of the retry record yet that stands for it, and comes behind it in the same batch.
func newestOnly(claims []processor.Claim, claimed []processor.Claimed) {
	newest := map[processor.Owner]int{}
	for _, c := range claims {
		if c.Hop > 0 {
			newest[c.Owner] = max(newest[c.Owner], c.Hop)
		}
	}
	for i, c := range claims {
		if claimed[i].Verdict == processor.Ours && c.Hop < newest[c.Owner] {
			claimed[i].Verdict = processor.Redelivered
		}
	}
}

// goneOf is gone for the claims of one batch. An owner that claims is not gone, whatever gone says of it: its record was
// truncated while it lay in memory, to be answered. Were it taken over there, a batch would hold two owners of one transaction.
func goneOf(batch []processor.Claim, gone func(processor.Owner) bool) func(processor.Owner) bool {
	return func(o processor.Owner) bool {
		return gone(o) && !slices.ContainsFunc(batch, func(c processor.Claim) bool { return c.Owner == o })
	}
}

// merge is what settling to leaves of a stored record: settle.lua does the same on the server.
// It is false where nothing is to be written, because another record owns the transaction. A settled one is the exception: the
// outcome is published, and true whoever owns the claim of the same event by now; the owner stays.
//
// The order of settlements does not matter: states and hops only rise, and the first settled result stays.
func merge(stored, to record) (record, bool) {
	proven := to.state == processor.StateSettled && to.fingerprint == stored.fingerprint
	if stored.owner != to.owner && !proven {
		return stored, false
	}
	if rank(stored.state) < rank(to.state) {
		stored.state, stored.result = to.state, to.result
	}
	stored.hop = max(stored.hop, to.hop)
	return stored, true
}

// replaces says whether settling to leaves nothing of a stored record.
func replaces(to, stored record) bool {
	left, written := merge(stored, to)
	return written && left == to
}

// rank orders the states by how far a transaction has come; it is 0 for what is no state.
func rank(s processor.State) int {
	switch s {
	case processor.StateClaimed:
		return 1
	case processor.StateWaiting:
		return 2
	case processor.StateSettled:
		return 3
	default:
		return 0
	}
}
