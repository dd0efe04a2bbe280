package events

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
)

// DeadLetter says where a record came from that can never be answered, and why it cannot.
type DeadLetter struct {
	Source       Source // the original record
	Group        string // the consumer group that gave it up
	Reason       string // ReasonUndecodable, ReasonInvalidEvent or ReasonConflict
	Message      string // what is wrong, for people; no secrets
	Attempts     int    // how often Konaplate was asked
	RedriveCount int    // how often the record had been redriven before
	Trace        string // trace context in which it died: see [HeaderTraceParent]; empty: none
}

// Headers returns the headers of d's record: those of the original record, byte for byte and in their order, then d's own.
// It keeps no hold on original, but shares the values' memory.
func (d DeadLetter) Headers(original []Header) []Header {
	stage := "VALUE_CONVERTER" // names of Connect's Stage enum
	if d.Reason == ReasonConflict {
		stage = "TASK_PUT"
	}
	headers := append(slices.Clip(original),
		Header{HeaderErrorTopic, []byte(d.Source.Topic)},
		Header{HeaderErrorPartition, strconv.AppendInt(nil, int64(d.Source.Partition), 10)},
		Header{HeaderErrorOffset, strconv.AppendInt(nil, d.Source.Offset, 10)},
		Header{HeaderErrorConnector, []byte(d.Group)},
		Header{HeaderErrorStage, []byte(stage)},
		Header{HeaderErrorClass, []byte(d.Reason)},
		Header{HeaderErrorMessage, []byte(d.Message)},
		Header{HeaderReason, []byte(d.Reason)},
		Header{HeaderAttempts, strconv.AppendInt(nil, int64(d.Attempts), 10)},
		Header{HeaderRedriveCount, strconv.AppendInt(nil, int64(d.RedriveCount), 10)},
	)
	if d.Trace != "" {
		headers = append(headers, Header{HeaderProcessedTrace, []byte(d.Trace)})
	}
	return headers
}

// OriginalHeaders returns the headers that the original of a dead letter had: those before its last HeaderErrorTopic,
// because an original may have been a dead letter of something else. It shares headers' memory.
func OriginalHeaders(headers []Header) []Header {
	if i := lastHeader(headers, HeaderErrorTopic); i >= 0 {
		return headers[:i:i]
	}
	return headers
}

// Truncate cuts a value to at most limit bytes, so that a dead letter, with its headers, fits its topic's max.message.bytes.
// The headers to add carry what was there: the full size, and its SHA-256; there are none if the value fits.
// What it returns shares value's memory.
func Truncate(value []byte, limit int) ([]byte, []Header) {
	return truncate(value, limit, HeaderValueSize, HeaderValueSHA256)
}

// TruncateKey does the same with a key.
func TruncateKey(key []byte, limit int) ([]byte, []Header) {
	return truncate(key, limit, HeaderKeySize, HeaderKeySHA256)
}

func truncate(text []byte, limit int, size, hash string) ([]byte, []Header) {
	if len(text) <= limit {
		return text, nil
	}
	sum := sha256.Sum256(text)
	return text[:limit:limit], []Header{
		{size, strconv.AppendInt(nil, int64(len(text)), 10)},
		{hash, hex.AppendEncode(nil, sum[:])},
	}
}
