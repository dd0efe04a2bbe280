package processor_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor"
	"github.com/chargeresult/chargeresult/processor/dedup"
	"github.com/chargeresult/chargeresult/processor/inquiry"
	"github.com/chargeresult/chargeresult/processor/inquiry/konasim"
)

// TestOutage lives through six minutes without a vendor: the breaker opens, intake waits, and everything is answered once afterwards.
func TestOutage(t *testing.T) {
	inWorld(t, konasim.Config{Latency: konasim.Latency{P50: 20 * time.Millisecond}}, func(w *world) {
		const before, during = 50, 100
		for i := range before {
			w.send(topics.Requested, fmt.Sprint("k", i), event(i, fmt.Sprintf("COMPLETED-%d", i)))
		}
		w.await(time.Minute)
		w.vendor.SetOutage(konasim.Closing)
		for i := before; i < before+during; i++ {
			w.send(topics.Requested, fmt.Sprint("k", i), event(i, fmt.Sprintf("FAILED-%d", i)))
		}
		time.Sleep(30 * time.Second)
		if state := w.breaker.State().State; state == inquiry.Closed {
			t.Errorf("after 30 s without a vendor the breaker is %s", state)
		}
		opened := w.vendor.Stats().Calls
		time.Sleep(330 * time.Second)
		// Open for 15 s at least, one probe at a time: no more than 22 probes in 330 s.
		if probes := w.vendor.Stats().Calls - opened; probes > 22 || probes < 5 {
			t.Errorf("%d calls in 330 s of an open breaker, want 5 to 22 probes", probes)
		}
		if n := len(w.results()); n != before {
			t.Errorf("%d results after the outage, want the %d of before it", n, before)
		}
		w.vendor.SetOutage(konasim.Up)
		w.await(2 * time.Minute)
		results := w.results()
		if len(results) != before+during {
			t.Errorf("%d results, want %d", len(results), before+during)
		}
		for id, r := range results {
			if want := strings.SplitN(r.SequenceID, "-", 2)[0]; r.Result != want || !r.Final || r.Revision != 1 {
				t.Errorf("%v: %+v, want a final %s", id, r, want)
			}
		}
		if letters := w.read(topics.DeadLetter); len(letters) > 0 {
			t.Errorf("an outage made %d dead letters", len(letters))
		}
	})
}

func TestChargeAndCancellationAreTwoTransactions(t *testing.T) {
	inWorld(t, konasim.Config{}, func(w *world) {
		w.send(topics.Requested, "k", event(1, "COMPLETED-1"))
		w.send(topics.Cancelled, "k", event(1, "FAILED-1"))
		w.await(time.Minute)
		results := w.results()
		charge := results[events.Identity{Operation: events.Charge, CorrelationID: correlationID(1)}]
		cancel := results[events.Identity{Operation: events.Cancellation, CorrelationID: correlationID(1)}]
		if charge.Result != events.Completed || cancel.Result != events.Failed {
			t.Errorf("results: %+v", results)
		}
	})
}

func TestDuplicatesAndConflicts(t *testing.T) {
	inWorld(t, konasim.Config{}, func(w *world) {
		w.send(topics.Requested, "k", event(1, "COMPLETED-1"))
		w.send(topics.Requested, "other", event(1, "COMPLETED-1"))
		w.send(topics.Requested, "k", strings.ToUpper(event(1, "COMPLETED-1"))) // not the field's name: invalid
		w.await(time.Minute)
		w.send(topics.Requested, "k", event(1, "COMPLETED-2"))
		w.await(time.Minute)
		if n := len(w.results()); n != 1 {
			t.Errorf("%d results, want 1", n)
		}
		duplicates := w.read(topics.Duplicates)
		if len(duplicates) != 1 {
			t.Fatalf("%d duplicates, want 1", len(duplicates))
		}
		if d, err := events.DecodeDuplicate(duplicates[0].Value); err != nil || d.Verdict != events.VerdictDuplicate {
			t.Errorf("duplicate %+v, %v", d, err)
		}
		reasons := map[string]int{}
		for _, r := range w.read(topics.DeadLetter) {
			reasons[header(r, events.HeaderReason)]++
		}
		if reasons[events.ReasonConflict] != 1 || reasons[events.ReasonInvalidEvent] != 1 || len(reasons) != 2 {
			t.Errorf("dead letters %v, want a conflict and an invalid event", reasons)
		}
		if calls := w.vendor.Stats().Calls; calls != 1 {
			t.Errorf("%d calls for one transaction", calls)
		}
	})
}

