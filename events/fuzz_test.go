package events_test

import (
	"encoding/base64"
	"errors"
	"reflect"
	"regexp"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/chargeresult/chargeresult/events"
)

var correlationIDForm = regexp.MustCompile(`^[0-9]{12}-[0-9a-fA-F]{7}$`)

// FuzzDecode holds, for any value: Decode does not panic, fails with a DecodeError only, keeps the contract's rules in what it
// accepts, and says the same of the same event in every mode.
func FuzzDecode(f *testing.F) {
	for _, c := range corpus(f) {
		f.Add(c.message(f).Value)
	}
	d := newDecoder(f, events.Fields{})
	f.Fuzz(func(t *testing.T, value []byte) {
		plain, plainErr := d.Decode(events.Charge, events.Message{Value: value, Timestamp: recorded})
		checkDecoded(t, plain, plainErr)
		if len(value) == 0 {
			return // a CloudEvent cannot carry it
		}
		if e, err := decodeAs(d, "application/json", value); e != plain || reason(err) != reason(plainErr) {
			t.Errorf("binary mode: %+v, %v; plain: %+v, %v", e, err, plain, plainErr)
		}
		encoded := `{"specversion":"1.0","data_base64":"` + base64.StdEncoding.EncodeToString(value) + `"}`
		if e, err := decodeAs(d, "application/cloudevents+json", []byte(encoded)); e != plain || reason(err) != reason(plainErr) {
			t.Errorf("structured mode, Base64: %+v, %v; plain: %+v, %v", e, err, plain, plainErr)
		}
		if reason(plainErr) == events.ReasonUndecodable {
			return // what is not JSON can be written into an envelope to become some
		}
		inline := `{"specversion":"1.0","data":` + string(value) + `}`
		if e, err := decodeAs(d, "application/cloudevents+json", []byte(inline)); e != plain || reason(err) != reason(plainErr) {
			t.Errorf("structured mode: %+v, %v; plain: %+v, %v", e, err, plain, plainErr)
		}
	})
}

func decodeAs(d *events.Decoder, contentType string, value []byte) (events.Event, error) {
	return d.Decode(events.Charge, events.Message{
		Value:     value,
		Headers:   []events.Header{{Key: "content-type", Value: []byte(contentType)}},
		Timestamp: recorded,
	})
}

// reason returns the Reason of a DecodeError, empty for nil.
func reason(err error) string {
	if e, ok := errors.AsType[*events.DecodeError](err); ok {
		return e.Reason
	}
	return ""
}

// checkDecoded holds an answer of Decode to the contract, in other words than the decoder's own.
func checkDecoded(t *testing.T, e events.Event, err error) {
	t.Helper()
	if err != nil {
		if r := reason(err); e != (events.Event{}) || r != events.ReasonUndecodable && r != events.ReasonInvalidEvent {
			t.Errorf("%+v, %#v", e, err)
		}
		return
	}
	if !correlationIDForm.MatchString(e.CorrelationID) {
		t.Errorf("correlation ID %q", e.CorrelationID)
	} else if at, err := time.Parse("20060102150405", "20"+e.CorrelationID[:12]); err != nil {
		t.Errorf("correlation ID %q at %v: %v", e.CorrelationID, at, err)
	}
	n := 0
	for _, r := range e.SequenceID {
		if n++; unicode.Is(unicode.Cc, r) {
			t.Errorf("sequence ID %q", e.SequenceID)
		}
	}
	if n < 1 || n > 30 || !utf8.ValidString(e.SequenceID) {
		t.Errorf("sequence ID %q of %d characters", e.SequenceID, n)
	}
	// Whatever is accepted can be answered: there is no event that no result could be published for.
	r := goldenResult()
	r.CorrelationID, r.SequenceID, r.Operation, r.RequestedAt = e.CorrelationID, e.SequenceID, e.Operation, e.RequestedAt
	if _, _, err := r.Encode("g"); err != nil {
		t.Errorf("accepted %+v, but its result: %v", e, err)
	}
}

