package events

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// text is a JSON text (RFC 8259), or one value of it, without white space around it. Only parse makes one,
// so that its methods need not expect anything malformed.
//
// Looking fields up in the valid text, instead of unmarshalling it, sees what encoding/json hides (duplicate keys, keys that
// differ in case, halves of surrogate pairs), allocates nothing, and serves every pointer alike.
type text []byte

// parse accepts exactly one JSON text, in UTF-8. What it returns shares value's memory.
func parse(value []byte) (text, error) {
	if !utf8.Valid(value) {
		i := firstInvalid(value)
		return nil, fmt.Errorf("is not UTF-8: byte 0x%02x at offset %d", value[i], i)
	}
	if !json.Valid(value) {
		var ignored json.RawMessage
		err := json.Unmarshal(value, &ignored) // Valid does not say what is wrong
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			return nil, fmt.Errorf("is not JSON: %w, after %d of %d bytes", err, syntax.Offset, len(value))
		}
		return nil, fmt.Errorf("is not JSON: %w", err)
	}
	return bytes.Trim(value, " \t\r\n"), nil
}

func firstInvalid(value []byte) int {
	i := 0
	for {
		r, n := utf8.DecodeRune(value[i:])
		if r == utf8.RuneError && n <= 1 {
			return i
		}
		i += n
	}
}

// kind says what t is, for people.
func (t text) kind() string {
	switch t[0] {
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

// child returns the member of an object, or the element of an array, that a token of a JSON pointer names; nil if there is
// none. A key that occurs twice is an error: nobody can say which one the sender meant.
func (t text) child(token string) (text, error) {
	switch t[0] {
	case '{':
		var found text
		for key, rest := t[1:].cut(); len(key) > 0; key, rest = rest.cut() {
			var value text
			value, rest = rest.cut()
			if !key.is(token) {
				continue
			}
			if found != nil {
				return nil, fmt.Errorf("is ambiguous: the key %s occurs more than once", quote(token))
			}
			found = value
		}
		return found, nil
	case '[':
		if n, err := strconv.Atoi(token); err == nil && n >= 0 && strconv.Itoa(n) == token {
			return t.element(n), nil
		}
	}
	return nil, nil
}

// element returns the nth element of an array, counted from 0; nil if it is shorter.
func (t text) element(n int) text {
	value, rest := t[1:].cut()
	for ; n > 0 && len(value) > 0; n-- {
		value, rest = rest.cut()
	}
	if len(value) == 0 {
		return nil
	}
	return value
}

// cut returns the next value of the inside of an object or array, and what follows; the value is empty at the end.
func (t text) cut() (value, rest text) {
	i := 0
	for t[i] <= ' ' || t[i] == ',' || t[i] == ':' {
		i++
	}
	n := i + t[i:].length()
	return t[i:n], t[n:]
}

// length returns where the value ends that t begins with; 0 if t begins with the end of an object or array.
func (t text) length() int {
	switch t[0] {
	case '"':
		return t.stringLength()
	case '{', '[':
		depth := 0
		for i := 0; ; i++ {
			switch t[i] {
			case '"':
				i += t[i:].stringLength() - 1
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return i + 1
				}
			}
		}
	default:
		return bytes.IndexAny(t, " \t\r\n,]}")
	}
}

func (t text) stringLength() int {
	for i := 1; ; i++ {
		switch t[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
}

// is says whether the string t has the value s.
func (t text) is(s string) bool {
	if inner, ok := t.plain(); ok {
		return string(inner) == s
	}
	value, err := t.unquote()
	return err == nil && value == s
}

// plain returns the inside of the string t, and whether it has no escapes.
func (t text) plain() (inner []byte, ok bool) {
	inner = t[1 : len(t)-1]
	return inner, bytes.IndexByte(inner, '\\') < 0
}

var errUnpaired = errors.New("holds half of a surrogate pair")

// unquote returns the value of the string t. It refuses half of a surrogate pair, which stands for no character:
// encoding/json puts U+FFFD in its place, and different IDs become the same.
func (t text) unquote() (string, error) {
	inner, ok := t.plain()
	if ok {
		return string(inner), nil
	}
	for i := 0; i < len(inner); i++ {
		if inner[i] != '\\' {
			continue
		}
		if r := codeUnit(inner[i:]); utf16.IsSurrogate(r) {
			if utf16.DecodeRune(r, codeUnit(inner[i+6:])) == utf8.RuneError {
				return "", errUnpaired
			}
			i += 10 // to the last four digits, which hold no backslash
		}
		i++ // what is escaped begins no escape
	}
	var s string
	err := json.Unmarshal(t, &s)
	return s, err
}

// codeUnit returns the UTF-16 code unit that the escape \uXXXX stands for; -1 if b does not begin with one.
func codeUnit(b []byte) rune {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return -1
	}
	n, err := strconv.ParseUint(string(b[2:6]), 16, 16)
	if err != nil {
		return -1
	}
	return rune(n)
}
