package jsonvalue

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// ErrUnpaired: a string holds half of a surrogate pair, which stands for no character.
var ErrUnpaired = errors.New("holds half of a surrogate pair")

// Is says whether the string v has the value s. One that holds half of a surrogate pair has none.
func (v Value) Is(s string) bool { return string(v.Mended()) == s && !v.unpaired() }

// Unquote returns the value of the string v. For half of a surrogate pair the error is ErrUnpaired:
// encoding/json puts U+FFFD in its place, and different IDs become the same.
func (v Value) Unquote() (string, error) {
	if v.unpaired() {
		return "", ErrUnpaired
	}
	return string(v.Mended()), nil
}

// Mended returns the value of the string v as encoding/json has it: with U+FFFD in the place of each half of a surrogate pair.
// Without escapes it shares v's memory.
func (v Value) Mended() []byte {
	inner := v[1 : len(v)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return inner
	}
	var s string
	_ = json.Unmarshal(v, &s) // it is valid
	return []byte(s)
}

// unpaired says whether the string v holds half of a surrogate pair.
func (v Value) unpaired() bool {
	inner := v[1 : len(v)-1]
	for i := 0; i < len(inner); i++ {
		if inner[i] != '\\' {
			continue
		}
		if r := codeUnit(inner[i:]); utf16.IsSurrogate(r) {
			if utf16.DecodeRune(r, codeUnit(inner[i+6:])) == utf8.RuneError {
				return true
			}
			i += 10 // to the last four digits, which hold no backslash
		}
		i++ // what is escaped begins no escape
	}
	return false
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
