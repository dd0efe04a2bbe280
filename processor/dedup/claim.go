package dedup

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/chargeresult/chargeresult/processor"
)

// bid is one claim of a batch on its way: its index, the value that it writes, and the stored one that this may replace.
type bid struct {
	index int
	from  string // empty: the key must be free
	to    string
}

// Claim implements processor.Claims.
//
// Claims that replace a record cost a second round trip, in which each does so only if the record is still the one that
// was judged; else it is judged again. So the order of a batch holds there too: of two claims of one key whose owner is gone
// the first takes it over, and the second finds it taken.
func (s *Store) Claim(ctx context.Context, generation int32, claims []processor.Claim) ([]processor.Claimed, error) {
	bounded, cancel := s.bound(ctx)
	defer cancel()
	bids := make([]bid, len(claims))
	for i, c := range claims {
		bids[i] = bid{index: i, to: claimedRecord(c).String()}
	}
	claimed := make([]processor.Claimed, len(claims))
	for len(bids) > 0 {
		var err error
		if bids, err = s.round(bounded, generation, claims, bids, claimed); err != nil {
			return nil, s.failed(ctx, fmt.Sprintf("claim in generation %d", generation), err)
		}
	}
	newestOnly(claims, claimed)
	return claimed, nil
}

// round makes bids. It writes the verdicts to claimed, and returns the bids that must be made again to replace a record.
func (s *Store) round(ctx context.Context, generation int32, claims []processor.Claim, bids []bid, claimed []processor.Claimed) ([]bid, error) {
	chunks := slices.Collect(slices.Chunk(bids, chunk))
	calls := make([]call, len(chunks))
	for i, bids := range chunks {
		calls[i] = s.claimCall(generation, claims, bids)
	}
	replies, err := s.eval(ctx, s.scripts.claim, s.guard, calls)
	if err != nil {
		return nil, err
	}
	gone := goneOf(claims, s.cfg.Gone)
	var again []bid
	for i, r := range replies {
		for j, b := range chunks[i] {
			c := claims[b.index]
			if r.values[j] == nil { // it wrote its value just now
				claimed[b.index] = processor.Claimed{Verdict: processor.Ours, Owner: c.Owner, Incarnation: r.id}
				continue
			}
			stored, err := s.stored(c, r.values[j])
			if err != nil {
				return nil, err
			}
			verdict, next := judge(c, stored, gone)
			if verdict == 0 {
				again = append(again, bid{b.index, stored.String(), next.String()})
				continue
			}
			claimed[b.index] = processor.Claimed{Verdict: verdict, Owner: stored.owner, Incarnation: r.id}
		}
	}
	return again, nil
}

// claimCall is the run of claim.lua that makes the bids.
func (s *Store) claimCall(generation int32, claims []processor.Claim, bids []bid) call {
	c := call{keys: make([]string, 0, len(bids)), args: make([]string, 0, 2+2*len(bids))}
	c.args = append(c.args, strconv.Itoa(int(generation)), s.ttl())
	for _, b := range bids {
		c.keys = append(c.keys, s.keys.claim(claims[b.index]))
		c.args = append(c.args, b.from, b.to)
	}
	return c
}

// stored reads the value that claim.lua found in a claim's way.
func (s *Store) stored(c processor.Claim, value any) (record, error) {
	text, _ := value.(string)
	r, err := parseRecord(text)
	if err != nil {
		return record{}, fmt.Errorf("key %s was written by a newer version or by hand: %w", s.keys.claim(c), err)
	}
	return r, nil
}
