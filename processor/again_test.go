package processor_test

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor"
	"github.com/chargeresult/chargeresult/processor/inquiry/konasim"
)

// asks are the times at which Konaplate was asked about a transaction, since a moment.
func (w *world) asks(sequenceID string, since time.Time) (at []time.Duration) {
	for _, call := range w.vendor.Ledger() {
		if call.SequenceID == sequenceID {
			at = append(at, call.Time.Sub(since).Round(time.Second))
		}
	}
	return at
}

// published are the results of the topic, in order: result, reason, attempts, revision.
func (w *world) published() (all []string) {
	w.Helper()
	for _, r := range w.read(topics.Result) {
		result, err := events.DecodeResult(r.Value)
		w.must(err)
		all = append(all, strings.TrimSpace(fmt.Sprint(result.Result, " ", result.Reason, " ", result.Attempts, " ", result.Revision)))
	}
	return all
}

// TestAskingAgain: when a transaction is asked about again, for how long, and what subscribers see of it.
func TestAskingAgain(t *testing.T) {
	const s, m, h = time.Second, time.Minute, time.Hour
	repeated := func(from, every time.Duration, n int) (at []time.Duration) {
		for i := range n {
			at = append(at, from+time.Duration(i)*every)
		}
		return at
	}
	tests := []struct {
		name     string
		sequence string
		change   func(*world)
		asks     []time.Duration
		want     []string
	}{
		{"answered at once", "COMPLETED-1", nil, repeated(0, 0, 1), []string{"COMPLETED  1 1"}},
		{
			"pending for four asks", "PENDING-4-1", nil,
			[]time.Duration{0, 10 * s, 70 * s, 370 * s, 670 * s},
			[]string{"PENDING  1 0", "COMPLETED  5 1"},
		},
		{
			"pending for ever", "PENDING-1", func(w *world) { w.policy.Deadline = h },
			append([]time.Duration{0, 10 * s}, repeated(70*s, 5*m, 13)...),
			[]string{"PENDING  1 0", "UNKNOWN DEADLINE_EXCEEDED 15 1"},
		},
		{"not found at first", "NOTFOUND-2-1", nil, []time.Duration{0, 10 * s, 70 * s}, []string{"COMPLETED  3 1"}},
		{"never found", "NOTFOUND-1", nil, []time.Duration{0, 10 * s, 70 * s, 370 * s}, []string{"UNKNOWN TRANSACTION_NOT_FOUND 4 1"}},
		{"refused", "REJECTED-1", nil, repeated(0, 0, 1), []string{"UNKNOWN REJECTED 1 1"}},
		{"invalid", "INVALID-1", nil, repeated(0, 0, 1), []string{"UNKNOWN INVALID_SEQUENCE_ID 1 1"}},
		{
			"unclear for ever", "UNCLEAR-1", func(w *world) { w.policy.Deadline = 2 * m },
			[]time.Duration{0, 10 * s, 70 * s, 370 * s},
			[]string{"UNKNOWN REJECTED 4 1"},
		},
		{
			"held back at first", "COMPLETED-1", func(w *world) { w.policy.FirstAskDelay = m },
			[]time.Duration{m},
			[]string{"COMPLETED  1 1"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, konasim.Config{}, func(w *world) {
				began := time.Now()
				w.send(topics.Requested, "k", event(1, tt.sequence))
				time.Sleep(2 * time.Hour)
				if got := w.asks(tt.sequence, began); !reflect.DeepEqual(got, tt.asks) {
					t.Errorf("asked at %v,\nwant %v", got, tt.asks)
				}
				if got := w.published(); !reflect.DeepEqual(got, tt.want) {
					t.Errorf("published %q,\nwant %q", got, tt.want)
				}
				account := w.account()
				if !account.Balanced || account.Total.Final != 1 || account.Total.Waiting != 0 {
					t.Errorf("account %+v", account.Total)
				}
			}, func(w *world) {
				if tt.change != nil {
					tt.change(w)
				}
			})
		})
	}
}

