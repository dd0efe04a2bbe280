package dedup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor"
)

// subject is one implementation of processor.Claims under the contract suite, and the world around it.
// It begins in order and without claims.
type subject struct {
	claims      rebuildable
	failClaim   func(Fault)                  // what happens to the next Claim
	failSettle  func(Fault)                  // what happens to the next Settle
	failBegin   func(Fault)                  // what happens to the next BeginRebuild
	failRestore func(Fault)                  // what happens to the next Restore
	failFinish  func(Fault)                  // what happens to the next Finish
	wipe        func()                       // everything is lost
	replace     func()                       // another server with the same data
	forget      func(processor.Claim)        // one claim is lost
	expire      func()                       // the lease of a rebuild expires
	stored      func(processor.Claim) string // what is stored for a claim, empty if nothing
	gone        *goneOwners                  // what its Config's Gone says
}

// goneOwners is a Gone that tests add to.
type goneOwners struct{ sync.Map }

func (g *goneOwners) is(o processor.Owner) bool { _, ok := g.Load(o); return ok }

// testTopic is the input topic of all tests.
var testTopic = [16]byte{0x5f, 0x0c, 15: 0x01}

// claimOf is the claim of the record at an offset, for one transaction.
func claimOf(offset int64, correlationID string) processor.Claim {
	return processor.Claim{
		Operation:     events.Charge,
		CorrelationID: correlationID,
		Fingerprint:   "CHG0000000001",
		Owner:         processor.Owner{TopicID: testTopic, Partition: 3, Offset: offset},
	}
}

// other is a claim of the same transaction by the record at another offset.
func other(c processor.Claim, offset int64) processor.Claim {
	c.Owner.Offset = offset
	return c
}

// conflicting is other with another fingerprint.
func conflicting(c processor.Claim, offset int64) processor.Claim {
	c.Fingerprint = "CHG 000000000２"
	return other(c, offset)
}

// testContract runs the suite that every implementation of processor.Claims must pass.
func testContract(t *testing.T, open func(*testing.T) subject) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, subject)
	}{
		{"verdicts", testVerdicts},
		{"keys", testKeysApart},
		{"batch in order", testBatchInOrder},
		{"large batch", testLargeBatch},
		{"one of many claimants", testConcurrentClaimants},
		{"incarnation", testIncarnation},
		{"wiped", func(t *testing.T, s subject) { testLost(t, s, s.wipe) }},
		{"replaced", func(t *testing.T, s subject) { testLost(t, s, s.replace) }},
		{"stale generation", testStaleGeneration},
		{"expelled member after a loss", testExpelledMember},
		{"faults of claim", testClaimFaults},
		{"faults of settle", testSettleFaults},
		{"settlements only rise", testSettleRises},
		{"settlement of another's claim", testSettleOfAnother},
		{"published outcome settles another's claim", testPublishedOutcomeSettlesAnothers},
		{"settlement of a missing claim", testSettleOfMissing},
		{"offsets moved back", testOffsetsMovedBack},
		{"hops", testHops},
		{"hops of one owner in a batch", testHopsInOneBatch},
		{"hop that nobody settled", testUnheardHop},
		{"takeover", testTakeover},
		{"no takeover", testNoTakeover},
		{"no takeover within a batch", testNoTakeoverWithinBatch},
		{"rebuild of a wiped store", func(t *testing.T, s subject) { testRebuild(t, s, s.wipe) }},
		{"rebuild of a replaced store", func(t *testing.T, s subject) { testRebuild(t, s, s.replace) }},
		{"rebuild of a store in order", func(t *testing.T, s subject) { testRebuild(t, s, func() {}) }},
		{"restored states", testRestoredStates},
		{"restoring lowers nothing", testRestoringLowersNothing},
		{"restoring much", testRestoringMuch},
		{"one rebuilder", testOneRebuilder},
		{"abandoned rebuild", testAbandonedRebuild},
		{"lease lost", testLeaseLost},
		{"wiped while rebuilding", func(t *testing.T, s subject) { testLostWhileRebuilding(t, s, s.wipe) }},
		{"replaced while rebuilding", func(t *testing.T, s subject) { testLostWhileRebuilding(t, s, s.replace) }},
		{"generation of a rebuild", testGenerationOfRebuild},
		{"faults of begin", testBeginFaults},
		{"faults of restore", testRestoreFaults},
		{"faults of finish", testFinishFaults},
		{"ended context", testEndedContext},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, open(t)) })
	}
}

// mustClaim claims in one batch, in generation 1.
func mustClaim(t *testing.T, s subject, claims ...processor.Claim) []processor.Claimed {
	t.Helper()
	claimed, err := s.claims.Claim(t.Context(), 1, claims)
	if err != nil {
		t.Fatal(err)
	}
	if len(claimed) != len(claims) {
		t.Fatalf("%d answers to %d claims", len(claimed), len(claims))
	}
	return claimed
}

// wantVerdict claims alone, and checks the verdict and the owner.
func wantVerdict(t *testing.T, s subject, c processor.Claim, want processor.Verdict, owner int64) {
	t.Helper()
	got := mustClaim(t, s, c)[0]
	if got.Verdict != want || got.Owner.Offset != owner {
		t.Errorf("record %d of %s got verdict %d with owner %d, want %d with %d", c.Owner.Offset, c.CorrelationID, got.Verdict, got.Owner.Offset, want, owner)
	}
}

func mustSettle(t *testing.T, s subject, settled ...processor.Settlement) {
	t.Helper()
	if err := s.claims.Settle(t.Context(), settled); err != nil {
		t.Fatal(err)
	}
}

