package replay

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor"
)

const (
	traceA = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	traceB = "00-7d2f6f0b9a3c4e1d8b5a0c1d2e3f4a5b-1f2e3d4c5b6a7988-01"
)

// The whole story: read, PENDING, asked again, answered.
func TestFindStory(t *testing.T) {
	atNoon(t, func(k *kafka) {
		k.noise()
		record := event(requestedTopic, 1)
		record.Headers = []kgo.RecordHeader{{Key: "traceparent", Value: []byte(traceA)}}
		source := k.sent(record)[0]
		time.Sleep(2 * time.Second)
		wait := keyed(k.retry(shortRetry, 1, 1, source), correlationID(1))
		wait.Headers = append(wait.Headers, kgo.RecordHeader{Key: events.HeaderRetryTrace, Value: []byte(traceB + " vendor=x")})
		k.sent(wait, keyed(k.resultRecord(1, 0, source, group), correlationID(1)))
		time.Sleep(10 * time.Second)
		final := keyed(k.resultRecord(1, 1, source, group), correlationID(1))
		final.Headers = append(final.Headers, kgo.RecordHeader{Key: events.HeaderTraceParent, Value: []byte(traceB)})
		k.sent(final)
		k.noise()
		line := k.find(1)
		k.want(line, true, "CHARGE final: event wait interim final")
		k.wantSummary(line, "COMPLETED after 1 ask, 0.0 s after the event")
		transaction := line.Transactions[0]
		if transaction.SequenceID != sequenceID(1) || transaction.Claim != nil || line.Scanned < 4 {
			t.Errorf("transaction %+v, %d scanned", transaction, line.Scanned)
		}
		wants := []struct {
			at      time.Time
			text    string
			trace   string
			attempt int
		}{
			{noon, "CHARGE CHG0000000001, requested at 2026-11-22T10:30:00Z", traceA[3:35], 0},
			{noon.Add(2 * time.Second), "PENDING, asked 1 time; next ask at 2026-11-22T10:30:02Z", traceB[3:35], 1},
			{noon.Add(2 * time.Second), "PENDING after 1 ask", "", 1},
			{noon.Add(12 * time.Second), "COMPLETED after 1 ask", traceB[3:35], 1},
		}
		for i, want := range wants {
			s := transaction.Steps[i]
			if !s.At.Truncate(time.Second).Equal(want.at) || s.Text != want.text || s.Trace != want.trace || s.Attempt != want.attempt {
				t.Errorf("step %d is %+v, want %+v", i, s, want)
			}
		}
		if upper := k.findID(strings.ToUpper(correlationID(1))); brief(upper) != brief(line) {
			t.Errorf("in upper case: %s", brief(upper))
		}
		k.want(k.find(2), true, "")
	})
}

