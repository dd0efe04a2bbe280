package processor_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor/inquiry/konasim"
)

// foreign puts a record into the first retry topic whose headers nobody here wrote.
func (w *world) foreign(i int, change func(r *events.Retry)) {
	w.Helper()
	r := events.Retry{
		Origin: events.Source{Topic: topics.Requested, Offset: 1 << 40}, OriginTopicID: w.kafka.TopicInfo(topics.Requested).TopicID,
		OriginTime: time.Now(), Operation: events.Charge, Hop: 1, Attempts: 1, Due: time.Now(), Reason: events.WaitPending, FirstSeen: time.Now(), FirstAsked: time.Now(),
	}
	change(&r)
	var headers []kgo.RecordHeader
	for _, h := range r.Headers(nil) {
		headers = append(headers, kgo.RecordHeader(h))
	}
	w.send(waiting(w.policy)[0], "k", event(i, fmt.Sprint("COMPLETED-", i)), headers...)
}

// TestDamagedRetryRecords: whatever stands in a retry topic, nothing stops and nothing behind it waits for it.
func TestDamagedRetryRecords(t *testing.T) {
	const most = 1<<63 - 1
	tests := map[string]struct {
		change func(r *events.Retry)
		dead   int
	}{
		"attempts beyond counting": {func(r *events.Retry) { r.Attempts = most }, 1},
		"a hop beyond counting":    {func(r *events.Retry) { r.Hop = most }, 1},
		"due in a year":            {func(r *events.Retry) { r.Due = time.Now().AddDate(1, 0, 0) }, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			inWorld(t, konasim.Config{}, func(w *world) {
				w.foreign(1, tt.change)
				w.send(topics.Requested, "k", event(2, "PENDING-1-2"))
				time.Sleep(5 * time.Minute)
				if letters := len(w.read(topics.DeadLetter)); letters != tt.dead {
					t.Errorf("%d dead letters, want %d", letters, tt.dead)
				}
				if _, ok := w.results()[events.Identity{Operation: events.Charge, CorrelationID: correlationID(2)}]; !ok {
					t.Error("the event behind it has no result")
				}
			})
		})
	}
}

// TestDeadLettersAreAccepted: a dead letter is nothing that a broker refuses, whatever its original's topic allowed.
func TestDeadLettersAreAccepted(t *testing.T) {
	inWorld(t, konasim.Config{}, func(w *world) {
		generous, err := kgo.NewClient(append(w.options(), kgo.ProducerBatchMaxBytes(1<<20-100))...)
		w.must(err)
		defer generous.Close()
		key := bytes.Repeat([]byte("k"), 1_040_000)
		for _, r := range []*kgo.Record{
			{Topic: topics.Requested, Key: key, Value: []byte(event(1, "COMPLETED-1"))},
			{Topic: topics.Cancelled, Key: []byte("k"), Value: []byte("nonsense"), Timestamp: time.Now().Add(50 * time.Minute)},
		} {
			w.must(generous.ProduceSync(w.Context(), r).FirstErr())
		}
		w.await(time.Minute)
		now := time.Now()
		letters := w.read(topics.DeadLetter)
		if len(letters) != 2 {
			t.Fatalf("%d dead letters, want 2; engine: %+v", len(letters), w.engine.Status())
		}
		for _, r := range letters {
			if r.Timestamp.After(now) {
				t.Errorf("a dead letter of %v, in the future", r.Timestamp)
			}
			if cut := header(r, events.HeaderKeySize); len(r.Key) > 1 && (cut != "1040000" || header(r, events.HeaderKeySHA256) == "" || !bytes.HasPrefix(key, r.Key)) {
				t.Errorf("a key of %d bytes, cut from %q", len(r.Key), cut)
			}
		}
	})
}

// TestBadRecordsNeedNoClaims: where a bad record comes first to a store that lost its claims, it is a dead letter, and what comes
// behind it, or beside it, has the claims rebuilt.
func TestBadRecordsNeedNoClaims(t *testing.T) {
	inWorld(t, konasim.Config{}, func(w *world) {
		w.claims.Wipe()
		for range 10 {
			w.send(topics.Requested, "k", "nonsense")
			time.Sleep(time.Second)
		}
		w.await(time.Minute)
		if n := len(w.read(topics.DeadLetter)); n != 10 {
			t.Errorf("%d dead letters, want 10", n)
		}
		w.claims.Wipe()
		w.send(topics.Requested, "k", "nonsense")
		w.send(topics.Requested, "k", event(1, "COMPLETED-1"))
		w.await(time.Minute)
		if len(w.results()) != 1 || w.engine.Status().Sessions != 1 {
			t.Errorf("%d results, %d sessions; want one of each", len(w.results()), w.engine.Status().Sessions)
		}
	})
}
