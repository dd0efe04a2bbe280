// Package jsonvalue finds values in a JSON text where they stand, and writes strings into one.
//
// Looking fields up in a valid text, instead of unmarshalling it, sees what encoding/json hides: duplicate keys, keys that differ
// in case, halves of surrogate pairs. It allocates nothing but the strings that are asked for and have escapes.
package jsonvalue

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"unicode/utf8"
)

// ErrAmbiguous: a key occurs more than once, and nobody can say which one the sender meant.
var ErrAmbiguous = errors.New("the key occurs more than once")

// Value is a JSON text (RFC 8259), or one value of it, without white space around it. Only Parse makes one, so that its methods
// need not expect anything malformed; the zero Value is none, and has no methods. A Value shares the memory of the text it is of.
type Value []byte

// Parse accepts exactly one JSON text, in UTF-8, no deeper than encoding/json takes it: 10,000 levels.
// An error is the end of a sentence that begins with the text's name.
func Parse(text []byte) (Value, error) {
	if !utf8.Valid(text) {
		i := firstInvalid(text)
		return nil, fmt.Errorf("is not UTF-8: byte 0x%02x at offset %d", text[i], i)
	}
	if !json.Valid(text) {
		var ignored json.RawMessage
		err := json.Unmarshal(text, &ignored) // Valid does not say what is wrong
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			return nil, fmt.Errorf("is not JSON: %w, after %d of %d bytes", err, syntax.Offset, len(text))
		}
		return nil, fmt.Errorf("is not JSON: %w", err)
	}
	return bytes.Trim(text, " \t\r\n"), nil
}

func firstInvalid(text []byte) int {
	i := 0
	for {
		r, n := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && n <= 1 {
			return i
		}
		i += n
	}
}

// Kind says what v is, for people.
func (v Value) Kind() string {
	switch v[0] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	default:
		return "a number"
	}
}

// IsObject says whether v is an object.
func (v Value) IsObject() bool { return v[0] == '{' }

// IsString says whether v is a string.
func (v Value) IsString() bool { return v[0] == '"' }

// IsNull says whether v is null.
func (v Value) IsNull() bool { return v[0] == 'n' }

// Members iterates over the members of the object v as they stand: keys, which are strings, and their values.
func (v Value) Members() iter.Seq2[Value, Value] {
	return func(yield func(key, value Value) bool) {
		for key, rest := v[1:].cut(); len(key) > 0; key, rest = rest.cut() {
			var value Value
			value, rest = rest.cut()
			if !yield(key, value) {
				return
			}
		}
	}
}

// Child returns the member of an object, or the element of an array, that a token of a JSON pointer names; nil if there is
// none. If a key occurs twice, the error is ErrAmbiguous.
func (v Value) Child(token string) (Value, error) {
	switch v[0] {
	case '{':
		var found Value
		for key, value := range v.Members() {
			if !key.Is(token) {
				continue
			}
			if found != nil {
				return nil, ErrAmbiguous
			}
			found = value
		}
		return found, nil
	case '[':
		if n, err := strconv.Atoi(token); err == nil && n >= 0 && strconv.Itoa(n) == token {
			return v.element(n), nil
		}
	}
	return nil, nil
}

// element returns the nth element of an array, counted from 0; nil if it is shorter.
func (v Value) element(n int) Value {
	value, rest := v[1:].cut()
	for ; n > 0 && len(value) > 0; n-- {
		value, rest = rest.cut()
	}
	if len(value) == 0 {
		return nil
	}
	return value
}

// cut returns the next value of the inside of an object or array, and what follows; the value is empty at the end.
func (v Value) cut() (value, rest Value) {
	v = v.next()
	n := v.length()
	return v[:n], v[n:]
}

// next skips what stands between two values of an object or array. What it returns begins with the next, or with the end.
func (v Value) next() Value {
	i := 0
	for v[i] <= ' ' || v[i] == ',' || v[i] == ':' {
		i++
	}
	return v[i:]
}

// length returns where the value ends that v begins with; 0 if v begins with the end of an object or array.
func (v Value) length() int {
	switch v[0] {
	case '"':
		return v.stringLength()
	case '{', '[':
		depth := 0
		for i := 0; ; i++ {
			switch v[i] {
			case '"':
				i += v[i:].stringLength() - 1
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return i + 1
				}
			}
		}
	default:
		return bytes.IndexAny(v, " \t\r\n,]}")
	}
}

func (v Value) stringLength() int {
	for i := 1; ; i++ {
		switch v[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
}
