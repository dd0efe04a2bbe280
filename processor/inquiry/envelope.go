package inquiry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxMessage bounds the vendor's message, in bytes.
const maxMessage = 256

// codeForm is the form of every Konaplate code.
var codeForm = regexp.MustCompile(`^\d{3}_\d{3}$`)

// envelope is what a reply's body says, wherever it says it: the API page documents the fields but not where they stand.
type envelope struct {
	result  string // as sent, empty if there is none
	code    string // of the form NNN_NNN, empty if there is none
	message string // as it was said: see shown
}

// open reads a body: one JSON object and nothing else. result stands in the object itself; code and message there, under
// "response" or under "error", in several places if they agree. null is absent. It refuses what two readers might read
// differently: a key twice, in whatever case, a field of another type than text, two codes, an encrypted body.
func open(body []byte) (envelope, error) {
	root, err := strictObject(body)
	if err != nil {
		return envelope{}, err
	}
	if _, encrypted := root["encData"]; encrypted {
		return envelope{}, errors.New("the body is encrypted, and the inquiry is documented unencrypted")
	}
	var e envelope
	if e.result, err = text(root, "result"); err != nil {
		return envelope{}, err
	}
	if err := e.add(root); err != nil {
		return envelope{}, err
	}
	for _, name := range []string{"response", "error"} {
		switch level := root[name].(type) {
		case nil:
		case map[string]any:
			if level["result"] != nil {
				return envelope{}, fmt.Errorf("a result stands under %q", name)
			}
			if err := e.add(level); err != nil {
				return envelope{}, err
			}
		default:
			return envelope{}, fmt.Errorf("%q is not an object", name)
		}
	}
	return e, nil
}

// add takes over the code and, if there was none before, the message of one level.
func (e *envelope) add(level map[string]any) error {
	for _, name := range []string{"code", "resultCode"} {
		code, err := text(level, name)
		if err != nil {
			return err
		}
		if _, present := level[name].(string); present && !codeForm.MatchString(code) {
			return fmt.Errorf("%q is not of the form NNN_NNN", name)
		}
		if err := e.addCode(code); err != nil {
			return err
		}
	}
	// The portal's own data has the code in "reason"; elsewhere that is a text.
	reason, err := text(level, "reason")
	if err != nil {
		return err
	}
	if codeForm.MatchString(reason) {
		if err := e.addCode(reason); err != nil {
			return err
		}
		reason = ""
	}
	for _, name := range []string{"message", "description"} {
		said, err := text(level, name)
		if err != nil {
			return err
		}
		if e.message == "" {
			e.message = said
		}
	}
	if e.message == "" {
		e.message = reason
	}
	return nil
}

func (e *envelope) addCode(code string) error {
	if code != "" && e.code != "" && code != e.code {
		return fmt.Errorf("two codes: %s and %s", e.code, code)
	}
	if code != "" {
		e.code = code
	}
	return nil
}

// text returns the text under name, empty if there is none.
func text(level map[string]any, name string) (string, error) {
	switch v := level[name].(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	}
	return "", fmt.Errorf("%q is not a text", name)
}

func strictObject(body []byte) (map[string]any, error) {
	// Valid comes first: the decoder below stops after one value, and replaces what is not UTF-8.
	if !utf8.Valid(body) || !json.Valid(body) {
		return nil, errors.New("the body is not JSON")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber() // a number too large for a float64 is still JSON
	value, err := strictValue(dec)
	if err != nil {
		return nil, err
	}
	object, ok := value.(map[string]any)
	if !ok {
		return nil, errors.New("the body is not a JSON object")
	}
	return object, nil
}

// strictValue reads the next value as json.Decoder would, but takes no key twice. Its depth is bounded by json.Valid, at 10,000.
func strictValue(dec *json.Decoder) (any, error) {
	token, err := dec.Token()
	if err != nil {
		return nil, fmt.Errorf("the body is not JSON: %w", err)
	}
	switch token {
	case json.Delim('['):
		for dec.More() {
			if _, err := strictValue(dec); err != nil {
				return nil, err
			}
		}
		_, err := dec.Token()
		return []any{}, err // nothing that is asked for is a list
	case json.Delim('{'):
		return strictMembers(dec)
	}
	return token, nil
}

func strictMembers(dec *json.Decoder) (map[string]any, error) {
	object, seen := map[string]any{}, map[string]bool{}
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return nil, fmt.Errorf("the body is not JSON: %w", err)
		}
		key, _ := token.(string) // Valid has seen that it is one
		folded := strings.ToLower(key)
		if seen[folded] {
			return nil, errors.New("a key occurs twice")
		}
		seen[folded] = true
		if object[key], err = strictValue(dec); err != nil {
			return nil, err
		}
	}
	_, err := dec.Token()
	return object, err
}

// shown returns what may be shown of a message: without characters that do not print, without our credentials, and cut to maxMessage
// bytes between characters. Credentials are looked for in what was decoded: a body may hold them escaped.
func shown(s string, credentials ...string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
	s = string(redact([]byte(s), credentials...))
	if len(s) <= maxMessage {
		return s
	}
	s = s[:maxMessage]
	for !utf8.ValidString(s) {
		s = s[:len(s)-1]
	}
	return s
}
