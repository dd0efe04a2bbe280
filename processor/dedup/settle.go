package dedup

import (
	"context"
	"slices"

	"github.com/chargeresult/chargeresult/processor"
)

// Settle implements processor.Claims.
//
// Where a claim is gone, because it expired or was removed by hand, its settlement is written all the same: a transaction is settled
// only after Kafka committed it, so it is true in every incarnation. A store that is wiped or replaced accepts none of it, because
// the guard stands before each chunk: it is never half-written, and its rebuild finds the settlements in Kafka.
func (s *Store) Settle(ctx context.Context, settled []processor.Settlement) error {
	if len(settled) == 0 {
		return nil
	}
	calls, err := s.settleCalls(settled)
	if err != nil {
		return err
	}
	bounded, cancel := s.bound(ctx)
	defer cancel()
	if _, err := s.eval(bounded, s.scripts.settle, s.guard, calls); err != nil {
		return s.failed(ctx, "settle claims", err)
	}
	return nil
}

// settleCalls are the runs of settle.lua that write settlements, a chunk each.
func (s *Store) settleCalls(settled []processor.Settlement) ([]call, error) {
	var calls []call
	ttl := s.ttl()
	for settlements := range slices.Chunk(settled, chunk) {
		c := call{keys: make([]string, 0, len(settlements)), args: make([]string, 0, 1+2*len(settlements))}
		c.args = append(c.args, ttl)
		for _, one := range settlements {
			r, err := settledRecord(one)
			if err != nil {
				return nil, err
			}
			c.keys = append(c.keys, s.keys.claim(one.Claim))
			usual := "" // what the claim wrote, if r replaces it whole
			if claimed := claimedRecord(one.Claim); replaces(r, claimed) {
				usual = claimed.String()
			}
			c.args = append(c.args, usual, r.String())
		}
		calls = append(calls, c)
	}
	return calls, nil
}
