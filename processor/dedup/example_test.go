package dedup_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor"
	"github.com/chargeresult/chargeresult/processor/dedup"
	"github.com/chargeresult/chargeresult/processor/dedup/deduptest"
)

// charged is the claim of the charge-requested record at an offset.
func charged(offset int64, correlationID, sequenceID string) processor.Claim {
	return processor.Claim{
		Operation:     events.Charge,
		CorrelationID: correlationID,
		Fingerprint:   sequenceID,
		Owner:         processor.Owner{TopicID: [16]byte{1}, Partition: 3, Offset: offset},
	}
}

func Example() {
	server := deduptest.Start()
	defer server.Close()

	ctx := context.Background()
	store, err := dedup.Open(ctx, dedup.Config{
		URL:       "redis://in-memory",
		Dialer:    server.Dial,
		Group:     "charge-result",
		ClusterID: "MkU3OEVBNTcwNTJENDM2Qg",
		TopicIDs:  map[string][16]byte{"charge-requested": {1}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()
	if err := store.Initialise(ctx); err != nil { // this group never claimed
		fmt.Println(err)
		return
	}

	poll := []processor.Claim{
		charged(100, "261122103000-00000a1", "CHG0000000001"),
		charged(101, "261122103000-00000A1", "CHG0000000001"),
		charged(102, "261122103000-00000a1", "CHG0000000002"),
	}
	claimed, err := store.Claim(ctx, 1, poll)
	if err != nil {
		fmt.Println(err)
		return
	}
	names := map[processor.Verdict]string{processor.Ours: "ours", processor.Duplicate: "duplicate", processor.Conflict: "conflict"}
	for i, c := range claimed {
		fmt.Printf("%d: %s, owned by %d\n", poll[i].Owner.Offset, names[c.Verdict], c.Owner.Offset)
	}

	// The record was asked about, and its result is committed.
	err = store.Settle(ctx, []processor.Settlement{{Claim: poll[0], State: processor.StateSettled, Result: "COMPLETED"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	value, _ := server.Get("chargeresult:{charge-result}:charge:261122103000-00000a1")
	fmt.Println(value)
	// Output:
	// 100: ours, owned by 100
	// 101: duplicate, owned by 100
	// 102: conflict, owned by 100
	// 1 settled 0 COMPLETED 01000000000000000000000000000000/3/100 CHG0000000001
}

// A Fake stands in for a Store where claims are not what is tested, and breaks on demand.
func ExampleFake() {
	ctx := context.Background()
	claims := dedup.NewFake(dedup.Config{})
	claims.FailClaims(dedup.FailsButTookEffect)

	_, err := claims.Claim(ctx, 1, []processor.Claim{charged(100, "a", "CHG0000000001")})
	fmt.Println(errors.Is(err, processor.ErrClaimsUnavailable))
	claimed, _ := claims.Claim(ctx, 1, []processor.Claim{charged(100, "a", "CHG0000000001")})
	fmt.Println(claimed[0].Verdict == processor.Ours) // the first call's claim, found again

	claims.Wipe()
	_, err = claims.Incarnation(ctx)
	fmt.Println(errors.Is(err, processor.ErrClaimsLost))
	// Output:
	// true
	// true
	// true
}

func ExampleCheckPolicy() {
	fmt.Println(dedup.CheckPolicy(dedup.Facts{MaxMemoryPolicy: "allkeys-lru"}))
	// Output: maxmemory_policy is "allkeys-lru": the server may evict claims, and each evicted claim lets a duplicate through; set maxmemory-policy to noeviction (CONFIG SET maxmemory-policy noeviction and redis.conf, or the parameter group of a managed server)
}
