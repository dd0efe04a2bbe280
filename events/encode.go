package events

import (
	"encoding/json"
	"strconv"
	"time"
)

// The parts of a record's JSON, appended. What they write is what json.Marshal writes, byte for byte, at a fifth of its cost.

// appendString appends a JSON string. One that is not all plain ASCII is left to json.Marshal, which knows what to escape.
func appendString[T ~string](b []byte, s T) []byte {
	if !all(string(s), isPlain) {
		quoted, _ := json.Marshal(string(s)) // which can't fail for a string
		return append(b, quoted...)
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

// isPlain says whether c stands for itself in a JSON string as json.Marshal writes it, which is safe in HTML too.
func isPlain(c byte) bool {
	return ' ' <= c && c <= '~' && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&'
}

// appendOptional appends a member, name its key with the comma before it and the colon behind it, unless its value is empty.
func appendOptional(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	return appendString(append(b, name...), value)
}

// appendTime appends a time as a JSON string. It fails where RFC 3339 cannot write it.
func appendTime(b []byte, t time.Time) ([]byte, error) {
	b, err := t.AppendText(append(b, '"'))
	return append(b, '"'), err
}

// appendJSON appends s as a JSON object.
func (s Source) appendJSON(b []byte) []byte {
	b = appendString(append(b, `{"topic":`...), s.Topic)
	b = strconv.AppendInt(append(b, `,"partition":`...), int64(s.Partition), 10)
	b = strconv.AppendInt(append(b, `,"offset":`...), s.Offset, 10)
	return append(b, '}')
}

// headerList is the headers of a record on their way, whose values lie one after another in one piece of memory: an allocation for all.
type headerList struct {
	headers []Header
	values  []byte
}

// newHeaderList has room for n headers and for size bytes of values; more is allocated where they need it.
func newHeaderList(n, size int) headerList {
	return headerList{make([]Header, 0, n), make([]byte, 0, size)}
}

// add adds a header, given l.values with the header's value appended.
func (l *headerList) add(key string, appended []byte) {
	value := appended[len(l.values):len(appended):len(appended)] // who appends to a value must not write into the next
	l.headers = append(l.headers, Header{key, value})
	l.values = appended
}
