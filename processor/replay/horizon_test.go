package replay

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

func TestHorizon(t *testing.T) {
	bubble(t, func(k *kafka) {
		noon := time.Now().Truncate(time.Second)
		stamped := func(r *kgo.Record, t time.Time) *kgo.Record { r.Timestamp = t; return r }
		for i, age := range []time.Duration{time.Hour, time.Minute, -time.Hour} {
			k.produce(stamped(&kgo.Record{Topic: requestedTopic, Value: eventJSON(i)}, noon.Add(-age)))
		}
		k.commit(requestedTopic, 0, 3)
		for i, age := range []time.Duration{time.Hour, time.Hour, 0, -time.Hour} { // the last two are of no record
			k.produce(stamped(k.resultRecord([]int{0, 1, 5, 6}[i], 1, at(int64([]int{0, 1, 5, 6}[i])), group), noon.Add(-age)))
		}
		k.truncate(resultTopic, 0, 1)
		k.produce(k.retry(longRetry, 7, 1, at(7)), k.retry(longRetry, 8, 1, at(8)))
		k.truncate(longRetry, 0, 1) // says nothing: retry topics hold no outcome
		a := k.reconcile()
		if want := (Tally{Accepted: 3, Final: 1, Missing: 2}); a.Total != want || !a.Horizon.Equal(noon.Add(-time.Hour)) {
			t.Errorf("total %+v with horizon %v; want %+v: the first is as old as the horizon, which is %v", a.Total, a.Horizon, want, noon.Add(-time.Hour))
		}
		k.truncate(resultTopic, 0, 2)
		a = k.reconcile()
		if want := (Tally{Accepted: 3, Missing: 1, BeyondHorizon: 2}); a.Total != want || a.Complete || a.Balanced || !a.Horizon.Equal(noon) {
			t.Errorf("total %+v with horizon %v, complete %t; want %+v, %v, false", a.Total, a.Horizon, a.Complete, want, noon)
		}
		wantValues(t, a.faults(), "missing charge-requested/0/2 "+correlationID(2))
		k.truncate(resultTopic, 0, 4) // nothing is left: it does not say how old it was
		if a = k.reconcile(); a.Total.Missing != 3 || !a.Horizon.IsZero() {
			t.Errorf("total %+v with horizon %v, want all missing and none", a.Total, a.Horizon)
		}
	})
}

// A group may have begun at the end of its topics, or been moved forward: what it never saw is not lost.
func TestSince(t *testing.T) {
	bubble(t, func(k *kafka) {
		noon := time.Now().Truncate(time.Second)
		for i, age := range []time.Duration{2 * time.Hour, 0} {
			k.produce(&kgo.Record{Topic: requestedTopic, Value: eventJSON(i), Timestamp: noon.Add(-age)})
		}
		k.commit(requestedTopic, 0, 2)
		if a := k.reconcile(); a.Total.Missing != 2 {
			t.Errorf("%d missing, want both", a.Total.Missing)
		}
		a := k.reconcile(func(c *ReconcileConfig) { c.Since = noon.Add(-time.Hour) })
		if want := (Tally{Accepted: 2, Missing: 1, BeyondHorizon: 1}); a.Total != want {
			t.Errorf("total %+v, want %+v", a.Total, want)
		}
	})
}

// Of several partitions that retention has reached, the one that reaches back least says from when on everything is there.
func TestHorizonIsTheLatest(t *testing.T) {
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	r := &reconciliation{truncated: spans{resultTopic: {0: {}, 1: {}, 2: {}}}}
	for i, minutes := range []time.Duration{1, 3, 2} {
		r.horizon(&kgo.Record{Topic: resultTopic, Partition: int32(i), Timestamp: noon.Add(minutes * time.Minute)})
	}
	if want := noon.Add(3 * time.Minute); !r.account.Horizon.Equal(want) {
		t.Errorf("horizon %v, want %v", r.account.Horizon, want)
	}
}
