package processor

import (
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor/stream"
	"github.com/chargeresult/chargeresult/processor/telemetry"
)

// work is what the processor knows of one message: where it comes from; the event, or why it is none; the claim and its verdict;
// in the end, the outcome.
type work struct {
	origin  origin
	event   events.Event
	fault   *events.DecodeError
	history history
	claim   Claim
	claimed Claimed
	answer  Answer // the last one
	outcome outcome
	traces  traces
	place   place
}

// origin is the input record of a message: the message itself, or the one that a retry record stands for.
type origin struct {
	events.Source
	topicID [16]byte
	time    time.Time
	headers []events.Header
}

// maxEvent is how large an event may be, in bytes of key, value and headers, so that what it has to wait in is not refused by a
// broker's or the client's default limits.
const maxEvent = 900_000

// decode reads the event and prepares its claim.
func (p *Processor) decode(m *stream.Message) *work {
	r := m.Record
	w := &work{origin: origin{source(r), m.TopicID, r.Timestamp, eventHeaders(r.Headers)}}
	operation := events.Charge
	switch _, waited := events.RetryDelay(p.cfg.Topics.RetryPrefix, r.Topic); {
	case waited:
		retry, headers, err := events.DecodeRetry(w.origin.headers)
		if err != nil {
			w.fault = &events.DecodeError{Reason: events.ReasonUndecodable, Field: "headers", Detail: err.Error()}
			return w
		}
		operation = retry.Operation
		w.origin = origin{retry.Origin, retry.OriginTopicID, retry.OriginTime, headers}
		w.traces.first, w.traces.previous = retry.FirstTrace, retry.Trace
		w.history = history{hop: retry.Hop, attempts: retry.Attempts, firstSeen: retry.FirstSeen, firstAsked: retry.FirstAsked, interim: retry.Interim}
	case r.Topic == p.cfg.Topics.Cancelled:
		operation = events.Cancellation
	}
	if w.traces.came = telemetry.Parse(w.traces.previous); !w.traces.came.IsValid() {
		w.traces.came = p.cfg.Telemetry.Extract(w.origin.headers)
	}
	event, err := p.decoder.Decode(operation, events.Message{Value: r.Value, Headers: w.origin.headers, Timestamp: w.origin.time})
	if err != nil {
		errors.As(err, &w.fault) // Decode returns no other
		return w
	}
	if len(r.Key)+len(r.Value)+headerBytes(w.origin.headers) > maxEvent {
		w.fault = &events.DecodeError{Reason: events.ReasonInvalidEvent, Field: "value", Detail: "is too large: an event and its headers may have 900,000 bytes"}
		return w
	}
	w.event, w.history.requestedAt = event, event.RequestedAt
	if w.history.firstSeen.IsZero() {
		w.history.firstSeen = time.Now()
	}
	w.claim = Claim{
		Operation: operation, CorrelationID: event.CorrelationID, Fingerprint: event.SequenceID, Hop: w.history.hop,
		Owner: Owner{TopicID: w.origin.topicID, Partition: w.origin.Partition, Offset: w.origin.Offset},
	}
	return w
}

// dueSlack is how much later than its timestamp and the delay of its topic a record may be due: it is stamped after its due time was set.
const dueSlack = time.Second

// Due says when a retry record may be admitted; zero, which is at once, for any that does not say. A record waits no longer than its
// topic's delay: one whose header says more is damaged, or another's, and would hold back all those behind it.
func (p *Processor) Due(r *kgo.Record) time.Time {
	for i := len(r.Headers) - 1; i >= 0; i-- {
		if h := r.Headers[i]; h.Key == events.HeaderRetryDue {
			due, _ := events.RetryDue([]events.Header{events.Header(h)})
			delay, _ := events.RetryDelay(p.cfg.Topics.RetryPrefix, r.Topic)
			if latest := r.Timestamp.Add(delay + dueSlack); due.After(latest) {
				return latest
			}
			return due
		}
	}
	return time.Time{}
}

func source(r *kgo.Record) events.Source {
	return events.Source{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset}
}
