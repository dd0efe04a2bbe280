package dedup

import (
	"slices"

	"github.com/chargeresult/chargeresult/processor"
)

// judge decides what a claim is answered where its key holds a record already. It is false where the claim
// must be taken over instead, because the record's owner can never come back to finish it.
//
// Only a claim that is merely claimed is taken over. One that is waiting has a retry record that will be answered
// although its owner is gone, and the event that took it over would be answered beside it: two finals.
func judge(c processor.Claim, stored record, gone func(processor.Owner) bool) (processor.Verdict, bool) {
	open := stored.state == processor.StateClaimed
	switch {
	case stored.owner == c.Owner && open:
		return processor.Ours, true
	case stored.owner == c.Owner:
		return processor.Redelivered, true
	case open && gone(stored.owner):
		return 0, false
	case stored.fingerprint == c.Fingerprint:
		return processor.Duplicate, true
	default:
		return processor.Conflict, true
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
