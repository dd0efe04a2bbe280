package events

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Why a transaction waits in a retry topic.
const (
	WaitFirstAsk    = "FIRST_ASK_DELAY"       // it has not been asked about yet, on purpose
	WaitPending     = "PENDING"               // Konaplate says so
	WaitNotFound    = "TRANSACTION_NOT_FOUND" // Konaplate does not know it yet
	WaitUnclear     = "UNCLEAR"               // refused with a code that decides nothing
	WaitUnavailable = "UNAVAILABLE"           // Konaplate is down, or what it said is not an answer
	WaitSlowDown    = "SLOW_DOWN"             // Konaplate wants fewer questions
	WaitCredentials = "CREDENTIALS"           // Konaplate refused our credentials
	WaitHalted      = "HALTED"                // it would have ended, but so many ended so that the fault is likely ours
)

// Retry is what the headers of a retry record say of the transaction that waits in it. Key and value of the record are the
// original's, byte for byte.
type Retry struct {
	Origin        Source    // the input record
	OriginTopicID [16]byte  // of its topic: a recreated topic has another one
	OriginTime    time.Time // its timestamp, in milliseconds
	Operation     Operation
	Hop           int       // which retry record of its transaction this is, from 1
	Attempts      int       // how often Konaplate has been asked
	Due           time.Time // when to ask next
	Reason        string    // why it waits, one of the Wait constants
	FirstSeen     time.Time // when the event was first worked on: the deadline counts from here
	FirstAsked    time.Time // when Konaplate was first asked; zero: never
	Interim       bool      // whether an interim result is published
	Trace         string    // trace context of what parked it: see [HeaderTraceParent]; empty: none
	FirstTrace    string    // trace context of what read the event first; empty: none
}

// RetryTopic returns the topic in which transactions wait for a delay: the prefix, a dot, and the delay without its zero
// units, as in charge-result.retry.1m30s. A delay is whole milliseconds, or the name is none that Kafka takes.
func RetryTopic(prefix string, delay time.Duration) string {
	text := delay.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return prefix + "." + text
}

// RetryDelay returns the delay that a topic's name says; false if it is no retry topic of that prefix.
func RetryDelay(prefix, topic string) (time.Duration, bool) {
	rest, ours := strings.CutPrefix(topic, prefix)
	text, more := strings.CutPrefix(rest, ".")
	if !ours || !more {
		return 0, false
	}
	d, err := time.ParseDuration(text)
	return d, err == nil && d > 0 && RetryTopic(prefix, d) == topic
}

// How much memory a retry record's own headers need at most, unless its topic's name, its reason or a trace's state is unusually long.
const (
	retryHeaderCount = 13
	retryHeaderSize  = 384 // bytes of their values
)

// Headers returns the headers of r's record: those of the original record, byte for byte and in their order, then r's own.
// It keeps no hold on original, but shares the values' memory.
func (r Retry) Headers(original []Header) []Header {
	l := newHeaderList(len(original)+retryHeaderCount, retryHeaderSize)
	l.headers = append(l.headers, original...)
	l.add(HeaderRetryOrigin, appendSource(l.values, r.Origin)) // first: what stands before it is the original's
	l.add(HeaderRetryTopicID, hex.AppendEncode(l.values, r.OriginTopicID[:]))
	l.add(HeaderRetryTimestamp, strconv.AppendInt(l.values, r.OriginTime.UnixMilli(), 10))
	l.add(HeaderRetryOperation, append(l.values, r.Operation...))
	l.add(HeaderRetryHop, strconv.AppendInt(l.values, int64(r.Hop), 10))
	l.add(HeaderRetryAttempts, strconv.AppendInt(l.values, int64(r.Attempts), 10))
	l.add(HeaderRetryDue, appendInstant(l.values, r.Due))
	l.add(HeaderRetryReason, append(l.values, r.Reason...))
	l.add(HeaderRetryFirstSeen, appendInstant(l.values, r.FirstSeen))
	l.add(HeaderRetryInterim, strconv.AppendBool(l.values, r.Interim))
	if !r.FirstAsked.IsZero() {
		l.add(HeaderRetryFirstAsked, appendInstant(l.values, r.FirstAsked))
	}
	if r.Trace != "" {
		l.add(HeaderRetryTrace, append(l.values, r.Trace...))
	}
	if r.FirstTrace != "" {
		l.add(HeaderRetryTraceFirst, append(l.values, r.FirstTrace...))
	}
	return l.headers
}

func appendInstant(b []byte, t time.Time) []byte { return t.UTC().AppendFormat(b, time.RFC3339Nano) }

