package processor

import (
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor/stream"
	"github.com/chargeresult/chargeresult/processor/telemetry"
)

// outcome is where a message ended. Exactly one of the first four is set.
type outcome struct {
	result  string // of a final result
	dead    string // the reason of a dead letter
	verdict string // of a record that was acknowledged without being asked about
	wait    string // why the transaction waits in a retry topic
	interim bool   // whether PENDING was published with it

	reason string        // of an UNKNOWN result
	delay  time.Duration // of a wait
}

// publish makes the record of a result. It carries the input record's key, so that subscribers see the results of a key in the
// order of its events; an input record without one lends its correlation ID.
func (p *Processor) publish(m *stream.Message, w *work, r events.Result) (*kgo.Record, error) {
	r.CorrelationID, r.SequenceID, r.Operation = w.event.CorrelationID, w.event.SequenceID, w.event.Operation
	r.Attempts, r.RequestedAt, r.Source = w.history.attempts, w.event.RequestedAt, w.origin.Source
	value, headers, err := r.Encode(p.cfg.Group)
	if err != nil {
		return nil, fmt.Errorf("encode result: %w", err)
	}
	key := m.Record.Key
	if key == nil {
		key = []byte(w.event.CorrelationID)
	}
	return &kgo.Record{Topic: p.cfg.Topics.Result, Key: key, Value: value, Headers: kafkaHeaders(headers)}, nil
}

// final makes the record of how the transaction ended.
func (p *Processor) final(m *stream.Message, w *work, d decision, now time.Time) ([]*kgo.Record, error) {
	w.outcome = outcome{result: d.result, reason: d.reason}
	r, err := p.publish(m, w, events.Result{Result: d.result, Reason: d.reason, Code: d.code, Final: true, Revision: 1, DecidedAt: now})
	return []*kgo.Record{r}, err
}

// park makes the record in which the transaction waits for its next question: the original, with what is known so far in the headers.
// The first time Konaplate says PENDING, subscribers hear of it.
func (p *Processor) park(m *stream.Message, w *work, d decision, now time.Time) ([]*kgo.Record, error) {
	w.outcome = outcome{wait: d.wait, interim: d.interim, delay: d.delay}
	h := w.history
	headers := events.Retry{
		Origin: w.origin.Source, OriginTopicID: w.origin.topicID, OriginTime: w.origin.time, Operation: w.event.Operation,
		Hop: h.hop + 1, Attempts: h.attempts, Due: now.Add(d.delay), Reason: d.wait,
		FirstSeen: h.firstSeen, FirstAsked: h.firstAsked, Interim: h.interim || d.interim,
		Trace: telemetry.Format(w.traces.own), FirstTrace: w.traces.began(),
	}.Headers(w.origin.headers)
	records := []*kgo.Record{{
		Topic: events.RetryTopic(p.cfg.Topics.RetryPrefix, d.delay), Key: m.Record.Key, Value: m.Record.Value, Headers: kafkaHeaders(headers),
	}}
	if !d.interim {
		return records, nil
	}
	pending, err := p.publish(m, w, events.Result{Result: events.Pending, Code: d.code, DecidedAt: now})
	return append(records, pending), err
}

// maxDeadLetter is how large a dead letter may be, in bytes of key, value and headers: what both the client's and the broker's
// defaults take for a batch, less what the batch itself needs.
const maxDeadLetter = 990_000

// deadLetter makes the record of an event that can never be answered: the original, with its origin and the cause in the headers.
// Where all together are too large, the value is cut, and a key that takes more than half; where the headers alone are, they are left out.
func (p *Processor) deadLetter(m *stream.Message, w *work, reason, message string) ([]*kgo.Record, error) {
	r := m.Record
	letter := events.DeadLetter{Source: w.origin.Source, Group: p.cfg.Group, Reason: reason, Message: message, Attempts: w.history.attempts, Trace: telemetry.Format(w.traces.own)}
	headers := letter.Headers(w.origin.headers)
	key, keyCut := events.TruncateKey(r.Key, maxDeadLetter/2)
	room := maxDeadLetter - len(key) - headerBytes(headers)
	if room < 0 {
		letter.Message += fmt.Sprintf("; the original's %d headers are left out, they are too large", len(w.origin.headers))
		headers = letter.Headers(nil)
		room = max(0, maxDeadLetter-len(key)-headerBytes(headers))
	}
	value, cut := events.Truncate(r.Value, room)
	w.outcome = outcome{dead: reason}
	return []*kgo.Record{{
		Topic: p.cfg.Topics.DeadLetter, Key: key, Value: value, Headers: kafkaHeaders(slices.Concat(headers, keyCut, cut)), Timestamp: earlier(w.origin.time, time.Now()),
	}}, nil
}

// earlier keeps a dead letter from being refused for a timestamp in the future: the original's topic may have allowed that, the dead letters' need not.
func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func conflict(w *work) string {
	return fmt.Sprintf("correlation ID %s already stands for another %s: record %s owns it, with another sequence ID than %q",
		w.event.CorrelationID, w.event.Operation, w.claimed.Owner, w.event.SequenceID)
}

// acknowledge makes the record that says that an event needed no answer of its own.
func (p *Processor) acknowledge(w *work) ([]*kgo.Record, error) {
	verdict := events.VerdictDuplicate
	if w.claimed.Verdict == Redelivered {
		verdict = events.VerdictRedelivered
	}
	key, value, err := events.Duplicate{
		CorrelationID: w.event.CorrelationID, SequenceID: w.event.SequenceID, Operation: w.event.Operation,
		Verdict: verdict, Source: w.origin.Source, Owner: w.claimed.Owner.String(),
	}.Encode()
	if err != nil {
		return nil, fmt.Errorf("encode duplicate: %w", err)
	}
	w.outcome = outcome{verdict: verdict}
	return []*kgo.Record{{Topic: p.cfg.Topics.Duplicates, Key: key, Value: value}}, nil
}

func eventHeaders(headers []kgo.RecordHeader) []events.Header {
	if len(headers) == 0 {
		return nil
	}
	converted := make([]events.Header, len(headers))
	for i, h := range headers {
		converted[i] = events.Header(h)
	}
	return converted
}

func kafkaHeaders(headers []events.Header) []kgo.RecordHeader {
	converted := make([]kgo.RecordHeader, len(headers), len(headers)+traceHeaders)
	for i, h := range headers {
		converted[i] = kgo.RecordHeader(h)
	}
	return converted
}

// headerBytes is at least what the headers take up in a record.
func headerBytes(headers []events.Header) int {
	n := 0
	for _, h := range headers {
		n += len(h.Key) + len(h.Value) + 10
	}
	return n
}
