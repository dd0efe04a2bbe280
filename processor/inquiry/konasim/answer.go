package konasim

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"net/http"
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
	delay   time.Duration               // before the reply
	drip    time.Duration               // before each byte of the body, if not 0
	instead instead
}

// irregular is the answer COMPLETED, disfigured.
func irregular(name string, raw func([]byte) []byte, header map[string]string) answer {
	a := completed
	a.name, a.raw, a.header = name, raw, header
	return a
}

// dripping is the answer COMPLETED, a byte at a time.
func dripping(pause time.Duration) answer {
	a := completed
	a.name, a.drip = "DRIP", pause
	return a
}

// tooMuch is more than any client should read: a reply is about 80 bytes.
const tooMuch = 64 << 10

func oversized(regular []byte) []byte { return append(regular, strings.Repeat(" ", tooMuch)...) }
func page([]byte) []byte              { return []byte("<html><body>COMPLETED</body></html>") }
func trailing(regular []byte) []byte  { return append(regular, `{"result":"FAILED"}`...) }
func encrypted([]byte) []byte         { return []byte(`{"encData":"eyJhbGciOiJSU0EtT0FFUCJ9.e30"}`) }

func twice(regular []byte) []byte {
	return append(regular[:len(regular)-1], `,"result":"FAILED"}`...)
}

// mistyped has the code and the result as no page has them, in every envelope.
func mistyped([]byte) []byte {
	return []byte(`{"code":0,"response":{"code":0},"result":["COMPLETED"]}`)
}

// bomb is small on the wire and unpacks to 16 times too much.
func bomb(regular []byte) []byte {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, _ = w.Write(append(regular, strings.Repeat(" ", 16*tooMuch)...)) // a buffer takes everything
	_ = w.Close()
	return packed.Bytes()
}

// invalid is the refusal of a parameter, as in the API page's test data.
func invalid(field string) *answer {
	return &answer{name: "INVALID", status: http.StatusBadRequest, code: "000_002", message: "Invalid input parameter. " + field}
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