// DecodeRetry reads the headers of a retry record, and returns the original's too, which share headers' memory. An original may
// have been a retry record itself, of something else: the last headers count. An error names every header that is missing or bad.
func DecodeRetry(headers []Header) (r Retry, original []Header, err error) {
	begin := lastHeader(headers, HeaderRetryOrigin)
	if begin < 0 {
		return Retry{}, nil, fmt.Errorf("events: decode retry: %s is missing", HeaderRetryOrigin)
	}
	own := headers[begin:]
	var faults []string
	for _, key := range [...]string{
		HeaderRetryOrigin, HeaderRetryTopicID, HeaderRetryTimestamp, HeaderRetryOperation, HeaderRetryHop, HeaderRetryAttempts,
		HeaderRetryDue, HeaderRetryReason, HeaderRetryFirstSeen, HeaderRetryInterim, HeaderRetryFirstAsked, HeaderRetryTrace, HeaderRetryTraceFirst,
	} {
		i := lastHeader(own, key)
		switch {
		case i < 0 && optional(key):
		case i < 0:
			faults = append(faults, key+" is missing")
		case !r.read(key, own[i].Value):
			faults = append(faults, key+" is "+quote(own[i].Value))
		}
	}
	if len(faults) > 0 {
		return Retry{}, nil, fmt.Errorf("events: decode retry: %s", strings.Join(faults, ", "))
	}
	return r, headers[:begin:begin], nil
}

// optional says whether a retry record may do without a header: it was never asked about, or not traced.
func optional(key string) bool {
	return key == HeaderRetryFirstAsked || key == HeaderRetryTrace || key == HeaderRetryTraceFirst
}

// read sets the field that a header says, and reports whether it says one. It allocates only the topic's name: every
// transaction that waits comes through here at each of its hops.
func (r *Retry) read(key string, value []byte) (ok bool) {
	switch key {
	case HeaderRetryOrigin:
		r.Origin, ok = parseSource(value)
	case HeaderRetryTopicID:
		if len(value) == hex.EncodedLen(len(r.OriginTopicID)) {
			_, err := hex.Decode(r.OriginTopicID[:], value)
			ok = err == nil
		}
	case HeaderRetryTimestamp:
		ms, err := strconv.ParseInt(string(value), 10, 64)
		r.OriginTime, ok = time.UnixMilli(ms).UTC(), err == nil
	case HeaderRetryOperation:
		r.Operation, ok = oneOf(value, Charge, Cancellation)
	case HeaderRetryHop:
		r.Hop, ok = count(value)
		ok = ok && r.Hop > 0
	case HeaderRetryAttempts:
		r.Attempts, ok = count(value)
	case HeaderRetryDue:
		r.Due, ok = moment(value)
	case HeaderRetryReason:
		r.Reason, ok = oneOf(value, WaitFirstAsk, WaitPending, WaitNotFound, WaitUnclear, WaitUnavailable, WaitSlowDown, WaitCredentials)
		if !ok { // of a newer version
			r.Reason, ok = string(value), len(value) > 0
		}
	case HeaderRetryFirstSeen:
		r.FirstSeen, ok = moment(value)
	case HeaderRetryFirstAsked:
		r.FirstAsked, ok = moment(value)
	case HeaderRetryInterim:
		r.Interim, ok = string(value) == "true", string(value) == "true" || string(value) == "false"
	case HeaderRetryTrace: // a damaged one breaks a trace, and must not break a transaction
		r.Trace, ok = string(value), true
	case HeaderRetryTraceFirst:
		r.FirstTrace, ok = string(value), true
	}
	return ok
}

// RetryDue returns when the transaction of a retry record is to be asked about next. It is false where no header says so.
func RetryDue(headers []Header) (due time.Time, ok bool) {
	if i := lastHeader(headers, HeaderRetryDue); i >= 0 {
		return moment(headers[i].Value)
	}
	return time.Time{}, false
}

// oneOf returns which of the known values b is, without a copy of b.
func oneOf[T ~string](b []byte, known ...T) (T, bool) {
	for _, k := range known {
		if string(b) == string(k) {
			return k, true
		}
	}
	return "", false
}

// maxCount is more often than anybody asks: every second for a month.
const maxCount = 10_000_000

func count(b []byte) (int, bool) {
	n, err := strconv.ParseUint(string(b), 10, 32)
	return int(n), err == nil && n <= maxCount
}

func moment(b []byte) (time.Time, bool) {
	var t time.Time
	if err := t.UnmarshalText(b); err != nil {
		return time.Time{}, false
	}
	return t.UTC(), true
}

// appendSource appends what Source's String writes.
func appendSource(b []byte, s Source) []byte {
	b = append(append(b, s.Topic...), '/')
	b = strconv.AppendInt(b, int64(s.Partition), 10)
	return strconv.AppendInt(append(b, '/'), s.Offset, 10)
}

// parseSource reads what Source's String writes.
func parseSource(b []byte) (Source, bool) {
	topic, rest, _ := bytes.Cut(b, []byte("/"))
	partition, offset, _ := bytes.Cut(rest, []byte("/"))
	p, errPartition := strconv.ParseUint(string(partition), 10, 31)
	o, errOffset := strconv.ParseUint(string(offset), 10, 63)
	s := Source{string(topic), int32(p), int64(o)}
	return s, errPartition == nil && errOffset == nil && badSource(s) == ""
}
