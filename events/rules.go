package events

import (
	"fmt"
	"strconv"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	maxSequenceID       = 30  // runes, Konaplate's limit
	maxAnyCorrelationID = 128 // runes
	maxReplayID         = 128 // runes
	maxOwner            = 128 // runes
	maxReason           = 64  // bytes
	maxTopic            = 249 // bytes, Kafka's limit
	maxQuoted           = 64  // bytes of a foreign value that an error message may show
)

// The rules of the contract's fields. Each returns "" or what is wrong, as the end of a sentence that begins with the field's name.

// badCorrelationID holds s to the form of Konaplate's X-KM-Correlation-Id: yyMMddHHmmss-, then 7 hex digits.
// The zone of the time is unknown, so all it must be is a time that exists on a calendar.
func badCorrelationID(s string) string {
	if len(s) != 20 || !all(s[:12], isDigit) || s[12] != '-' || !all(s[13:], isHexDigit) {
		return "must be yyMMddHHmmss-xxxxxxx (x: hex digit), is " + quote(s)
	}
	if _, err := time.Parse("060102150405", s[:12]); err != nil {
		return "must begin with a real date and time (yyMMddHHmmss), is " + quote(s)
	}
	return ""
}

// badText wants 1 to limit runes of UTF-8, none of them a control character.
func badText(s string, limit int) string {
	switch n := utf8.RuneCountInString(s); {
	case n == 0:
		return "is empty"
	case n > limit:
		return fmt.Sprintf("must be at most %d characters, is %d: %s", limit, n, quote(s))
	case !utf8.ValidString(s):
		return "is not UTF-8: " + quote(s)
	}
	for _, r := range s {
		if unicode.IsControl(r) {
			return "must not hold control characters, is " + quote(s)
		}
	}
	return ""
}

// badTime wants a time that RFC 3339 can write.
func badTime(t time.Time) string {
	if t.IsZero() {
		return "is missing"
	}
	if y := t.Year(); y < 0 || y > 9999 {
		return fmt.Sprintf("must be in the years 0 to 9999, is in %d", y)
	}
	return ""
}

// parseTime reads a time of RFC 3339. The time package's own parsers also take an hour of one digit, a comma before the fraction
// and zones out of range (go.dev/issue/54580), of which some cannot be written again.
func parseTime(s string) (time.Time, bool) {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil || len(s) < len("2006-01-02T15:04:05Z") || s[len("2006-01-02T15")] != ':' || s[len("2006-01-02T15:04:05")] == ',' {
		return time.Time{}, false
	}
	if zone := s[len(s)-len("+07:00"):]; s[len(s)-1] != 'Z' && (zone[1:3] > "23" || zone[4:] > "59") {
		return time.Time{}, false
	}
	return t, true
}

func all(s string, ok func(byte) bool) bool {
	for i := range len(s) {
		if !ok(s[i]) {
			return false
		}
	}
	return true
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isHexDigit(c byte) bool {
	return isDigit(c) || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// quote makes a foreign value safe to show: its first bytes, in ASCII, escaped.
func quote[T ~string | ~[]byte](s T) string {
	if len(s) > maxQuoted {
		return strconv.QuoteToASCII(string(s[:maxQuoted])) + "..."
	}
	return strconv.QuoteToASCII(string(s))
}
