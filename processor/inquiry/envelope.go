package inquiry

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/events/jsonvalue"
)

// maxMessage bounds the vendor's message, in bytes.
const maxMessage = 256

// envelope is what a reply's body says, wherever it says it: the API page documents the fields but not where they stand.
type envelope struct {
	result  string // as sent, empty if there is none
	code    string // of the form NNN_NNN, empty if there is none
	message string // as it was said: see shown
}

// open reads a body: one JSON object and nothing else. result stands in the object itself; code and message there, under
// "response" or under "error", in several places if they agree. null is absent. It refuses what two readers might read
// differently: a key twice, in whatever case, a field of another type than text, two codes, an encrypted body.
// What it returns shares no memory with body.
func open(body []byte) (envelope, error) {
	object, err := jsonvalue.Parse(body)
	switch {
	case err != nil:
		return envelope{}, errors.New("the body is not JSON")
	case !object.Distinct():
		return envelope{}, errors.New("a key occurs twice")
	case !object.IsObject():
		return envelope{}, errors.New("the body is not a JSON object")
	}
	root := levelOf(object)
	if root.encData != nil {
		return envelope{}, errors.New("the body is encrypted, and the inquiry is documented unencrypted")
	}
	var e envelope
	if e.result, err = text("result", root.result); err != nil {
		return envelope{}, err
	}
	if err := e.add(root); err != nil {
		return envelope{}, err
	}
	if err := e.addUnder("response", root.response); err != nil {
		return envelope{}, err
	}
	if err := e.addUnder("error", root.error); err != nil {
		return envelope{}, err
	}
	return e, nil
}

// level is the members of an object that count, as they stand; nil: there is none of this name.
type level struct {
	result, code, resultCode, reason, message, description, response, error, encData jsonvalue.Value
}

func levelOf(object jsonvalue.Value) level {
	var l level
	for key, value := range object.Members() {
		switch string(key.Mended()) {
		case "result":
			l.result = value
		case "code":
			l.code = value
		case "resultCode":
			l.resultCode = value
		case "reason":
			l.reason = value
		case "message":
			l.message = value
		case "description":
			l.description = value
		case "response":
			l.response = value
		case "error":
			l.error = value
		case "encData":
			l.encData = value
		}
	}
	return l
}

// addUnder takes over what the level under name says, if there is one.
func (e *envelope) addUnder(name string, value jsonvalue.Value) error {
	if absent(value) {
		return nil
	}
	if !value.IsObject() {
		return fmt.Errorf("%q is not an object", name)
	}
	l := levelOf(value)
	if !absent(l.result) {
		return fmt.Errorf("a result stands under %q", name)
	}
	return e.add(l)
}

// add takes over the code and, if there was none before, the message of one level.
func (e *envelope) add(l level) error {
	if err := e.addCode("code", l.code); err != nil {
		return err
	}
	if err := e.addCode("resultCode", l.resultCode); err != nil {
		return err
	}
	// The portal's own data has the code in "reason"; elsewhere that is a text.
	reason, err := text("reason", l.reason)
	if err != nil {
		return err
	}
	if isCode(reason) {
		if err := e.agree(reason); err != nil {
			return err
		}
		reason = ""
	}
	message, err := text("message", l.message)
	if err != nil {
		return err
	}
	description, err := text("description", l.description)
	if err != nil {
		return err
	}
	e.message = cmp.Or(e.message, message, description, reason)
	return nil
}

func (e *envelope) addCode(name string, value jsonvalue.Value) error {
	code, err := text(name, value)
	switch {
	case err != nil:
		return err
	case absent(value):
		return nil
	case !isCode(code):
		return fmt.Errorf("%q is not of the form NNN_NNN", name)
	}
	return e.agree(code)
}

// agree takes over a code, unless there is another.
func (e *envelope) agree(code string) error {
	if e.code != "" && code != e.code {
		return fmt.Errorf("two codes: %s and %s", e.code, code)
	}
	e.code = code
	return nil
}

// isCode reports whether s has the form of every Konaplate code, NNN_NNN.
func isCode(s string) bool {
	return len(s) == 7 && s[3] == '_' && digits(s[:3]) && digits(s[4:])
}

func digits(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
}

func absent(value jsonvalue.Value) bool { return value == nil || value.IsNull() }

// text returns the text that the member of this name holds, empty if there is none.
func text(name string, value jsonvalue.Value) (string, error) {
	switch {
	case absent(value):
		return "", nil
	case value.IsString():
		return shared(value.Mended()), nil
	}
	return "", fmt.Errorf("%q is not a text", name)
}

// shared returns s as a string. What most replies say is not copied.
func shared(s []byte) string {
	for _, known := range [...]string{events.Completed, events.Failed, events.Pending, codeSuccess} {
		if string(s) == known {
			return known
		}
	}
	return string(s)
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
	s = redact(s, credentials...)
	if len(s) <= maxMessage {
		return s
	}
	s = s[:maxMessage]
	for !utf8.ValidString(s) {
		s = s[:len(s)-1]
	}
	return s
}
