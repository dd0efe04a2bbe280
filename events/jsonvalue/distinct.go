package jsonvalue

import (
	"bytes"
	"slices"
	"unicode/utf8"
)

// Distinct reports whether no object in v, at whatever depth, has a key twice, in whatever case: as strings.ToLower has it, and
// with U+FFFD for half of a surrogate pair, two readers of such an object might see two different things.
//
// It reads v once, however deep v is and however many keys an object has: senders choose both.
func (v Value) Distinct() bool {
	if v[0] != '{' && v[0] != '[' {
		return true
	}
	var room [16][]byte
	_, ok := v.distinct(room[:0])
	return ok
}

// distinct is Distinct of the value that v begins with; it returns what follows the value. The room behind outer is free.
func (v Value) distinct(outer [][]byte) (rest Value, ok bool) {
	if v[0] != '{' && v[0] != '[' {
		return v[v.length():], true
	}
	keys := outer[len(outer):]
	for rest = v[1:].next(); rest[0] != '}' && rest[0] != ']'; rest = rest.next() {
		if v[0] == '{' {
			n := rest.stringLength()
			keys = append(keys, rest[:n].folded())
			rest = rest[n:].next()
		}
		if rest, ok = rest.distinct(keys); !ok {
			return nil, false
		}
	}
	slices.SortFunc(keys, bytes.Compare)
	for i := 1; i < len(keys); i++ {
		if bytes.Equal(keys[i-1], keys[i]) {
			return nil, false
		}
	}
	return rest[1:], true
}

// folded returns the value of the string v in lower case.
func (v Value) folded() []byte {
	s := v.Mended()
	for _, c := range s {
		if 'A' <= c && c <= 'Z' || c >= utf8.RuneSelf {
			return bytes.ToLower(s)
		}
	}
	return s
}
