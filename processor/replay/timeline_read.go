package replay

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor"
)

// entry is what one record tells of a transaction.
type entry struct {
	operation  events.Operation
	sequenceID string
	source     events.Source // the input record that it is about
	owner      events.Source // of a duplicate: the record that owns the transaction
	result     events.Result // if it is one
	retry      events.Retry  // if it is one
	broken     bool          // an input record that is no event
	step       Step
}

// read reads a record that was found. ours is false for what another group published, and for what only mentions the correlation ID.
//
// What can't be decoded is ours all the same where its bytes hold the ID: whoever looks for the ID wants to know.
func (s *search) read(r *kgo.Record) (e entry, ours bool) {
	e.step = Step{At: r.Timestamp.UTC(), Record: sourceOf(r)}
	switch r.Topic {
	case s.cfg.Result:
		ours = s.readResult(&e, r)
	case s.cfg.DeadLetter:
		ours = s.readDeadLetter(&e, r)
	case s.cfg.Duplicates:
		ours = s.readDuplicate(&e, r)
	default:
		if operation, input := s.cfg.Inputs[r.Topic]; input {
			e.operation, e.source = operation, sourceOf(r)
			ours = s.readEvent(&e, r)
			break
		}
		ours = s.readRetry(&e, r)
	}
	return e, ours
}

func (s *search) isIt(correlationID string) bool { return strings.ToLower(correlationID) == s.id }

func (s *search) readEvent(e *entry, r *kgo.Record) (ours bool) {
	e.step.Kind, e.step.Trace = StepEvent, traceID(header(r, events.HeaderTraceParent))
	event, err := s.cfg.Decoder.Decode(e.operation, events.Message{Value: r.Value, Headers: eventHeaders(r.Headers), Timestamp: r.Timestamp})
	if err != nil {
		e.broken, e.step.Text = true, err.Error()
		return true
	}
	e.sequenceID = event.SequenceID
	e.step.Text = fmt.Sprintf("%s %s, requested at %s", event.Operation, event.SequenceID, instant(event.RequestedAt))
	return s.isIt(event.CorrelationID)
}

func (s *search) readResult(e *entry, r *kgo.Record) (ours bool) {
	if !publishedBy(r, s.group) {
		return false
	}
	result, err := events.DecodeResult(r.Value)
	if err != nil || !s.isIt(result.CorrelationID) {
		return false
	}
	e.operation, e.sequenceID, e.source, e.result = result.Operation, result.SequenceID, result.Source, result
	step := &e.step
	step.Kind, step.Text = StepInterim, endOf(result)
	if result.Final {
		step.Kind = StepFinal
	}
	if result.Revision > 1 {
		step.Text += ", revision " + strconv.Itoa(result.Revision)
	}
	step.Result, step.Reason, step.Code = result.Result, result.Reason, result.Code
	step.Attempt, step.Replay, step.Trace = result.Attempts, result.ReplayID, traceID(header(r, events.HeaderTraceParent))
	return true
}

func (s *search) readRetry(e *entry, r *kgo.Record) (ours bool) {
	retry, original, err := events.DecodeRetry(eventHeaders(r.Headers))
	if err != nil {
		return false // it becomes a dead letter
	}
	event, err := s.cfg.Decoder.Decode(retry.Operation, events.Message{Value: r.Value, Headers: original, Timestamp: retry.OriginTime})
	if err != nil || !s.isIt(event.CorrelationID) {
		return false
	}
	e.operation, e.sequenceID, e.source, e.retry = retry.Operation, event.SequenceID, retry.Origin, retry
	e.step.Kind, e.step.Reason, e.step.Attempt, e.step.Due, e.step.Trace = StepWait, retry.Reason, retry.Attempts, retry.Due, traceID(retry.Trace)
	e.step.Text = fmt.Sprintf("%s, %s; next ask at %s", retry.Reason, asked(retry.Attempts), instant(retry.Due))
	return true
}

func (s *search) readDeadLetter(e *entry, r *kgo.Record) (ours bool) {
	if header(r, events.HeaderErrorConnector) != s.cfg.Group {
		return false
	}
	source, err := origin(r)
	if err != nil {
		return false
	}
	e.operation, e.source = s.cfg.Inputs[source.Topic], source
	original := events.Message{Value: r.Value, Headers: events.OriginalHeaders(eventHeaders(r.Headers)), Timestamp: r.Timestamp}
	if event, err := s.cfg.Decoder.Decode(e.operation, original); err == nil {
		if !s.isIt(event.CorrelationID) {
			return false
		}
		e.sequenceID = event.SequenceID
	}
	e.step.Kind, e.step.Reason, e.step.Text = StepDead, header(r, events.HeaderReason), header(r, events.HeaderErrorMessage)
	if !strings.HasPrefix(e.step.Text, e.step.Reason) {
		e.step.Text = e.step.Reason + ": " + e.step.Text
	}
	e.step.Attempt, _ = strconv.Atoi(header(r, events.HeaderAttempts))
	e.step.Trace = traceID(header(r, events.HeaderProcessedTrace))
	return true
}

func (s *search) readDuplicate(e *entry, r *kgo.Record) (ours bool) {
	duplicate, err := events.DecodeDuplicate(r.Value)
	if err != nil || !s.isIt(duplicate.CorrelationID) {
		return false
	}
	e.operation, e.sequenceID, e.source = duplicate.Operation, duplicate.SequenceID, duplicate.Source
	e.step.Kind = StepDuplicate
	owner := duplicate.Owner
	if parsed, err := processor.ParseOwner(owner); err == nil {
		e.owner = s.sourceOf(parsed)
		owner = e.owner.String()
	}
	e.step.Text = fmt.Sprintf("%s is a duplicate of %s", duplicate.Source, owner)
	if duplicate.Verdict == events.VerdictRedelivered {
		e.step.Text = fmt.Sprintf("%s was read again: its outcome was committed already", duplicate.Source)
	}
	return true
}

// endOf is a result in a few words, as in UNKNOWN TRANSACTION_NOT_FOUND 007_009 after 3 asks.
func endOf(r events.Result) string {
	words := r.Result
	for _, more := range []string{r.Reason, r.Code} {
		if more != "" {
			words += " " + more
		}
	}
	return words + " after " + times(r.Attempts, "ask")
}

func asked(attempts int) string {
	if attempts == 0 {
		return "not asked yet"
	}
	return "asked " + times(attempts, "time")
}

func times(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

func instant(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// traceID is the trace ID of a W3C trace context, a traceparent which a tracestate may follow behind a space. What is none has no trace.
func traceID(text string) string {
	parent, _, _ := strings.Cut(text, " ")
	fields := strings.Split(parent, "-")
	if len(fields) < 4 || len(fields[1]) != 32 || strings.Trim(fields[1], "0123456789abcdef") != "" || strings.Trim(fields[1], "0") == "" {
		return ""
	}
	return fields[1]
}
