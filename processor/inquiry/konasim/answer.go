package konasim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// instead is what an answer does instead of replying.
type instead int

const (
	reply instead = iota
	hang
	reset
)

// answer is one reply.
type answer struct {
	name    string // in the ledger and the counters
	status  int
	code    string
	message string
	result  string
	raw     func(regular []byte) []byte // makes an irregular body from the regular one
	header  map[string]string           // added; an empty value deletes
	delay   time.Duration
	instead instead
}

// The API page's test data, and their like.
var (
	completed = answer{name: "COMPLETED", status: http.StatusOK, code: "000_000", message: "Success", result: "COMPLETED"}
	failed    = answer{name: "FAILED", status: http.StatusOK, code: "000_000", message: "Success", result: "FAILED"}
	pending   = answer{name: "PENDING", status: http.StatusOK, code: "000_000", message: "Success", result: "PENDING"}
	notFound  = answer{name: "NOTFOUND", status: http.StatusBadRequest, code: "007_009", message: "Previous transaction not found."}
	rejected  = answer{name: "REJECTED", status: http.StatusBadRequest, code: "007_004", message: "Withdraw failure from PG"}
	unclear   = answer{name: "UNCLEAR", status: http.StatusBadRequest, code: "000_999", message: "Unknown error"}

	sequenceInvalid = *invalid("sequenceId")
)

var outages = map[Outage]answer{
	Unavailable: {name: "DOWN", status: http.StatusServiceUnavailable},
	Closing:     {name: "DOWN", instead: reset},
	Hanging:     {name: "DOWN", instead: hang},
}

// named are the answers that a sequence ID asks for by its beginning, and that are always the same.
var named = map[string]answer{
	"COMPLETED":     completed,
	"FAILED":        failed,
	"PENDING":       pending,
	"NOTFOUND":      notFound,
	"INVALID":       sequenceInvalid,
	"REJECTED":      rejected,
	"UNCLEAR":       unclear,
	"HANG":          {name: "HANG", instead: hang},
	"RESET":         {name: "RESET", instead: reset},
	"TRUNCATED":     irregular("TRUNCATED", nil, map[string]string{"Content-Length": "4096"}),
	"OVERSIZED":     irregular("OVERSIZED", oversized, nil),
	"HTML":          irregular("HTML", page, map[string]string{"Content-Type": "text/html"}),
	"REDIRECT":      {name: "REDIRECT", status: http.StatusTemporaryRedirect, header: map[string]string{"Location": Path}},
	"FOREIGN":       irregular("FOREIGN", nil, map[string]string{"X-KM-Correlation-Id": "000101000000-fffffff"}),
	"NOECHO":        irregular("NOECHO", nil, map[string]string{"X-KM-Correlation-Id": ""}),
	"DUPKEY":        irregular("DUPKEY", twice, nil),
	"TRAILING":      irregular("TRAILING", trailing, nil),
	"CONTRADICTION": {name: "CONTRADICTION", status: http.StatusOK, code: "007_009", message: notFound.message, result: "COMPLETED"},
	"ENCRYPTED":     irregular("ENCRYPTED", encrypted, nil),
	"ODD":           {name: "ODD", status: http.StatusOK, code: "000_000", message: "Success", result: "SETTLED"},
}

// irregular is the answer COMPLETED, disfigured.
func irregular(name string, raw func([]byte) []byte, header map[string]string) answer {
	a := completed
	a.name, a.raw, a.header = name, raw, header
	return a
}

func oversized(regular []byte) []byte { return append(regular, strings.Repeat(" ", 64<<10)...) }
func page([]byte) []byte              { return []byte("<html><body>COMPLETED</body></html>") }
func trailing(regular []byte) []byte  { return append(regular, `{"result":"FAILED"}`...) }
func encrypted([]byte) []byte         { return []byte(`{"encData":"eyJhbGciOiJSU0EtT0FFUCJ9.e30"}`) }

func twice(regular []byte) []byte {
	return append(regular[:len(regular)-1], `,"result":"FAILED"}`...)
}

// invalid is the refusal of a parameter, as in the API page's test data.
func invalid(field string) *answer {
	return &answer{name: "INVALID", status: http.StatusBadRequest, code: "000_002", message: "Invalid input parameter. " + field}
}

// answer chooses the answer to a sequence ID: by its name, else by lot.
func (s *Simulator) answer(sequenceID string) answer {
	name, rest, _ := strings.Cut(sequenceID, "-")
	a, ok := named[name]
	number, _, numbered := strings.Cut(rest, "-")
	n, err := strconv.Atoi(number)
	numbered = numbered && err == nil && n >= 0
	switch {
	case name == sequenceID: // without a dash it is a word, not a name
	case name == "SLOW" && numbered:
		a := completed
		a.name, a.delay = "SLOW", time.Duration(n)*time.Millisecond
		return a
	case (name == "PENDING" || name == "NOTFOUND") && numbered:
		return s.times(sequenceID, n, a, completed)
	case ok:
		return a
	case strings.HasPrefix(name, "HTTP"):
		if status, err := strconv.Atoi(name[4:]); err == nil && status >= 200 && status <= 599 {
			return bare(status)
		}
	}
	lot := s.lots.draw(sequenceID)
	if lot.first.name == "" {
		return lot.final
	}
	return s.times(sequenceID, 1, lot.first, lot.final)
}

// bare is a status without a code.
func bare(status int) answer {
	a := answer{name: fmt.Sprintf("HTTP%d", status), status: status}
	if status == http.StatusTooManyRequests {
		a.header = map[string]string{"Retry-After": "2"}
	}
	return a
}

// times answers the first n questions of a sequence ID with first, and all others with final.
func (s *Simulator) times(sequenceID string, n int, first, final answer) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asked[sequenceID] >= n {
		return final
	}
	s.asked[sequenceID]++
	return first
}

// body is the body of a in the envelope. An answer without a code has one without it.
func (s *Simulator) body(a answer) []byte {
	said := map[string]string{}
	if a.code != "" {
		said["code"] = a.code
	}
	if a.message != "" {
		said["message"] = a.message
	}
	object := map[string]any{}
	switch {
	case len(said) == 0:
		return nil
	case s.cfg.Envelope == UnderResponse:
		object["response"] = said
	case s.cfg.Envelope == UnderError && a.status != http.StatusOK:
		object["error"] = said
	default:
		for k, v := range said {
			object[k] = v
		}
	}
	if a.result != "" {
		object["result"] = a.result
	}
	body, err := json.Marshal(object)
	if err != nil {
		panic(err) // a map of strings always marshals
	}
	if a.raw != nil {
		body = a.raw(body)
	}
	return body
}
