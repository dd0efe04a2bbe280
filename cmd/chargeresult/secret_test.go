package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

const hidden = "hunter2hunter2"

func TestSecretNeverShows(t *testing.T) {
	s := newSecret(hidden)
	type exported struct{ Secret Secret }
	type unexported struct{ inner exported }
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%p"} {
		for _, v := range []any{s, &s, exported{s}, &exported{s}, unexported{exported{s}}, []Secret{s}, map[string]Secret{"k": s}} {
			if got := fmt.Sprintf(verb, v); shows(got) {
				t.Errorf("Sprintf(%s, %T) = %s", verb, v, got)
			}
		}
		for _, v := range []any{s, exported{s}, &exported{s}} {
			if got := fmt.Sprintf(verb, v); verb != "%p" && !strings.Contains(got, mask) {
				t.Errorf("Sprintf(%s, %T) = %s, want it masked", verb, v, got)
			}
		}
	}
	asJSON, err := json.Marshal(exported{s})
	if err != nil || string(asJSON) != `{"Secret":"******"}` {
		t.Errorf("JSON: %s, %v", asJSON, err)
	}
	asYAML, err := yaml.Marshal(exported{s})
	if err != nil || shows(string(asYAML)) || !strings.Contains(string(asYAML), mask) {
		t.Errorf("YAML: %s, %v", asYAML, err)
	}
	var logged bytes.Buffer
	for _, h := range []slog.Handler{slog.NewJSONHandler(&logged, nil), slog.NewTextHandler(&logged, nil)} {
		slog.New(h).Info("m", "secret", s, "in", exported{s}, "config", config{InquiryAccessKey: s})
	}
	if shows(logged.String()) || !strings.Contains(logged.String(), mask) {
		t.Errorf("logged: %s", logged.String())
	}
	if s.Reveal() != hidden || s.String() != mask || (Secret{}).String() != "" {
		t.Errorf("Reveal() = %q, String() = %q, zero = %q", s.Reveal(), s, Secret{})
	}
}

// shows reports whether the hidden text can be read from s, in plain or in hex.
func shows(s string) bool {
	return strings.Contains(s, hidden) || strings.Contains(strings.ToLower(s), fmt.Sprintf("%x", hidden))
}

func TestMaskURL(t *testing.T) {
	for in, want := range map[string]string{
		"redis://localhost:6379":                     "redis://localhost:6379",
		"redis://:pw@localhost":                      "redis://:******@localhost",
		"redis://me:pw@localhost/1":                  "redis://me:******@localhost/1",
		"redis://token@localhost":                    "redis://******@localhost",
		"redis://me:p@w:x@localhost":                 "redis://me:******@localhost",
		"redis://me:p%zz@localhost":                  "redis://me:******@localhost",
		"redis://me:p?w@localhost":                   "redis://me:******@localhost",
		"redis://me:p/w@localhost":                   "redis://me:******@localhost",
		"me:pw@localhost":                            "me:******@localhost",
		"redis+sentinel://h?password=pw&addr=x:1":    "redis+sentinel://h?password=******&addr=x:1",
		"redis+sentinel://h?addr=x:1&Password=p%26w": "redis+sentinel://h?addr=x:1&Password=******",
	} {
		if got := maskURL(in); got != want {
			t.Errorf("maskURL(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzMaskURL(f *testing.F) {
	f.Add("me", "/0?addr=x:1", "redis://")
	f.Add("", "?x=@", "rediss+sentinel://")
	f.Fuzz(func(t *testing.T, user, rest, scheme string) {
		for _, url := range []string{scheme + user + ":" + hidden + "@host" + rest, "redis://" + user + "host?password=" + hidden} {
			if masked := maskURL(url); strings.Contains(masked, hidden) {
				t.Errorf("maskURL(%q) = %q", url, masked)
			}
		}
	})
}
