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

// rebuild restores what is committed in Kafka, and opens the store to claims of generation 1 and later.
func rebuild(ctx context.Context, store *dedup.Store, committed []processor.Settlement) error {
	r, err := store.BeginRebuild(ctx)
	if err != nil {
		return err // processor.ErrRebuilding: another process is at it
	}
	defer r.Abandon(ctx)
	if err := r.Restore(ctx, committed); err != nil {
		return err
	}
	return r.Finish(ctx, 1)
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
	if err := rebuild(ctx, store, nil); err != nil { // this group never claimed: nothing is to be restored
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

// A server that lost its claims answers nothing until somebody restored them from Kafka, and then as if nothing had happened.
func ExampleStore_BeginRebuild() {
	server := deduptest.Start()
	defer server.Close()
	ctx := context.Background()
	store, err := dedup.Open(ctx, dedup.Config{
		URL:       "redis://in-memory",
		Dialer:    server.Dial,
		Group:     "charge-result",
		ClusterID: "MkU3OEVBNTcwNTJENDM2Qg",
		TopicIDs:  map[string][16]byte{"charge-requested": {1}},
		Holder:    "pod-1",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()

	answered := charged(100, "261122103000-00000a1", "CHG0000000001")
	waits := charged(101, "261122103000-00000a2", "CHG0000000002")
	_, err = store.Claim(ctx, 1, []processor.Claim{answered})
	fmt.Println("lost:", errors.Is(err, processor.ErrClaimsLost), "foreign:", errors.Is(err, processor.ErrClaimsForeign))

	err = rebuild(ctx, store, []processor.Settlement{
		{Claim: answered, State: processor.StateSettled, Result: "COMPLETED"},
		{Claim: waits, State: processor.StateWaiting, Hop: 2},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	retry := waits
	retry.Hop = 2 // the second retry record that stands for it
	claimed, err := store.Claim(ctx, 1, []processor.Claim{answered, waits, retry})
	if err != nil {
		fmt.Println(err)
		return
	}
	names := map[processor.Verdict]string{processor.Ours: "ours", processor.Redelivered: "redelivered"}
	for _, c := range claimed {
		fmt.Println(names[c.Verdict])
	}
	// Output:
	// lost: true foreign: false
	// redelivered
	// redelivered
	// ours
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
	claims.Revive()
	_, err = claims.Incarnation(ctx)
	fmt.Println(err)
	// Output:
	// true
	// true
	// true
	// <nil>
}

func ExampleCheckPolicy() {
	fmt.Println(dedup.CheckPolicy(dedup.Facts{MaxMemoryPolicy: "allkeys-lru"}))
	// Output: maxmemory_policy is "allkeys-lru": the server may evict claims, and each evicted claim lets a duplicate through; set maxmemory-policy to noeviction (CONFIG SET maxmemory-policy noeviction and redis.conf, or the parameter group of a managed server)
}