// Where a transaction may be, by what is in the topics.
func TestFindStates(t *testing.T) {
	for name, test := range map[string]struct {
		world   func(k *kafka, source events.Source) []processor.Settlement // beside the event
		want    string
		summary string
	}{
		"not read": {func(k *kafka, _ events.Source) []processor.Settlement {
			return nil
		}, "CHARGE open: event", "the group has no offset of charge-requested[0], the event's is 0"},
		"worked on": {func(k *kafka, at events.Source) []processor.Settlement {
			k.commit(at.Topic, at.Partition, 0)
			return claimsOf{k.claim(1, events.Charge, at, processor.StateClaimed, 0, "")}
		}, "CHARGE open: event", "is being worked on, or was not read yet: the group's offset of charge-requested[0] is 0, the event's is 0"},
		"lost": {func(k *kafka, at events.Source) []processor.Settlement {
			k.commit(at.Topic, at.Partition, 1)
			return nil
		}, "CHARGE open: event", "has finished charge-requested/0/0, but there is no outcome: see `chargeresult reconcile`"},
		"lost, by the offset map": {func(k *kafka, at events.Source) []processor.Settlement {
			again := k.sent(event(requestedTopic, 1))[0]
			k.commit(at.Topic, at.Partition, at.Offset, [2]int64{again.Offset, again.Offset})
			return claimsOf{k.claim(1, events.Charge, again, processor.StateClaimed, 0, "")}
		}, "CHARGE open: event event", "has finished charge-requested/0/1, but there is no outcome"},
		"waits": {func(k *kafka, at events.Source) []processor.Settlement {
			wait := k.retry(shortRetry, 1, 3, at)
			wait.Headers = append(wait.Headers, kgo.RecordHeader{Key: events.HeaderRetryDue, Value: []byte("2026-11-22T10:30:42Z")})
			k.sent(keyed(wait, correlationID(1)))
			return nil
		}, "CHARGE waiting: event wait", "waits: PENDING, next ask at 10:30:42Z (in 42.0 s), has been asked 3 times since 10:30:00Z"},
		"is due": {func(k *kafka, at events.Source) []processor.Settlement {
			k.sent(keyed(k.retry(shortRetry, 1, 1, at), correlationID(1)))
			time.Sleep(time.Minute)
			return nil
		}, "CHARGE waiting: event wait", "waits: PENDING, was due at 10:30:00Z (1m0s ago)"},
		"waits, says its claim": {func(k *kafka, at events.Source) []processor.Settlement {
			return claimsOf{k.claim(1, events.Charge, at, processor.StateWaiting, 2, "")}
		}, "CHARGE waiting: event", "waits, says the claim store (retry record 2)"},
		"settled, says its claim": {func(k *kafka, at events.Source) []processor.Settlement {
			return claimsOf{k.claim(1, events.Charge, at, processor.StateSettled, 0, events.Failed)}
		}, "CHARGE final: event", "FAILED, says the claim store"},
		"dead, says its claim": {func(k *kafka, at events.Source) []processor.Settlement {
			return claimsOf{k.claim(1, events.Charge, at, processor.StateSettled, 0, "")}
		}, "CHARGE dead: event", "dead letter, says the claim store"},
		"revised": {func(k *kafka, at events.Source) []processor.Settlement {
			revised := keyed(k.resultRecord(1, 2, at, group), correlationID(1))
			revised.Value = bytes.Replace(revised.Value, []byte(events.Completed), []byte(events.Failed), 1)
			k.sent(revised, keyed(k.resultRecord(1, 1, at, group), correlationID(1)))
			return nil
		}, "CHARGE final: event final final", "FAILED after 1 ask"},
		"of another group": {func(k *kafka, at events.Source) []processor.Settlement {
			letter := keyed(k.deadLetter(at, "other"), correlationID(1))
			letter.Value = eventJSON(1)
			k.sent(keyed(k.resultRecord(1, 1, at, "other"), correlationID(1)), letter)
			return nil
		}, "CHARGE open: event", "has no offset"},
		"aborted": {func(k *kafka, at events.Source) []processor.Settlement {
			result := keyed(k.resultRecord(1, 1, at, group), correlationID(1))
			result.Partition = at.Partition
			k.open("t", result)(kgo.TryAbort)
			k.noise()
			return nil
		}, "CHARGE open: event", "has no offset"},
		"committed after an abort": {func(k *kafka, at events.Source) []processor.Settlement {
			for _, how := range []kgo.TransactionEndTry{kgo.TryAbort, kgo.TryCommit} {
				result := keyed(k.resultRecord(1, 1, at, group), correlationID(1))
				result.Partition = at.Partition
				k.open("t", result)(how)
			}
			return nil
		}, "CHARGE final: event final", "COMPLETED"},
	} {
		t.Run(name, func(t *testing.T) {
			atNoon(t, func(k *kafka) {
				source := k.sent(event(requestedTopic, 1))[0]
				claims := claimsOf(test.world(k, source))
				line := k.find(1, func(c *FindConfig) { c.Claims = claims })
				k.want(line, true, test.want)
				k.wantSummary(line, test.summary)
			})
		})
	}
}

func TestFindDeadLetters(t *testing.T) {
	for reason, value := range map[string]string{
		events.ReasonUndecodable:  `{"correlationId":"261122103000-0000001", "sequenceId": `,
		events.ReasonInvalidEvent: `{"correlationId":"261122103000-0000001"}`,
		events.ReasonConflict:     string(eventJSON(1)),
	} {
		t.Run(reason, func(t *testing.T) {
			atNoon(t, func(k *kafka) {
				record := keyed(&kgo.Record{Topic: requestedTopic, Value: []byte(value)}, "k")
				source := k.sent(record)[0]
				letter := events.DeadLetter{Source: source, Group: group, Reason: reason, Message: "what is wrong", Trace: traceA}
				k.sent(keyed(&kgo.Record{Topic: deadTopic, Value: record.Value, Headers: kafkaHeaders(letter.Headers(nil)), Timestamp: record.Timestamp}, "k"))
				line := k.find(1)
				k.want(line, true, "CHARGE dead: event dead")
				k.wantSummary(line, "dead letter: "+reason+": what is wrong")
				if step := line.Transactions[0].Steps[1]; step.Reason != reason || step.Trace != traceA[3:35] {
					t.Errorf("step %+v", step)
				}
			})
		})
	}
}

