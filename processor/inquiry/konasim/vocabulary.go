package konasim

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// named is what the name of an answer stands for.
type named struct {
	name    string // in full, with its number
	answer  answer
	counted bool // the answer is given times times, then COMPLETED
	times   int
}

// The API page's test data, and their like.
var (
	completed = answer{name: "COMPLETED", status: http.StatusOK, code: "000_000", message: "Success", result: "COMPLETED"}
	failed    = answer{name: "FAILED", status: http.StatusOK, code: "000_000", message: "Success", result: "FAILED"}
	pending   = answer{name: "PENDING", status: http.StatusOK, code: "000_000", message: "Success", result: "PENDING"}
	notFound  = answer{name: "NOTFOUND", status: http.StatusBadRequest, code: "007_009", message: "Previous transaction not found."}
	rejected  = answer{name: "REJECTED", status: http.StatusBadRequest, code: "007_004", message: "Withdraw failure from PG"}

	sequenceInvalid = *invalid("sequenceId")
)

var outages = map[Outage]answer{
	Unavailable: {name: "DOWN", status: http.StatusServiceUnavailable},
	Closing:     {name: "DOWN", instead: reset},
	Hanging:     {name: "DOWN", instead: hang},
}

// vocabulary are the names without a number.
var vocabulary = map[string]answer{
	"COMPLETED":     completed,
	"FAILED":        failed,
	"PENDING":       pending,
	"NOTFOUND":      notFound,
	"INVALID":       sequenceInvalid,
	"REJECTED":      rejected,
	"UNCLEAR":       {name: "UNCLEAR", status: http.StatusBadRequest, code: "000_999", message: "Unknown error"},
	"DOWN":          outages[Unavailable],
	"HANG":          {name: "HANG", instead: hang},
	"RESET":         {name: "RESET", instead: reset},
	"DRIP":          dripping(time.Second),
	"TRUNCATED":     irregular("TRUNCATED", nil, map[string]string{"Content-Length": "4096"}),
	"OVERSIZED":     irregular("OVERSIZED", oversized, nil),
	"BOMB":          irregular("BOMB", bomb, map[string]string{"Content-Encoding": "gzip"}),
	"HTML":          irregular("HTML", page, map[string]string{"Content-Type": "text/html"}),
	"REDIRECT":      {name: "REDIRECT", status: http.StatusTemporaryRedirect, header: map[string]string{"Location": Path}},
	"FOREIGN":       irregular("FOREIGN", nil, map[string]string{"X-KM-Correlation-Id": "000101000000-fffffff"}),
	"NOECHO":        irregular("NOECHO", nil, map[string]string{"X-KM-Correlation-Id": ""}),
	"DUPKEY":        irregular("DUPKEY", twice, nil),
	"TRAILING":      irregular("TRAILING", trailing, nil),
	"MISTYPED":      irregular("MISTYPED", mistyped, nil),
	"ENCRYPTED":     irregular("ENCRYPTED", encrypted, nil),
	"ODD":           {name: "ODD", status: http.StatusOK, code: "000_000", message: "Success", result: "SETTLED"},
	"CONTRADICTION": {name: "CONTRADICTION", status: http.StatusOK, code: "007_009", message: notFound.message, result: "COMPLETED"},
	"RESULT500":     {name: "RESULT500", status: http.StatusInternalServerError, code: "000_000", message: "Success", result: "COMPLETED"},
}

// lookup returns what a name stands for. False: it is no name.
func lookup(name string) (named, bool) {
	n := named{name: name}
	if a, ok := vocabulary[name]; ok {
		n.answer = a
		return n, true
	}
	word, text, numbered := strings.Cut(name, "-")
	number, err := strconv.ParseUint(text, 10, 31)
	if numbered && err != nil {
		return named{}, false
	}
	milliseconds := time.Duration(number) * time.Millisecond
	status, isStatus := statusOf(word)
	switch {
	case isStatus:
		n.answer = bare(status)
		if numbered {
			n.answer.header = map[string]string{"Retry-After": text}
		}
	case numbered && (word == "PENDING" || word == "NOTFOUND"):
		n.answer, n.counted, n.times = vocabulary[word], true, int(number)
	case numbered && word == "SLOW":
		n.answer = completed
		n.answer.name, n.answer.delay = word, milliseconds
	case numbered && word == "DRIP" && number > 0:
		n.answer = dripping(milliseconds)
	default:
		return named{}, false
	}
	return n, true
}

// statusOf reads HTTP<status>.
func statusOf(word string) (int, bool) {
	digits, ok := strings.CutPrefix(word, "HTTP")
	status, err := strconv.ParseUint(digits, 10, 16)
	return int(status), ok && err == nil && len(digits) == 3 && status >= 200 && status <= 599
}

// bare is a status without a code.
func bare(status int) answer {
	a := answer{name: "HTTP" + strconv.Itoa(status), status: status}
	if status == http.StatusTooManyRequests {
		a.header = map[string]string{"Retry-After": "2"}
	}
	return a
}

// prefixed returns the answer that a sequence ID asks for: the longest name that it begins with, and a dash.
func prefixed(sequenceID string) (named, bool) {
	word, rest, ok := strings.Cut(sequenceID, "-")
	if !ok {
		return named{}, false // without a dash it is a word, not a name
	}
	if number, _, ok := strings.Cut(rest, "-"); ok {
		if n, ok := lookup(word + "-" + number); ok {
			return n, true
		}
	}
	return lookup(word)
}
