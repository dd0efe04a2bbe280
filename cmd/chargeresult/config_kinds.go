package main

import (
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"
)

// kind is how a setting's text becomes its value.
type kind struct {
	form     string              // what is expected, as faults and the reference page say it
	store    func(string) bool   // parses the text into the field; false if it is not of the form
	show     func() string       // the field as `config` prints it
	hide     func(string) string // masks what is secret in the text; nil: nothing is
	secret   bool                // all of it is secret: never shown, never a flag, can be read from a file
	required bool
	boolean  bool // as a flag it needs no value
}

// required marks a setting that has no default and must be given.
func required(k kind) kind {
	k.required = true
	return k
}

// masked shows the text as hide leaves it.
func masked(k kind, hide func(string) string) kind {
	k.hide = hide
	return k
}

func text(field *string, f form) kind {
	return kind{
		form:  f.want,
		store: func(s string) bool { *field = s; return f.ok(s) },
		show:  func() string { return *field },
	}
}

func oneOf(field *string, choices ...string) kind {
	return text(field, form{strings.Join(choices, " or "), func(s string) bool { return slices.Contains(choices, s) }})
}

func secret(field *Secret, f form) kind {
	return kind{
		form:   f.want,
		store:  func(s string) bool { *field = newSecret(s); return f.ok(s) },
		show:   func() string { return field.String() },
		hide:   func(string) string { return mask },
		secret: true,
	}
}

// address is a URL that may hold a password, which alone is masked.
func address(field *Secret, f form) kind {
	return kind{
		form:  f.want,
		store: func(s string) bool { *field = newSecret(s); return f.ok(s) },
		show:  func() string { return maskURL(field.Reveal()) },
		hide:  maskURL,
	}
}

// list is separated by commas, in the configuration file a list too.
func list(field *[]string, f form) kind {
	return kind{
		form: f.want + ", one or more, separated by commas",
		store: func(s string) bool {
			*field = strings.Split(s, ",")
			for i, item := range *field {
				(*field)[i] = strings.TrimSpace(item)
			}
			return !slices.ContainsFunc(*field, func(item string) bool { return !f.ok(item) })
		},
		show: func() string { return strings.Join(*field, ",") },
	}
}

func integer(field *int, lo, hi int) kind {
	return kind{
		form: "a whole number from " + strconv.Itoa(lo) + " to " + strconv.Itoa(hi),
		store: func(s string) (ok bool) {
			n, err := strconv.Atoi(s)
			*field = n
			return err == nil && lo <= n && n <= hi
		},
		show: func() string { return strconv.Itoa(*field) },
	}
}

// ratio is above 0 and at most 1.
func ratio(field *float64) kind {
	return kind{
		form: "a number above 0 and at most 1",
		store: func(s string) bool {
			r, err := strconv.ParseFloat(s, 64)
			*field = r
			return err == nil && 0 < r && r <= 1
		},
		show: func() string { return strconv.FormatFloat(*field, 'g', -1, 64) },
	}
}

// rate is a number of things a second.
func rate(field *float64) kind {
	const most = 1_000_000
	return kind{
		form: "a number from 0 to " + strconv.Itoa(most),
		store: func(s string) bool {
			r, err := strconv.ParseFloat(s, 64)
			*field = r
			return err == nil && 0 <= r && r <= most
		},
		show: func() string { return strconv.FormatFloat(*field, 'g', -1, 64) },
	}
}

// durations are separated by commas, in the configuration file a list too.
func durations(field *[]time.Duration, lo, hi time.Duration) kind {
	return kind{
		form: "durations from " + short(lo) + " to " + short(hi) + ", one or more, separated by commas",
		store: func(s string) bool {
			*field = nil
			ok := true
			for item := range strings.SplitSeq(s, ",") {
				d, err := time.ParseDuration(strings.TrimSpace(item))
				*field = append(*field, d)
				ok = ok && err == nil && lo <= d && d <= hi
			}
			return ok
		},
		show: func() string {
			items := make([]string, len(*field))
			for i, d := range *field {
				items[i] = short(d)
			}
			return strings.Join(items, ",")
		},
	}
}

func duration(field *time.Duration, lo, hi time.Duration) kind {
	return kind{
		form: "a duration from " + short(lo) + " to " + short(hi),
		store: func(s string) bool {
			d, err := time.ParseDuration(s)
			*field = d
			return err == nil && lo <= d && d <= hi
		},
		show: func() string { return short(*field) },
	}
}

func boolean(field *bool) kind {
	return kind{
		form: "true or false",
		store: func(s string) bool {
			b, err := strconv.ParseBool(s)
			*field = b
			return err == nil
		},
		show:    func() string { return strconv.FormatBool(*field) },
		boolean: true,
	}
}

func level(field *slog.Level) kind {
	return kind{
		form:  "debug, info, warn or error",
		store: func(s string) bool { return field.UnmarshalText([]byte(s)) == nil },
		show:  func() string { return strings.ToLower(field.String()) },
	}
}

// unsupported is a setting that must not be given; why says so.
func unsupported(why string) kind {
	return kind{form: why, store: func(string) bool { return false }, show: func() string { return "" }}
}

// short is the duration without its zero units: 1m, not 1m0s.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