// An event in conflict is dead, and the transaction that it is in conflict with is not.
func TestFindConflict(t *testing.T) {
	atNoon(t, func(k *kafka) {
		owner := k.sent(event(requestedTopic, 1))[0]
		conflicting := event(requestedTopic, 1)
		conflicting.Value = []byte(strings.Replace(string(conflicting.Value), "CHG", "CHX", 1))
		source := k.sent(conflicting)[0]
		letter := events.DeadLetter{Source: source, Group: group, Reason: events.ReasonConflict, Message: "another"}
		k.sent(keyed(&kgo.Record{Topic: deadTopic, Value: conflicting.Value, Headers: kafkaHeaders(letter.Headers(nil))}, correlationID(1)))
		k.want(k.find(1), true, "CHARGE open: event event dead")
		claims := claimsOf{k.claim(1, events.Charge, owner, processor.StateWaiting, 1, "")}
		line := k.find(1, func(c *FindConfig) { c.Claims = claims })
		k.want(line, true, "CHARGE waiting: event event dead")
		if got := line.Transactions[0]; got.SequenceID != sequenceID(1) || *got.Claim != (Claim{"waiting", 1, "", owner.String()}) {
			t.Errorf("transaction %+v with claim %+v", got, got.Claim)
		}
	})
}

// A duplicate leads to its event, and to the owner, wherever they are.
func TestFindDuplicate(t *testing.T) {
	atNoon(t, func(k *kafka) {
		away := event(requestedTopic, 1)
		away.Key, away.Partition = []byte("elsewhere"), 1-partitionOf(correlationID(1), 2)
		k.produce(away)
		owner := sourceOf(away)
		again := k.sent(event(requestedTopic, 1))[0]
		duplicate := k.duplicate(1, again, owner, events.VerdictDuplicate)
		duplicate.Partition = 1
		k.produce(duplicate)
		result := k.resultRecord(1, 1, owner, group)
		result.Key, result.Partition = []byte("elsewhere"), partitionOf("elsewhere", 2)
		k.produce(result)
		line := k.find(1)
		k.want(line, true, "CHARGE final: event event duplicate final")
		if want := fmt.Sprintf("%s is a duplicate of %s", again, owner); line.Transactions[0].Steps[2].Text != want {
			t.Errorf("step %+v, want %s", line.Transactions[0].Steps[2], want)
		}
	})
}

// A producer may place keys in other partitions than we do: a result says where its event is.
func TestFindOtherPartitioner(t *testing.T) {
	atNoon(t, func(k *kafka) {
		elsewhere := event(requestedTopic, 1)
		elsewhere.Partition = 1 - partitionOf(correlationID(1), 2)
		k.produce(elsewhere)
		k.sent(keyed(k.resultRecord(1, 1, sourceOf(elsewhere), group), correlationID(1)))
		k.want(k.find(1), true, "CHARGE final: event final")
	})
}

// A charge and its cancellation are two transactions of one ID, the older first.
func TestFindChargeAndCancellation(t *testing.T) {
	atNoon(t, func(k *kafka) {
		charge := k.sent(event(requestedTopic, 1))[0]
		k.sent(keyed(k.resultRecord(1, 1, charge, group), correlationID(1)))
		time.Sleep(3 * time.Hour)
		cancellation := k.sent(event(cancelledTopic, 1))[0]
		claims := claimsOf{
			k.claim(1, events.Charge, charge, processor.StateSettled, 0, events.Completed),
			k.claim(1, events.Cancellation, cancellation, processor.StateClaimed, 0, ""),
		}
		for _, c := range []ClaimReader{claimsOf{}, claims, claims[1:]} {
			line := k.find(1, func(cfg *FindConfig) { cfg.Claims = c })
			k.want(line, true, "CHARGE final: event final; CANCELLATION open: event")
		}
	})
}

// Only the owner's key leads to where everything is: with its claim at once, without it by looking everywhere.
func TestFindUnderAnotherKey(t *testing.T) {
	elsewhere := "k" // a key that belongs to another partition than the correlation ID
	for partitionOf(elsewhere, 2) == partitionOf(correlationID(1), 2) {
		elsewhere += "k"
	}
	for _, key := range []string{elsewhere, ""} {
		t.Run(key, func(t *testing.T) {
			atNoon(t, func(k *kafka) {
				k.noise()
				of := func(r *kgo.Record, partition int32) *kgo.Record {
					if key != "" {
						return keyed(r, key)
					}
					r.Key, r.Partition = nil, partition
					return r
				}
				source := k.sent(of(event(requestedTopic, 1), 1-partitionOf(correlationID(1), 2)))[0]
				wait, pending := of(k.retry(longRetry, 1, 1, source), source.Partition), of(k.resultRecord(1, 0, source, group), 0)
				if key == "" {
					keyed(pending, correlationID(1))
				}
				k.sent(wait, pending)
				const want = "CHARGE waiting: event wait interim"
				k.want(k.find(1), true, want)
				claims := claimsOf{k.claim(1, events.Charge, source, processor.StateWaiting, 1, "")}
				all, one := k.find(1), k.find(1, func(c *FindConfig) { c.Claims = claims })
				k.want(one, true, want)
				if key != "" && one.Scanned >= all.Scanned {
					t.Errorf("%d records scanned with a claim, %d without", one.Scanned, all.Scanned)
				}
			})
		})
	}
}
