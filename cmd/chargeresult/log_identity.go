package main

import (
	"fmt"
	"hash/fnv"
	"log/slog"
	"slices"
	"strings"
)

// identity tells faults apart: by level, message and attributes, but not by what measures a fault rather than names it. That is durations,
// times, numbers (but a partition's, which is a name), and the digits in sentences: an error tells of ports, offsets and timeouts. What a
// line's context knows does not count either: a fault that befalls every event is one.
func identity(said []byte, line slog.Record) uint64 {
	b := append(slices.Clone(said), line.Level.String()...)
	b = appendText(b, line.Message)
	line.Attrs(func(a slog.Attr) bool {
		b = appendIdentity(b, a)
		return true
	})
	h := fnv.New64a()
	_, _ = h.Write(b) // never fails
	return h.Sum64()
}

func appendIdentity(b []byte, a slog.Attr) []byte {
	b = append(append(b, 0), a.Key...)
	b = append(b, '=')
	switch v := a.Value.Resolve(); v.Kind() {
	case slog.KindDuration, slog.KindTime:
		return b
	case slog.KindInt64, slog.KindUint64, slog.KindFloat64:
		if a.Key == "partition" {
			b = append(b, v.String()...)
		}
		return b
	case slog.KindGroup:
		for _, inner := range v.Group() {
			b = appendIdentity(b, inner)
		}
		return b
	case slog.KindAny:
		if err, ok := v.Any().(error); ok {
			return appendText(b, err.Error())
		}
		return fmt.Append(b, v.Any())
	default:
		return appendText(b, v.String())
	}
}

// appendText appends a name as it is, and a sentence with # for its numbers. A name has no spaces: charge-requested, 10.0.0.1:9092.
func appendText(b []byte, s string) []byte {
	if !strings.Contains(s, " ") {
		return append(b, s...)
	}
	number := false
	for i := range len(s) {
		within := number
		number = '0' <= s[i] && s[i] <= '9'
		switch {
		case !number:
			b = append(b, s[i])
		case !within:
			b = append(b, '#')
		}
	}
	return b
}