func header(r *kgo.Record, key string) string {
	for _, h := range r.Headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}

func TestDeadLetterKeepsTheOriginal(t *testing.T) {
	large := strings.Repeat("x", 990_000)
	tests := map[string]struct {
		value   string
		headers []kgo.RecordHeader
		cut     bool
		gone    bool // the original's headers
	}{
		"not JSON":          {value: "not JSON", headers: []kgo.RecordHeader{{Key: "a", Value: []byte{0, 255}}, {Key: "a"}}},
		"invalid UTF-8":     {value: "\xff\xfe"},
		"missing field":     {value: `{"correlationId":"261122103000-00000a1"}`},
		"too large":         {value: large, cut: true},
		"headers too large": {value: "not JSON", headers: []kgo.RecordHeader{{Key: "a", Value: []byte(large)}}, gone: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			inWorld(t, konasim.Config{}, func(w *world) {
				w.send(topics.Requested, "the key", tt.value, tt.headers...)
				w.send(topics.Requested, "the key", event(1, "COMPLETED-1"))
				w.await(time.Minute)
				if len(w.results()) != 1 {
					t.Error("the event behind it has no result")
				}
				letters := w.read(topics.DeadLetter)
				if len(letters) != 1 {
					t.Fatalf("%d dead letters, want 1", len(letters))
				}
				letter, original := letters[0], w.read(topics.Requested)[0]
				if string(letter.Key) != "the key" || !letter.Timestamp.Equal(original.Timestamp) {
					t.Errorf("key %q, timestamp %v; want those of the original", letter.Key, letter.Timestamp)
				}
				if got := string(letter.Value); !strings.HasPrefix(tt.value, got) || (got != tt.value) != tt.cut {
					t.Errorf("value of %d bytes, the original has %d", len(got), len(tt.value))
				}
				if cut := header(letter, events.HeaderValueSHA256) != ""; cut != tt.cut {
					t.Errorf("the SHA-256 is there: %v, want %v", cut, tt.cut)
				}
				for i, h := range tt.headers {
					if kept := i < len(letter.Headers) && letter.Headers[i].Key == h.Key && string(letter.Headers[i].Value) == string(h.Value); kept == tt.gone {
						t.Errorf("original header %d kept: %v", i, kept)
					}
				}
				if header(letter, events.HeaderErrorTopic) != topics.Requested {
					t.Errorf("headers %v name no origin", letter.Headers)
				}
			})
		})
	}
}

// TestClaimStoreFaults: whatever the claim store does, intake waits for it, and every transaction is published once.
func TestClaimStoreFaults(t *testing.T) {
	tests := map[string]func(*world){
		"claims fail":                       func(w *world) { w.claims.FailClaims(dedup.Fails, dedup.Fails, dedup.Fails) },
		"claims take effect, reply is lost": func(w *world) { w.claims.FailClaims(dedup.FailsButTookEffect, dedup.FailsButTookEffect) },
		"confirmation fails":                func(w *world) { w.claims.FailIncarnations(dedup.Fails, dedup.Fails) },
		"settling fails":                    func(w *world) { w.claims.FailSettles(dedup.Fails, dedup.Fails) },
		"settling takes effect, reply lost": func(w *world) { w.claims.FailSettles(dedup.FailsButTookEffect) },
	}
	for name, inject := range tests {
		t.Run(name, func(t *testing.T) {
			inWorld(t, konasim.Config{Latency: konasim.Latency{P50: 10 * time.Millisecond}}, func(w *world) {
				inject(w)
				const n = 50
				for i := range n {
					w.send(topics.Requested, "k", event(i, fmt.Sprint("COMPLETED-", i)))
				}
				w.await(time.Minute)
				if got := len(w.results()); got != n {
					t.Errorf("%d results, want %d", got, n)
				}
			})
		})
	}
}

