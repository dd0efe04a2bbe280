package inquiry

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// redacted is what is printed in the place of a credential.
const redacted = "[secret]"

// maxCause bounds the text of an error that quotes the other side, in bytes.
const maxCause = 512

// Credential is a key or token. Printed, marshalled or logged it is [secret], or an address where fmt does not ask it: in the
// unexported fields of others, and for %p. fmt follows no pointer to a string. Only Reveal reveals it. The zero value is none.
type Credential struct {
	text *string
}

// Secret returns text as a Credential.
func Secret(text string) Credential { return Credential{&text} }

// Reveal returns what was concealed.
func (c Credential) Reveal() string {
	if c.text == nil {
		return ""
	}
	return *c.text
}

// Format writes [secret], whatever the verb.
func (c Credential) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns [secret]: JSON, YAML and slog ask for it.
func (c Credential) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// minCredential is the length from which on a text is recognised as one of our credentials: a shorter one, such as a static
// token for a simulator, might be a word of any reply.
const minCredential = 16

// redact returns text without the credentials in it: text itself, if it holds none.
func redact(text string, credentials ...string) string {
	for _, c := range credentials {
		if len(c) >= minCredential {
			text = strings.ReplaceAll(text, c, redacted)
		}
	}
	return text
}

// redactBody is redact for a body, which is not copied to look for what is hardly ever in it.
func redactBody(body []byte, credentials ...string) []byte {
	if slices.ContainsFunc(credentials, func(c string) bool { return quotes(body, c) }) {
		return []byte(redact(string(body), credentials...))
	}
	return body
}

// quotes reports whether body holds c. bytes.Contains would want c as bytes, and copy it.
func quotes(body []byte, c string) bool {
	for i := 0; i+len(c) <= len(body); i++ {
		if string(body[i:i+len(c)]) == c {
			return true
		}
	}
	return false
}

// scrub returns err, or, where its text repeats a credential or is very long, an error with what may be shown of the text.
// Errors of net/http quote what the other side sent, and the other side knows what we sent.
func scrub(err error, credentials ...string) error {
	text := err.Error()
	shown := redact(text, credentials...)
	if len(shown) > maxCause {
		shown = strings.ToValidUTF8(shown[:maxCause], "") + "..."
	}
	if shown == text {
		return err
	}
	return errors.New(shown)
}