// TestOriginalsTravelUnchanged: a retry record is the original, with more headers, and whoever redelivers it sees them.
func TestOriginalsTravelUnchanged(t *testing.T) {
	inWorld(t, konasim.Config{}, func(w *world) {
		headers := []kgo.RecordHeader{{Key: "a", Value: []byte{0, 255}}, {Key: events.HeaderRetryOrigin, Value: []byte("not ours")}, {Key: "a"}}
		w.send(topics.Requested, "the key", event(1, "PENDING-3-1")+" ", headers...)
		time.Sleep(time.Hour)
		original := w.read(topics.Requested)[0]
		hop := 0
		for _, topic := range waiting(w.policy) {
			for _, r := range w.read(topic) {
				hop++
				retry, kept, err := events.DecodeRetry(plain(r.Headers))
				w.must(err)
				if !bytes.Equal(r.Key, original.Key) || !bytes.Equal(r.Value, original.Value) || !reflect.DeepEqual(kept, plain(original.Headers)) {
					t.Errorf("hop %d holds key %q, value %q, headers %v", hop, r.Key, r.Value, kept)
				}
				if retry.Hop != hop || retry.Attempts != hop || retry.Reason != events.WaitPending || !retry.Interim || !retry.OriginTime.Equal(original.Timestamp.Truncate(time.Millisecond)) {
					t.Errorf("hop %d: %+v", hop, retry)
				}
			}
		}
		if hop != 3 || len(w.results()) != 1 {
			t.Errorf("%d retry records and %d final results, want 3 and 1", hop, len(w.results()))
		}
	})
}

func plain(headers []kgo.RecordHeader) (all []events.Header) {
	for _, h := range headers {
		all = append(all, events.Header(h))
	}
	return all
}

// TestStraysInRetryTopics: what is in a retry topic and no retry record is a dead letter, and holds up nothing.
func TestStraysInRetryTopics(t *testing.T) {
	inWorld(t, konasim.Config{}, func(w *world) {
		topic := waiting(w.policy)[0]
		w.send(topic, "k", event(1, "COMPLETED-1"))
		w.send(topic, "k", "nonsense", kgo.RecordHeader{Key: events.HeaderRetryDue, Value: []byte("tomorrow")})
		w.send(topics.Requested, "k", event(2, "PENDING-1-2"))
		time.Sleep(10 * time.Minute)
		letters := w.read(topics.DeadLetter)
		if len(letters) != 2 || header(letters[0], events.HeaderErrorTopic) != topic || header(letters[0], events.HeaderReason) != events.ReasonUndecodable {
			t.Errorf("%d dead letters: %v", len(letters), letters)
		}
		if len(w.results()) != 1 {
			t.Error("the event beside them has no result")
		}
	})
}

// halted is a world whose vendor says the same to everybody until it is told otherwise.
func halted(t *testing.T, answer string, f func(w *world, right func())) {
	t.Helper()
	var wrong atomic.Bool
	wrong.Store(true)
	script := func(string, int) string {
		if wrong.Load() {
			return answer
		}
		return "COMPLETED"
	}
	inWorld(t, konasim.Config{Script: script, Latency: konasim.Latency{P50: 20 * time.Millisecond}}, func(w *world) {
		const n = 300
		for i := range n {
			w.send(topics.Requested, fmt.Sprint("k", i), event(i, fmt.Sprint("S", i)))
		}
		time.Sleep(time.Hour)
		f(w, func() { wrong.Store(false) })
		if account := w.account(); !account.Balanced || account.Total.Final != n {
			t.Errorf("account %+v", account.Total)
		}
		if holds := w.intake.Holds(); len(holds) > 0 {
			t.Errorf("still held for %v", holds)
		}
	})
}