// TestClaimsLostInFlight: a store that is wiped while a transaction is answered, and rebuilt without it, must not let the transaction
// and its duplicate both be published. The vendor's answer is held back so that the wipe falls between claim and commit.
func TestClaimsLostInFlight(t *testing.T) {
	inWorld(t, konasim.Config{}, func(w *world) {
		w.send(topics.Requested, "k", event(1, "SLOW-2000-1"))
		time.Sleep(time.Second)
		w.claims.Wipe()
		w.send(topics.Requested, "other", event(1, "SLOW-2000-1")) // may claim what the first has lost
		w.await(time.Minute)
		if n := len(w.results()); n != 1 {
			t.Errorf("%d results, want 1", n)
		}
		if n := len(w.read(topics.Duplicates)); n != 1 {
			t.Errorf("%d duplicates, want 1", n)
		}
	})
}

// TestClaimsRebuilt: a store that is wiped, or replaced by one that lost its last claims, is rebuilt from the topics, and intake goes on by
// itself: what is settled or waiting is known again, and none of its duplicates is asked about.
func TestClaimsRebuilt(t *testing.T) {
	losses := map[string]func(*dedup.Fake){"wiped": (*dedup.Fake).Wipe, "replaced": (*dedup.Fake).Replace}
	for name, lose := range losses {
		t.Run(name, func(t *testing.T) {
			inWorld(t, konasim.Config{}, func(w *world) {
				const n = 20
				for i := range n {
					w.send(topics.Requested, "k", event(i, fmt.Sprintf("%s-%d", []string{"COMPLETED", "PENDING-2"}[i%2], i)))
				}
				w.await(time.Minute)
				before := w.vendor.Stats().Calls
				lose(w.claims)
				for i := range n {
					w.send(topics.Requested, "other", event(i, fmt.Sprintf("%s-%d", []string{"COMPLETED", "PENDING-2"}[i%2], i)))
				}
				w.await(time.Minute)
				if calls := w.vendor.Stats().Calls; calls != before {
					t.Errorf("%d calls for duplicates", calls-before)
				}
				time.Sleep(10 * time.Minute)
				if got := len(w.results()); got != n {
					t.Errorf("%d transactions have a final result, want %d", got, n)
				}
				if got := len(w.read(topics.Duplicates)); got != n {
					t.Errorf("%d duplicates, want %d", got, n)
				}
				if holds := w.intake.Holds(); len(holds) > 0 {
					t.Errorf("intake is still held: %v", holds)
				}
			})
		})
	}
}

// TestSettle: after the commit the claim says so, and the same record read again is acknowledged, not asked.
func TestSettle(t *testing.T) {
	inWorld(t, konasim.Config{}, func(w *world) {
		w.send(topics.Requested, "k", event(1, "COMPLETED-1"))
		w.await(time.Minute)
		time.Sleep(time.Second)
		read := w.read(topics.Requested)[0]
		claim := processor.Claim{
			Operation: events.Charge, CorrelationID: correlationID(1), Fingerprint: "COMPLETED-1",
			Owner: processor.Owner{TopicID: w.kafka.TopicInfo(topics.Requested).TopicID, Partition: read.Partition, Offset: read.Offset},
		}
		claimed, err := w.claims.Claim(w.Context(), 1<<30, []processor.Claim{claim})
		w.must(err)
		if claimed[0].Verdict != processor.Redelivered {
			t.Errorf("verdict %d, want Redelivered", claimed[0].Verdict)
		}
	})
}
