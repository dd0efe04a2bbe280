package events

import (
	"cmp"
	"fmt"
	"time"

	"github.com/chargeresult/chargeresult/events/jsonvalue"
)

// Why a record can never be answered, as dead letters say it.
const (
	ReasonUndecodable  = "UNDECODABLE"   // the bytes are not the format: not UTF-8, not JSON, not the CloudEvent they claim to be
	ReasonInvalidEvent = "INVALID_EVENT" // the format is fine, but a field is missing, malformed or ambiguous
	ReasonConflict     = "CONFLICT"      // another record owns the transaction, with another sequence ID
)

// DecodeError says why a record is no event. Asking again never helps: the record is a dead letter until its sender, or the
// decoder's Fields, are corrected.
type DecodeError struct {
	Reason string // ReasonUndecodable or ReasonInvalidEvent
	Field  string // the field at fault, as the contract names it wherever it was looked for; "value" for the record's value itself
	Detail string // what is wrong, for people; shows at most 64 bytes of the sender's value, escaped
}

// Error is the reason, the field and what is wrong with it.
func (e *DecodeError) Error() string { return e.Reason + ": " + e.Field + " " + e.Detail }

// Fields says where events keep their fields, and what a correlation ID may be.
//
// Each of the three is a JSON pointer (RFC 6901) into the event, which is the record's value, or the data of a structured
// CloudEvent. Empty stands for the default.
type Fields struct {
	CorrelationID string // default "/correlationId"
	SequenceID    string // default "/sequenceId"
	RequestedAt   string // default "/requestedAt"

	// AnyCorrelationID accepts any correlation ID of 1 to 128 characters (runes) that are no control characters. It is for
	// inquiries that carry an ID of their own on the wire, where the event's need not be one that Konaplate takes.
	AnyCorrelationID bool
}

// Message is a record as it was read. Decode neither changes nor keeps it.
type Message struct {
	Value     []byte // nil: a tombstone
	Headers   []Header
	Timestamp time.Time // of the record
}

// Decoder turns records into events. It may be used by many goroutines at once.
type Decoder struct {
	correlationID, sequenceID, requestedAt field
	anyCorrelationID                       bool
}

// NewDecoder returns a decoder that finds fields where f says. It fails if one of them is not a JSON pointer.
func NewDecoder(f Fields) (*Decoder, error) {
	d := &Decoder{
		correlationID:    field{name: "correlationId", path: cmp.Or(f.CorrelationID, "/correlationId")},
		sequenceID:       field{name: "sequenceId", path: cmp.Or(f.SequenceID, "/sequenceId")},
		requestedAt:      field{name: "requestedAt", path: cmp.Or(f.RequestedAt, "/requestedAt")},
		anyCorrelationID: f.AnyCorrelationID,
	}
	for _, f := range []*field{&d.correlationID, &d.sequenceID, &d.requestedAt} {
		var err error
		if f.at, err = parsePointer(f.path); err != nil {
			return nil, fmt.Errorf("events: where %s is found: %w", f.name, err)
		}
	}
	return d, nil
}

// Decode reads a record of op's topic: plain JSON, or a CloudEvent in binary mode (its data is plain JSON too), or in structured
// mode if the header content-type says application/cloudevents+json.
//
// It is strict about what it needs and blind to everything else: other fields and headers are ignored. Any error is a *DecodeError.
func (d *Decoder) Decode(op Operation, m Message) (Event, error) {
	data, err := payload(m)
	if err != nil {
		return Event{}, err
	}
	e := Event{Operation: op}
	if e.CorrelationID, err = d.correlationID.text(data); err != nil {
		return Event{}, err
	}
	if bad := d.badCorrelationID(e.CorrelationID); bad != "" {
		return Event{}, d.correlationID.invalid(bad)
	}
	if e.SequenceID, err = d.sequenceID.text(data); err != nil {
		return Event{}, err
	}
	if bad := badText(e.SequenceID, maxSequenceID); bad != "" {
		return Event{}, d.sequenceID.invalid(bad)
	}
	if e.RequestedAt, err = d.requestedAt.time(data, m.Timestamp); err != nil {
		return Event{}, err
	}
	return e, nil
}

func (d *Decoder) badCorrelationID(s string) string {
	if d.anyCorrelationID {
		return badText(s, maxAnyCorrelationID)
	}
	return badCorrelationID(s)
}

// field is one field of the contract and where events keep it.
type field struct {
	name string
	path string // the pointer as it was configured
	at   pointer
}

func (f field) invalid(detail string) error {
	return &DecodeError{Reason: ReasonInvalidEvent, Field: f.name, Detail: detail}
}

// find returns the field's value, nil if the event has none.
func (f field) find(event jsonvalue.Value) (jsonvalue.Value, error) {
	value, err := f.at.in(event)
	if err != nil {
		return nil, f.invalid(err.Error())
	}
	return value, nil
}

// text returns the value of a field that must be there and be a string.
func (f field) text(event jsonvalue.Value) (string, error) {
	value, err := f.find(event)
	if err != nil {
		return "", err
	}
	if value == nil {
		return "", f.invalid("is missing: the event has no " + quote(f.path))
	}
	return f.unquote(value)
}

func (f field) unquote(value jsonvalue.Value) (string, error) {
	if !value.IsString() {
		return "", f.invalid("must be a string, is " + value.Kind() + ": " + quote(value))
	}
	s, err := value.Unquote()
	if err != nil {
		return "", f.invalid(err.Error() + ": " + quote(value))
	}
	return s, nil
}

// time returns the value of a field that may hold a time; else recorded, the record's timestamp. Null, and the zero time that
// .NET and Go write for a time nobody set, are as good as absent.
func (f field) time(event jsonvalue.Value, recorded time.Time) (time.Time, error) {
	value, err := f.find(event)
	if err != nil {
		return time.Time{}, err
	}
	if value != nil && !value.IsNull() {
		s, err := f.unquote(value)
		if err != nil {
			return time.Time{}, err
		}
		t, ok := parseTime(s)
		if !ok {
			return time.Time{}, f.invalid("must be a time as RFC 3339 writes it, is " + quote(s))
		}
		if !t.IsZero() {
			return t, nil
		}
	}
	if bad := badTime(recorded); bad != "" {
		return time.Time{}, f.invalid("is missing, and the record's timestamp " + bad)
	}
	return recorded.UTC(), nil
}