func (w *world) holds() (reasons []string) {
	for _, h := range w.intake.Holds() {
		reasons = append(reasons, h.Reason)
	}
	return reasons
}

// TestWrongCredentials: not one event is spent on them, however long they are wrong, and hardly a question.
func TestWrongCredentials(t *testing.T) {
	for _, answer := range []string{"HTTP401", "HTTP403"} {
		t.Run(answer, func(t *testing.T) {
			halted(t, answer, func(w *world, right func()) {
				if got := w.holds(); !reflect.DeepEqual(got, []string{processor.HoldCredentials}) {
					t.Errorf("held for %v", got)
				}
				// One round of what was in flight, and then a probe every 15 s, both ends included.
				if calls := w.vendor.Stats().Calls; calls > 64+241 {
					t.Errorf("%d calls in an hour", calls)
				}
				if n := len(w.read(topics.Result)) + len(w.read(topics.DeadLetter)); n > 0 {
					t.Errorf("%d events are spent", n)
				}
				right()
				time.Sleep(time.Hour)
				for _, r := range w.results() {
					if r.Result != events.Completed {
						t.Errorf("%+v", r)
					}
				}
			})
		})
	}
}

// TestWrongEnvironment: what everybody is refused with ends no more than 20.
func TestWrongEnvironment(t *testing.T) {
	for _, answer := range []string{"REJECTED", "INVALID", "NOTFOUND"} {
		t.Run(answer, func(t *testing.T) {
			halted(t, answer, func(w *world, right func()) {
				if got := w.holds(); !reflect.DeepEqual(got, []string{processor.HoldRefusals}) {
					t.Errorf("held for %v", got)
				}
				if n := len(w.results()); n != w.guards.Refusals {
					t.Errorf("%d events are spent, want %d", n, w.guards.Refusals)
				}
				right()
				time.Sleep(time.Hour)
				unknown := 0
				for _, r := range w.results() {
					if r.Result == events.Unknown {
						unknown++
					}
				}
				if unknown != w.guards.Refusals {
					t.Errorf("%d are UNKNOWN in the end, want %d", unknown, w.guards.Refusals)
				}
			})
		})
	}
}

// TestTooManyDeadLetters: a topic full of what can't be read is our fault until somebody says otherwise.
func TestTooManyDeadLetters(t *testing.T) {
	inWorld(t, konasim.Config{}, func(w *world) {
		for i := range 500 {
			w.send(topics.Requested, fmt.Sprint("k", i), "nonsense")
		}
		time.Sleep(time.Hour)
		if n := len(w.read(topics.DeadLetter)); n != w.guards.DeadLetters || !reflect.DeepEqual(w.holds(), []string{processor.HoldDeadLetters}) {
			t.Errorf("%d dead letters, held for %v; want %d", n, w.holds(), w.guards.DeadLetters)
		}
		w.halt()
		w.guards.DeadLetters = 0
		w.start()
		w.await(time.Minute)
		if n := len(w.read(topics.DeadLetter)); n != 500 {
			t.Errorf("%d dead letters in the end, want all", n)
		}
	})
}

// TestLargestEvent: an event that is taken can wait, and one that could not is a dead letter.
func TestLargestEvent(t *testing.T) {
	inWorld(t, konasim.Config{}, func(w *world) {
		const limit = 900_000
		value := event(1, "PENDING-1-1")
		w.send(topics.Requested, "k", value+strings.Repeat(" ", limit-1-len(value)))
		value = event(2, "PENDING-1-2")
		w.send(topics.Requested, "k", value+strings.Repeat(" ", limit-len(value)))
		time.Sleep(10 * time.Minute)
		results, letters := w.results(), w.read(topics.DeadLetter)
		if len(results) != 1 || len(letters) != 1 || header(letters[0], events.HeaderReason) != events.ReasonInvalidEvent {
			t.Errorf("%d results, %d dead letters; want one of each", len(results), len(letters))
		}
	})
}
