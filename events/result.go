package events

import (
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/chargeresult/chargeresult/events/jsonvalue"
)

// How a transaction ended, or that it has not yet.
const (
	Completed = "COMPLETED" // it took place; final
	Failed    = "FAILED"    // it did not; final
	Pending   = "PENDING"   // not known yet, a final result follows; never final
	Unknown   = "UNKNOWN"   // it will not be known, for the reason given; always final
)

// Why a result is UNKNOWN. Readers must expect others: a reason may be added within version 1.
const (
	ReasonTransactionNotFound = "TRANSACTION_NOT_FOUND" // Konaplate does not know the sequence ID (007_009), beyond the grace
	ReasonInvalidSequenceID   = "INVALID_SEQUENCE_ID"   // Konaplate refuses the sequence ID (000_002)
	ReasonRejected            = "REJECTED"              // Konaplate refuses the question, for the reason in the code
	ReasonDeadlineExceeded    = "DEADLINE_EXCEEDED"     // no final answer in the time given
)

// ResultType is the CloudEvents type of a result. A change that old readers cannot take gets another.
const ResultType = "charge.result.v1"

// namespace is the UUID 041d7d22-489f-5a58-a5bf-cca6d51162c7: the UUIDv5 of this project's URL,
// https://github.com/chargeresult/chargeresult, in the namespace for URLs (RFC 9562). It never changes.
const namespace = "\x04\x1d\x7d\x22\x48\x9f\x5a\x58\xa5\xbf\xcc\xa6\xd5\x11\x62\xc7"

// Result is the value of a charge-result record: what is known of a transaction at one revision.
type Result struct {
	CorrelationID string    `json:"correlationId"`      // of the event, in the case it was sent in; compare by Identity
	SequenceID    string    `json:"sequenceId"`         // of the event
	Operation     Operation `json:"operation"`          // CHARGE or CANCELLATION
	Result        string    `json:"result"`             // COMPLETED, FAILED, PENDING or UNKNOWN
	Final         bool      `json:"final"`              // false exactly if PENDING
	Revision      int       `json:"revision"`           // 0 exactly if not final; the highest one of an Identity wins
	Attempts      int       `json:"attempts"`           // how often Konaplate was asked, not counting tries within one ask
	Code          string    `json:"code,omitempty"`     // Konaplate's code (NNN_NNN), if it gave one
	Reason        string    `json:"reason,omitempty"`   // why it is UNKNOWN; only then
	RequestedAt   time.Time `json:"requestedAt"`        // of the event
	DecidedAt     time.Time `json:"decidedAt"`          // when the answer was turned into this result
	Source        Source    `json:"source"`             // the record the event was read from
	ReplayID      string    `json:"replayId,omitempty"` // the replay that published it; only then
}

// Identity returns the transaction r is about.
func (r Result) Identity() Identity { return identity(r.Operation, r.CorrelationID) }

// ResultSource is the CloudEvents source of the results that a consumer group publishes: HeaderSource says it.
func ResultSource(group string) string { return string(appendResultSource(nil, group)) }

func appendResultSource(b []byte, group string) []byte {
	return append(append(b, "/chargeresult/"...), url.PathEscape(group)...)
}

// ID returns the CloudEvents ID of r, a UUIDv5. It is made of nothing but identity and revision, so that a result that is
// published twice has one ID; its name in the project's namespace is "operation/correlation ID in lower case/revision".
func (r Result) ID() string { return string(r.appendID(make([]byte, 0, uuidLen))) }

const uuidLen = len("041d7d22-489f-5a58-a5bf-cca6d51162c7")

func (r Result) appendID(b []byte) []byte {
	id := r.Identity()
	name := append(make([]byte, 0, 128), namespace...)
	name = append(append(name, id.Operation...), '/')
	name = append(append(name, id.CorrelationID...), '/')
	name = strconv.AppendInt(name, int64(r.Revision), 10)
	sum := sha1.Sum(name)       // what a UUIDv5 is made of; nothing here is secret
	sum[6] = sum[6]&0x0f | 0x50 // version 5
	sum[8] = sum[8]&0x3f | 0x80 // variant of RFC 9562

	b = hex.AppendEncode(b, sum[:4])
	for _, group := range [...][]byte{sum[4:6], sum[6:8], sum[8:10], sum[10:16]} {
		b = hex.AppendEncode(append(b, '-'), group)
	}
	return b
}

// How much memory a result needs at most, unless its correlation ID, its group's name or its reason is unusually long.
const (
	resultSize        = 384 // bytes of its value
	resultHeaderCount = 7
	resultHeaderSize  = 160 // bytes of their values
)