func waiting(c processor.Claim, hop int) processor.Settlement {
	return processor.Settlement{Claim: c, State: processor.StateWaiting, Hop: hop}
}

func settled(c processor.Claim, hop int, result string) processor.Settlement {
	return processor.Settlement{Claim: c, State: processor.StateSettled, Hop: hop, Result: result}
}

func testVerdicts(t *testing.T, s subject) {
	c := claimOf(1, "261122103000-00000a1")
	wantVerdict(t, s, c, processor.Ours, 1)
	wantVerdict(t, s, c, processor.Ours, 1)
	wantVerdict(t, s, other(c, 2), processor.Duplicate, 1)
	wantVerdict(t, s, conflicting(c, 3), processor.Conflict, 1)
	mustSettle(t, s, waiting(c, 1))
	wantVerdict(t, s, c, processor.Redelivered, 1)
	wantVerdict(t, s, other(c, 2), processor.Duplicate, 1)
	mustSettle(t, s, settled(c, 1, "COMPLETED"))
	wantVerdict(t, s, c, processor.Redelivered, 1)
	wantVerdict(t, s, other(c, 2), processor.Duplicate, 1)
	wantVerdict(t, s, conflicting(c, 3), processor.Conflict, 1)
}

func testKeysApart(t *testing.T, s subject) {
	c := claimOf(1, "261122103000-00000a1")
	wantVerdict(t, s, c, processor.Ours, 1)

	cancellation := other(c, 2)
	cancellation.Operation = events.Cancellation
	wantVerdict(t, s, cancellation, processor.Ours, 2)

	upper := other(c, 3)
	upper.CorrelationID = "261122103000-00000A1"
	wantVerdict(t, s, upper, processor.Duplicate, 1)

	partition := c
	partition.Owner.Partition++
	wantVerdict(t, s, partition, processor.Duplicate, 1)
	topic := c
	topic.Owner.TopicID[0]++
	wantVerdict(t, s, topic, processor.Duplicate, 1)
}

func testBatchInOrder(t *testing.T, s subject) {
	if got := mustClaim(t, s); len(got) != 0 {
		t.Errorf("an empty batch was answered %v", got)
	}
	a, b := claimOf(1, "a"), claimOf(3, "b")
	var got []processor.Verdict
	for _, c := range mustClaim(t, s, a, other(a, 2), b, conflicting(a, 4), a, other(b, 5)) {
		got = append(got, c.Verdict)
	}
	want := []processor.Verdict{processor.Ours, processor.Duplicate, processor.Ours, processor.Conflict, processor.Ours, processor.Duplicate}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func testLargeBatch(t *testing.T, s subject) {
	var claims []processor.Claim
	for i := range int64(chunk + 10) {
		claims = append(claims, claimOf(i, fmt.Sprint("large-", i)))
	}
	claims = append(claims, other(claims[0], -1))
	got := mustClaim(t, s, claims...)
	for i, c := range got[:len(got)-1] {
		if c.Verdict != processor.Ours || c.Owner != claims[i].Owner {
			t.Fatalf("claim %d was answered %+v", i, c)
		}
	}
	if last := got[len(got)-1]; last.Verdict != processor.Duplicate || last.Owner != claims[0].Owner {
		t.Errorf("a duplicate in another chunk was answered %+v", last)
	}
	var settlements []processor.Settlement
	for _, c := range claims[:len(claims)-1] {
		settlements = append(settlements, settled(c, 0, "FAILED"))
	}
	mustSettle(t, s, settlements...)
	wantVerdict(t, s, claims[len(claims)-2], processor.Redelivered, claims[len(claims)-2].Owner.Offset)
}

func testConcurrentClaimants(t *testing.T, s subject) {
	const claimants = 8
	verdicts := make(chan processor.Verdict, claimants)
	var group sync.WaitGroup
	for offset := range int64(claimants) {
		group.Go(func() {
			claimed, err := s.claims.Claim(t.Context(), 1, []processor.Claim{claimOf(offset, "contended")})
			if err != nil {
				t.Error(err)
				return
			}
			verdicts <- claimed[0].Verdict
		})
	}
	group.Wait()
	close(verdicts)
	count := map[processor.Verdict]int{}
	for v := range verdicts {
		count[v]++
	}
	if count[processor.Ours] != 1 || count[processor.Duplicate] != claimants-1 {
		t.Errorf("verdicts %v, want one Ours, and else Duplicate", count)
	}
}

func testEndedContext(t *testing.T, s subject) {
	cause := errors.New("shutting down")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	c := claimOf(1, "a")
	_, err := s.claims.Claim(ctx, 1, []processor.Claim{c})
	_, incarnationErr := s.claims.Incarnation(ctx)
	settleErr := s.claims.Settle(ctx, []processor.Settlement{settled(c, 0, "")})
	_, beginErr := s.claims.BeginRebuild(ctx)
	rebuild := mustBegin(t, s.claims)
	restoreErr, finishErr := rebuild.Restore(ctx, nil), rebuild.Finish(ctx, 0)
	rebuild.Abandon(ctx) // all the same
	mustBegin(t, s.claims)
	for _, err := range []error{err, incarnationErr, settleErr, beginErr, restoreErr, finishErr} {
		if !errors.Is(err, context.Canceled) || errors.Is(err, processor.ErrClaimsUnavailable) {
			t.Errorf("got %v, want only that the context ended", err)
		}
	}
}
