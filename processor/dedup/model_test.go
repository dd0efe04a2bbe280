package dedup

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor"
)

// The Fake, which is judge and merge around a map, is the model of the Store: any sequence of calls is answered the
// same by both, and leaves the same stored. It holds the Lua to the Go.
func TestStoreAsModelled(t *testing.T) {
	store, _ := miniSubject(t, testConfig())
	rapid.Check(t, func(r *rapid.T) {
		store.wipe()
		mustRebuild(t, store.claims, 0)
		store.gone.Clear()
		model := fakeSubject(t)
		for range rapid.IntRange(1, 12).Draw(r, "steps") {
			step(t, r, model, store)
		}
	})
}

// step does one thing to both, and compares.
func step(t *testing.T, r *rapid.T, model, store subject) {
	compare := func(what string, got, want any) {
		if fmt.Sprint(got) != fmt.Sprint(want) {
			r.Fatalf("%s: store %v, model %v", what, got, want)
		}
	}
	claims := rapid.SliceOfN(rapid.Custom(drawClaim), 1, 5).Draw(r, "claims")
	switch rapid.SampledFrom([]string{"claim", "claim", "settle", "rebuild", "forget", "gone"}).Draw(r, "do") {
	case "claim":
		generation := rapid.Int32Range(1, 3).Draw(r, "generation")
		want, wantErr := model.claims.Claim(t.Context(), generation, claims)
		got, err := store.claims.Claim(t.Context(), generation, claims)
		compare("failed", err != nil, wantErr != nil)
		for i := range want {
			want[i].Incarnation, got[i].Incarnation = "", ""
		}
		compare("claimed", got, want)
	case "settle":
		settlements := drawSettlements(r, claims)
		wantErr := model.claims.Settle(t.Context(), settlements)
		err := store.claims.Settle(t.Context(), settlements)
		compare("failed", err, wantErr)
	case "rebuild":
		committed := drawSettlements(r, claims)
		generation := rapid.Int32Range(1, 3).Draw(r, "generation")
		mustRebuild(t, model.claims, generation, committed...)
		mustRebuild(t, store.claims, generation, committed...)
	case "forget":
		model.forget(claims[0])
		store.forget(claims[0])
	case "gone":
		model.gone.Store(claims[0].Owner, nil)
		store.gone.Store(claims[0].Owner, nil)
	}
	for _, c := range claims {
		compare("stored", store.stored(c), model.stored(c))
	}
}

func drawClaim(r *rapid.T) processor.Claim {
	return processor.Claim{
		Operation:     rapid.SampledFrom([]events.Operation{events.Charge, events.Cancellation}).Draw(r, "operation"),
		CorrelationID: rapid.SampledFrom([]string{"a", "A", "b"}).Draw(r, "correlation ID"),
		Fingerprint:   rapid.SampledFrom([]string{"", "f", "g h"}).Draw(r, "fingerprint"),
		Owner:         processor.Owner{TopicID: testTopic, Offset: rapid.Int64Range(0, 3).Draw(r, "offset")},
		Hop:           rapid.SampledFrom([]int{0, 0, 1, 2, 12}).Draw(r, "claim's hop"),
	}
}

func drawSettlements(r *rapid.T, claims []processor.Claim) []processor.Settlement {
	var settlements []processor.Settlement
	for _, c := range claims {
		settlements = append(settlements, rapid.Custom(func(r *rapid.T) processor.Settlement { return drawSettlement(r, c) }).Draw(r, "settlement"))
	}
	return settlements
}

func drawSettlement(r *rapid.T, c processor.Claim) processor.Settlement {
	s := waiting(c, rapid.IntRange(1, 11).Draw(r, "hop"))
	switch rapid.SampledFrom([]processor.State{processor.StateClaimed, processor.StateWaiting, processor.StateSettled}).Draw(r, "state") {
	case processor.StateClaimed:
		s.State, s.Hop = processor.StateClaimed, 0
	case processor.StateSettled:
		s.State = processor.StateSettled
		s.Result = rapid.SampledFrom([]string{"", "COMPLETED", "FAILED"}).Draw(r, "result")
	}
	return s
}