// Encode returns r as a CloudEvent in binary mode, published by a consumer group: the value and the headers of its record.
// It fails if r is not valid, which is a fault of the program.
func (r Result) Encode(group string) (value []byte, headers []Header, err error) {
	if err := r.Validate(); err != nil {
		return nil, nil, err
	}
	if value, err = r.appendJSON(make([]byte, 0, resultSize)); err != nil {
		return nil, nil, fmt.Errorf("events: encode result: %w", err)
	}
	l := newHeaderList(resultHeaderCount, resultHeaderSize)
	l.add(HeaderSpecVersion, append(l.values, specVersion...))
	l.add(HeaderID, r.appendID(l.values))
	l.add(HeaderType, append(l.values, ResultType...))
	l.add(HeaderSource, appendResultSource(l.values, group))
	l.add(HeaderSubject, append(l.values, r.CorrelationID...))
	l.add(HeaderTime, r.DecidedAt.AppendFormat(l.values, time.RFC3339Nano))
	l.add(HeaderContentType, append(l.values, mediaJSON...))
	return value, l.headers, nil
}

// appendJSON appends what json.Marshal makes of r: the members in the order of the fields.
func (r Result) appendJSON(b []byte) (_ []byte, err error) {
	b = jsonvalue.AppendString(append(b, `{"correlationId":`...), r.CorrelationID)
	b = jsonvalue.AppendString(append(b, `,"sequenceId":`...), r.SequenceID)
	b = jsonvalue.AppendString(append(b, `,"operation":`...), r.Operation)
	b = jsonvalue.AppendString(append(b, `,"result":`...), r.Result)
	b = strconv.AppendBool(append(b, `,"final":`...), r.Final)
	b = strconv.AppendInt(append(b, `,"revision":`...), int64(r.Revision), 10)
	b = strconv.AppendInt(append(b, `,"attempts":`...), int64(r.Attempts), 10)
	b = appendOptional(b, `,"code":`, r.Code)
	b = appendOptional(b, `,"reason":`, r.Reason)
	if b, err = appendTime(append(b, `,"requestedAt":`...), r.RequestedAt); err != nil {
		return nil, err
	}
	if b, err = appendTime(append(b, `,"decidedAt":`...), r.DecidedAt); err != nil {
		return nil, err
	}
	b = r.Source.appendJSON(append(b, `,"source":`...))
	b = appendOptional(b, `,"replayId":`, r.ReplayID)
	return append(b, '}'), nil
}

// DecodeResult reads the value of a charge-result record. Fields it does not know are ignored, and a reason it does not know
// is kept: both may be added within version 1. Any error means that the record is not a result of version 1.
func DecodeResult(value []byte) (Result, error) {
	var r Result
	if err := json.Unmarshal(value, &r); err != nil {
		return Result{}, fmt.Errorf("events: decode result: %w", err)
	}
	if err := r.check(); err != nil {
		return Result{}, err
	}
	return r, nil
}

// Validate says whether r keeps the contract's promises, and names the first it breaks.
func (r Result) Validate() error {
	if err := r.check(); err != nil {
		return err
	}
	known := []string{"", ReasonTransactionNotFound, ReasonInvalidSequenceID, ReasonRejected, ReasonDeadlineExceeded}
	if !slices.Contains(known, r.Reason) {
		return fmt.Errorf("events: result: reason %s is none of version 1", quote(r.Reason))
	}
	return nil
}

// check is Validate for readers, to whom a newer writer's reason is not a fault.
func (r Result) check() error {
	return firstFault("result",
		fault{"correlationId", badText(r.CorrelationID, maxAnyCorrelationID)},
		fault{"sequenceId", badText(r.SequenceID, maxSequenceID)},
		fault{"operation", badOperation(r.Operation)},
		fault{"result", badResult(r.Result)},
		fault{"final", wants(r.Final == (r.Result != Pending), "must be false for PENDING and true for every other result")},
		fault{"revision", wants(r.Revision >= 0 && (r.Revision > 0) == r.Final, "must be 0 if the result is not final, and at least 1 if it is")},
		fault{"attempts", wants(r.Attempts >= 1 || r.Attempts == 0 && r.Result == Unknown, "must be at least 1 where there was an answer")},
		fault{"code", badCode(r.Code)},
		fault{"reason", wants((r.Reason != "") == (r.Result == Unknown), "must be given for UNKNOWN, and for no other result")},
		fault{"reason", badReason(r.Reason)},
		fault{"requestedAt", badTime(r.RequestedAt)},
		fault{"decidedAt", badTime(r.DecidedAt)},
		fault{"source", badSource(r.Source)},
		fault{"replayId", badReplayID(r.ReplayID)},
	)
}
