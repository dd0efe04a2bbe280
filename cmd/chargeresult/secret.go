package main

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
)

const mask = "******"

// Secret is text that shows as ****** wherever it is printed, marshalled or logged. Reveal returns it.
//
// The text is behind a pointer because fmt prints unexported fields without asking their methods: as a field of such
// a field it shows as an address then, not as the text.
type Secret struct{ text *string }

func newSecret(text string) Secret { return Secret{&text} }

// Reveal returns the text, for the one place that sends it; empty if the secret is not set.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// String is ******, or empty if the secret is not set.
func (s Secret) String() string {
	if s.Reveal() == "" {
		return ""
	}
	return mask
}

// Format makes every verb of package fmt, %#v and %x among them, print what String returns.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// MarshalText masks the secret in JSON, YAML and other encodings.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue masks the secret in logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// maskURL hides what may be a password in a URL, well formed or not: the user's, and those among its parameters.
func maskURL(s string) string {
	if at := strings.LastIndex(s, "@"); at >= 0 {
		s = maskUser(s[:at]) + s[at:]
	}
	s, query, found := strings.Cut(s, "?")
	if !found {
		return s
	}
	parameters := strings.Split(query, "&")
	for i, p := range parameters {
		if strings.Contains(strings.ToLower(p), "password") {
			name, _, _ := strings.Cut(p, "=")
			parameters[i] = name + "=" + mask
		}
	}
	return s + "?" + strings.Join(parameters, "&")
}

// maskUser hides the password in what stands before the @ of a URL; all of the user, if there is no colon to tell them apart.
func maskUser(s string) string {
	scheme, user, found := strings.Cut(s, "://")
	if !found {
		scheme, user = "", s
	} else {
		scheme += "://"
	}
	if name, _, has := strings.Cut(user, ":"); has {
		return scheme + name + ":" + mask
	}
	return scheme + mask
}
