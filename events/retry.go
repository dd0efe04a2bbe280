package events

import (
	"encoding/hex"
	"fmt"
	"slices"
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
}

// RetryTopic returns the topic in which transactions wait for a delay: the prefix, a dot, and the delay without its zero
// units, as in charge-result.retry.1m30s.
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
	text, ok := strings.CutPrefix(topic, prefix+".")
	if !ok {
		return 0, false
	}
	d, err := time.ParseDuration(text)
	return d, err == nil && d > 0 && RetryTopic(prefix, d) == topic
}

// Headers returns the headers of r's record: those of the original record, byte for byte and in their order, then r's own.
// It keeps no hold on original, but shares the values' memory.
func (r Retry) Headers(original []Header) []Header {
	headers := append(slices.Clip(original),
		Header{HeaderRetryOrigin, []byte(r.Origin.String())}, // first: what stands before it is the original's
		Header{HeaderRetryTopicID, hex.AppendEncode(nil, r.OriginTopicID[:])},
		Header{HeaderRetryTimestamp, strconv.AppendInt(nil, r.OriginTime.UnixMilli(), 10)},
		Header{HeaderRetryOperation, []byte(r.Operation)},
		Header{HeaderRetryHop, strconv.AppendInt(nil, int64(r.Hop), 10)},
		Header{HeaderRetryAttempts, strconv.AppendInt(nil, int64(r.Attempts), 10)},
		Header{HeaderRetryDue, instant(r.Due)},
		Header{HeaderRetryReason, []byte(r.Reason)},
		Header{HeaderRetryFirstSeen, instant(r.FirstSeen)},
		Header{HeaderRetryInterim, strconv.AppendBool(nil, r.Interim)},
	)
	if !r.FirstAsked.IsZero() {
		headers = append(headers, Header{HeaderRetryFirstAsked, instant(r.FirstAsked)})
	}
	return headers
}

func instant(t time.Time) []byte { return t.UTC().AppendFormat(nil, time.RFC3339Nano) }

// DecodeRetry reads the headers of a retry record, and returns the original's too, which share headers' memory. Where an
// original was itself a retry record of something else, the last headers count.
func DecodeRetry(headers []Header) (r Retry, original []Header, err error) {
	begin := -1
	for i, h := range slices.Backward(headers) {
		if h.Key == HeaderRetryOrigin {
			begin = i
			break
		}
	}
	if begin < 0 {
		return Retry{}, nil, fmt.Errorf("events: decode retry: no header %s", HeaderRetryOrigin)
	}
	said := map[string]string{}
	for _, h := range headers[begin:] {
		said[h.Key] = string(h.Value)
	}
	var faults []string
	read := func(key string, set func(string) bool) {
		if !set(said[key]) {
			faults = append(faults, fmt.Sprintf("%s is %s", key, quote(said[key])))
		}
	}
	read(HeaderRetryOrigin, func(s string) bool { return parseSource(s, &r.Origin) })
	read(HeaderRetryTopicID, func(s string) bool {
		n, err := hex.Decode(r.OriginTopicID[:], []byte(s[:min(len(s), 32)]))
		return err == nil && n == len(r.OriginTopicID) && len(s) == 32
	})
	read(HeaderRetryTimestamp, func(s string) bool {
		ms, err := strconv.ParseInt(s, 10, 64)
		r.OriginTime = time.UnixMilli(ms).UTC()
		return err == nil
	})
	read(HeaderRetryOperation, func(s string) bool {
		r.Operation = Operation(s)
		return r.Operation == Charge || r.Operation == Cancellation
	})
	read(HeaderRetryHop, counter(&r.Hop, 1))
	read(HeaderRetryAttempts, counter(&r.Attempts, 0))
	read(HeaderRetryDue, moment(&r.Due))
	read(HeaderRetryReason, func(s string) bool { r.Reason = s; return s != "" })
	read(HeaderRetryFirstSeen, moment(&r.FirstSeen))
	read(HeaderRetryInterim, func(s string) bool { r.Interim = s == "true"; return s == "true" || s == "false" })
	if _, asked := said[HeaderRetryFirstAsked]; asked {
		read(HeaderRetryFirstAsked, moment(&r.FirstAsked))
	}
	if len(faults) > 0 {
		return Retry{}, nil, fmt.Errorf("events: decode retry: %s", strings.Join(faults, ", "))
	}
	return r, headers[:begin:begin], nil
}

// RetryDue returns when the transaction of a retry record is to be asked about next. It is false where no header says so.
func RetryDue(headers []Header) (due time.Time, ok bool) {
	for _, h := range slices.Backward(headers) {
		if h.Key == HeaderRetryDue {
			return due, moment(&due)(string(h.Value))
		}
	}
	return time.Time{}, false
}

func counter(to *int, least int) func(string) bool {
	return func(s string) bool {
		n, err := strconv.Atoi(s)
		*to = n
		return err == nil && n >= least
	}
}

func moment(to *time.Time) func(string) bool {
	return func(s string) bool {
		t, err := time.Parse(time.RFC3339Nano, s)
		*to = t
		return err == nil
	}
}

// parseSource reads what Source's String writes.
func parseSource(s string, to *Source) bool {
	fields := strings.Split(s, "/")
	if len(fields) != 3 || fields[0] == "" {
		return false
	}
	partition, err1 := strconv.ParseInt(fields[1], 10, 32)
	offset, err2 := strconv.ParseInt(fields[2], 10, 64)
	*to = Source{fields[0], int32(partition), offset}
	return err1 == nil && err2 == nil && partition >= 0 && offset >= 0
}
