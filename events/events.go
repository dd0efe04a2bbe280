// Package events is the public contract: what upstreams send, what subscribers receive, how both are written on the wire.
//
// It tours in the order of the flow:
//
//   - [Decoder] turns an input record ([Message]) into an [Event], or into a [DecodeError] that says why it never can be one.
//   - [Result] is how a transaction ended, as subscribers of charge-result read it; [DecodeResult] reads one. The interim result
//     of one that has not ended yet is [Pending], revision 0; one that will never be known ends as [Unknown].
//   - [Retry] is what a record says of a transaction that waits in a retry topic ([RetryTopic]) to be asked about again; [DecodeRetry]
//     reads it, and [RetryDue] only when that is. These topics are internal.
//   - [DeadLetter] describes a record that can never be answered; [Duplicate] one whose transaction another record owns.
//   - [Identity] is what all of them are about: one transaction. A charge and its cancellation are two.
//
// The same contract is written down for other languages in [Schemas] and in asyncapi.yaml beside this file, and tests hold
// the three together. testdata/corpus.yaml is its golden corpus: records with what they must decode to.
//
// Everything here is standard library only and pure: no I/O, no clock, nothing to configure but the [Fields]. So a
// subscriber can import it without importing the processor.
//
// A subscriber must read with isolation level read_committed, keep the highest revision of each identity, and may drop what
// has a [Result.ID] it has seen. See the example of [DecodeResult].
package events

import (
	"slices"
	"strings"
	"time"
)

// Operation says which of the two top-up operations an event is about.
// A charge and its cancellation may share a correlation ID; the operation tells them apart.
type Operation string

// The operations, as they are written in results.
const (
	Charge       Operation = "CHARGE"
	Cancellation Operation = "CANCELLATION"
)

// Event is one accepted charge-requested or charge-cancelled event.
type Event struct {
	Operation     Operation
	CorrelationID string    // 20 characters: yyMMddHHmmss- and 7 hex digits of either case; with AnyCorrelationID 1 to 128 of any
	SequenceID    string    // 1 to 30 characters (runes), no control characters
	RequestedAt   time.Time // from the event, in the zone it names; else the record's timestamp, in UTC
}

// Identity returns the transaction e is about.
func (e Event) Identity() Identity { return identity(e.Operation, e.CorrelationID) }

// Identity names one transaction. It is comparable: use it as the key of a map.
type Identity struct {
	Operation     Operation
	CorrelationID string // lower case: correlation IDs are compared without regard to case
}

func identity(op Operation, correlationID string) Identity {
	return Identity{op, strings.ToLower(correlationID)}
}

// Header is one record header. Its fields are those of every Kafka client's header type.
type Header struct {
	Key   string
	Value []byte
}

// lastHeader returns where the last header of a key is; -1 if there is none.
func lastHeader(headers []Header, key string) int {
	for i, h := range slices.Backward(headers) {
		if h.Key == key {
			return i
		}
	}
	return -1
}

// Source names one input record.
type Source struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
}

// String is the source as "topic/partition/offset". No topic name holds a slash.
func (s Source) String() string { return string(appendSource(nil, s)) }
