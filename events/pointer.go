package events

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/chargeresult/chargeresult/events/jsonvalue"
)

// pointer is a JSON pointer (RFC 6901), split and unescaped.
type pointer []string

func parsePointer(s string) (pointer, error) {
	if !strings.HasPrefix(s, "/") || !utf8.ValidString(s) {
		return nil, fmt.Errorf("%s is not a JSON pointer (RFC 6901): it must begin with / and be UTF-8", quote(s))
	}
	tokens := strings.Split(s[1:], "/")
	for i, token := range tokens {
		if strings.Contains(strings.NewReplacer("~0", "", "~1", "").Replace(token), "~") {
			return nil, fmt.Errorf("%s is not a JSON pointer (RFC 6901): write ~ as ~0 and / as ~1", quote(s))
		}
		tokens[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(token)
	}
	return tokens, nil
}

// in returns the value p points at in v; nil if there is none.
func (p pointer) in(v jsonvalue.Value) (jsonvalue.Value, error) {
	for _, token := range p {
		child, err := v.Child(token)
		if errors.Is(err, jsonvalue.ErrAmbiguous) {
			return nil, fmt.Errorf("is ambiguous: the key %s occurs more than once", quote(token))
		}
		if child == nil || err != nil {
			return nil, err
		}
		v = child
	}
	return v, nil
}
