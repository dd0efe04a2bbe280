package collector

import (
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// written writes the value of an attribute down, the same value always in the same way.
func written(value any) string {
	switch v := value.(type) {
	case string:
		return strconv.Quote(v)
	case []byte:
		return "0x" + hex.EncodeToString(v)
	case []any:
		var elements []string
		for _, element := range v {
			elements = append(elements, written(element))
		}
		return "[" + strings.Join(elements, ", ") + "]"
	case map[string]any:
		var pairs []string
		for _, key := range slices.Sorted(maps.Keys(v)) {
			pairs = append(pairs, strconv.Quote(key)+": "+written(v[key]))
		}
		return "{" + strings.Join(pairs, ", ") + "}"
	}
	return fmt.Sprint(value)
}

// plain is written without quotes where nothing needs them. What is sent may have anything in it, a terminal's control characters too.
func plain(value any) string {
	if s, ok := value.(string); ok && s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r == ' ' || r == '"' || !unicode.IsPrint(r) }) {
		return s
	}
	return written(value)
}

// printable writes a name or a sentence, in which spaces are nothing special.
func printable(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(s)
	}
	return s
}

// brief writes a duration with as many digits as are of use, in at most eight columns up to a day.
func brief(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.2f ms", float64(d)/float64(time.Millisecond))
	case d < 100*time.Millisecond:
		return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%dm %02ds", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%dh %02dm", int(d.Hours()), int(d.Minutes())%60)
}

// cut cuts s to so many columns.
func cut(s string, columns int) string {
	if runes := []rune(s); len(runes) > columns {
		return string(runes[:max(0, columns-1)]) + "…"
	}
	return s
}