// FuzzResultRoundTrip holds: what Encode accepts, the schema accepts and DecodeResult gives back; what it refuses has no value.
func FuzzResultRoundTrip(f *testing.F) {
	for _, r := range validResults() {
		f.Add(r.CorrelationID, r.SequenceID, string(r.Operation), r.Result, r.Final, r.Revision, r.Attempts, r.Code, r.Reason,
			r.RequestedAt.Unix(), r.DecidedAt.Unix(), int64(r.DecidedAt.Nanosecond()), r.Source.Topic, r.Source.Partition, r.Source.Offset, r.ReplayID)
	}
	s := schema(f, "charge-result.v1.json")
	f.Fuzz(func(t *testing.T, correlationID, sequenceID, operation, result string, final bool, revision, attempts int, code, reason string,
		requestedAt, decidedAt, nanosecond int64, topic string, partition int32, offset int64, replayID string,
	) {
		r := events.Result{
			CorrelationID: correlationID, SequenceID: sequenceID, Operation: events.Operation(operation),
			Result: result, Final: final, Revision: revision, Attempts: attempts, Code: code, Reason: reason,
			RequestedAt: time.Unix(requestedAt, 0).UTC(), DecidedAt: time.Unix(decidedAt, nanosecond).UTC(),
			Source: events.Source{Topic: topic, Partition: partition, Offset: offset}, ReplayID: replayID,
		}
		value, headers, err := r.Encode("g")
		if err != nil {
			if value != nil || headers != nil {
				t.Errorf("refused, but encoded: %s", value)
			}
			return
		}
		if got, err := events.DecodeResult(value); err != nil || got != r {
			t.Errorf("%s: got %+v, %v; want %+v", value, got, err, r)
		}
		if err := s.Validate(mustJSON(t, value)); err != nil {
			t.Error(err)
		}
	})
}

var sourceForm = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)

// FuzzRetry holds, whatever the original's headers are: what Headers writes of a valid Retry, DecodeRetry gives back, the original's
// headers too, and asyncapi.yaml describes it; of any other, nothing is read. Headers written over it are believed as a whole or not at all.
func FuzzRetry(f *testing.F) {
	document, _ := asyncAPI(f)
	s := headerSchema(f, document, "retryHeaders")
	g := goldenRetry()
	for _, key := range headerConstants(f) {
		f.Add(g.Origin.Topic, g.Origin.Partition, g.Origin.Offset, g.OriginTopicID[:], g.OriginTime.UnixMilli(), true, g.Hop, g.Attempts,
			g.Due.UnixNano(), g.Reason, g.FirstSeen.UnixNano(), g.FirstAsked.UnixNano(), g.Interim, key, []byte("1"))
	}
	f.Fuzz(func(t *testing.T, topic string, partition int32, offset int64, topicID []byte, originTime int64, charge bool, hop, attempts int,
		due int64, reason string, firstSeen, firstAsked int64, interim bool, key string, value []byte,
	) {
		r := events.Retry{
			Origin: events.Source{Topic: topic, Partition: partition, Offset: offset}, OriginTime: time.UnixMilli(originTime).UTC(),
			Operation: events.Cancellation, Hop: hop, Attempts: attempts, Due: time.Unix(0, due).UTC(), Reason: reason,
			FirstSeen: time.Unix(0, firstSeen).UTC(), Interim: interim,
		}
		copy(r.OriginTopicID[:], topicID)
		if charge {
			r.Operation = events.Charge
		}
		if firstAsked != 0 {
			r.FirstAsked = time.Unix(0, firstAsked).UTC()
		}
		valid := sourceForm.MatchString(topic) && partition >= 0 && offset >= 0 && hop > 0 && attempts >= 0 && reason != ""
		another := events.Header{Key: key, Value: value}

		headers := r.Headers([]events.Header{another})
		got, original, err := events.DecodeRetry(headers)
		switch {
		case valid != (err == nil):
			t.Errorf("%+v: %v", r, err)
		case valid && (got != r || len(original) != 1 || !reflect.DeepEqual(original[0], another)):
			t.Errorf("%+v of %q, want %+v of %q", got, original, r, another)
		case valid && utf8.ValidString(reason):
			if err := s.Validate(headerMap(headers[1:])); err != nil {
				t.Error(err)
			}
		}
		if got, original, err := events.DecodeRetry(append(headers, another)); err == nil {
			again, _, err := events.DecodeRetry(got.Headers(original))
			if err != nil || again != got {
				t.Errorf("%+v was read from %q, but %+v, %v from what it writes", got, headers, again, err)
			}
		}
		if delay, ok := events.RetryDelay(key, topic); ok && events.RetryTopic(key, delay) != topic {
			t.Errorf("%s waits %v, for which the topic is %s", topic, delay, events.RetryTopic(key, delay))
		}
	})
}
