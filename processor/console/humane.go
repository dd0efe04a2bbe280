package console

import (
	"fmt"
	"html/template"
	"strconv"
	"time"
)

// moment is a point in time for people, with what browsers and the curious want to know exactly.
type moment struct {
	ISO   string // for the datetime attribute
	Exact string
	Clock string // the time of day, with the day if it is another one
	Ago   string // 3 m ago, in 12 s
}

// when is t as seen at now; the zero time is the zero moment.
func when(t, now time.Time) moment {
	if t.IsZero() {
		return moment{}
	}
	t, now = t.UTC(), now.UTC()
	m := moment{ISO: t.Format(time.RFC3339Nano), Exact: t.Format("2006-01-02 15:04:05.000 UTC"), Clock: t.Format(time.TimeOnly)}
	if y, d := t.Year(), t.YearDay(); y != now.Year() {
		m.Clock = t.Format("2006-01-02 15:04:05")
	} else if d != now.YearDay() {
		m.Clock = t.Format("Jan 2 15:04:05")
	}
	switch d := now.Sub(t); {
	case d >= time.Second:
		m.Ago = long(d) + " ago"
	case d >= 0:
		m.Ago = "just now"
	default:
		m.Ago = "in " + until(-d)
	}
	return m
}

// span is a length of time for people.
type span struct {
	ISO   string // for the datetime attribute
	Exact string
	Text  string
}

func lasting(d time.Duration) span {
	d = max(d, 0)
	return span{
		ISO:   "PT" + strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + "S",
		Exact: strconv.FormatFloat(d.Seconds(), 'f', 3, 64) + " s",
		Text:  short(d),
	}
}

// short is a duration that may be a latency, to three digits at most.
func short(d time.Duration) string {
	switch {
	case d <= 0:
		return "0 s"
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 10*time.Second:
		return strconv.FormatFloat(float64(d/(10*time.Millisecond))/100, 'f', -1, 64) + " s"
	}
	return long(d)
}

// long is a duration that a person waits, in whole seconds and its two largest units.
func long(d time.Duration) string {
	seconds := int64(d / time.Second)
	two := func(n, unit int64, name string, part int64, partName string) string {
		if rest := n % unit / part; rest > 0 {
			return fmt.Sprintf("%d %s %d %s", n/unit, name, rest, partName)
		}
		return fmt.Sprintf("%d %s", n/unit, name)
	}
	const minute, hour, day = 60, 60 * 60, 24 * 60 * 60
	switch {
	case seconds < minute:
		return fmt.Sprintf("%d s", seconds)
	case seconds < hour:
		return two(seconds, minute, "m", 1, "s")
	case seconds < day:
		return two(seconds, hour, "h", minute, "m")
	}
	return two(seconds, day, "d", hour, "h")
}

// until is a duration that is waited for: never 0 s before it is over.
func until(d time.Duration) string { return long(d + time.Second - 1) }

// grouped is a number with its thousands set apart.
func grouped(n int64) string {
	digits := strconv.FormatInt(n, 10)
	start := 0
	if n < 0 {
		start = 1
	}
	for i := len(digits) - 3; i > start; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// plural is a number of things.
func plural(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return grouped(n) + " " + many
}

// percent is a share, in words that never make 0 of something or all of something else.
func percent(part, whole int64) string {
	if whole <= 0 {
		return "–"
	}
	share := 100 * float64(part) / float64(whole)
	switch {
	case part > 0 && share < 0.1:
		return "< 0.1 %"
	case part < whole && share > 99.9:
		return "> 99.9 %"
	case share < 10 && part > 0:
		return strconv.FormatFloat(share, 'f', 1, 64) + " %"
	}
	return strconv.FormatFloat(share, 'f', 0, 64) + " %"
}

// formats are the functions of the templates.
func formats() template.FuncMap {
	return template.FuncMap{
		"count":   func(n any) string { return grouped(integer(n)) },
		"plural":  func(n any, one, many string) string { return plural(integer(n), one, many) },
		"lasting": lasting,
		"percent": percent,
		"words":   explained,
	}
}

func integer(n any) int64 {
	switch n := n.(type) {
	case int:
		return int64(n)
	case int32:
		return int64(n)
	case int64:
		return n
	}
	panic(fmt.Sprintf("%T is no whole number", n)) // a fault of a template, which its test finds
}
