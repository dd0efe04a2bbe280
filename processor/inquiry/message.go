package inquiry

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/events/jsonvalue"
)

// The endpoint and the headers of its API page, in the page's spelling, and so they are sent.
const (
	inquiryPath = "/api/v1/recharges/by-bank-account/result/inquiry"

	headerASPID         = "X-KM-User-AspId"
	headerCorrelationID = "X-KM-Correlation-Id"
	headerAccessKey     = "X-KM-Access-Key"
	headerTranToken     = "X-KM-Tran-Token"
	headerTranTime      = "X-KM-Tran-Time"
	headerTimeZone      = "X-KM-Time-Zone"
)

// pageTokenLength is the length of X-KM-Tran-Token on the API page. The vendor's own sample is one longer.
const pageTokenLength = 66

// bodyLen is the length of a body whose sequence ID is ASCII.
const bodyLen = len(`{"sequenceId":""}`) + 30

// message is one try, ready to be sent.
type message struct {
	correlationID string
	token         string
	header        http.Header
	body          []byte // signed as it stands: nothing may marshal it again
}

// compose makes the message that asks for e at a time. Everything of it is validated here, whoever validated it before.
func (c *Client) compose(e events.Event, at time.Time) (message, error) {
	at = at.In(c.zone)
	m := message{correlationID: e.CorrelationID}
	if c.cfg.CorrelationID == FreshID {
		m.correlationID = c.fresh.next(at)
	}
	if !correlationForm(m.correlationID) {
		return message{}, fmt.Errorf("%s: want yyMMddHHmmss-xxxxxxx, have %d characters", headerCorrelationID, len(m.correlationID))
	}
	if n := utf8.RuneCountInString(e.SequenceID); n < 1 || n > 30 || !utf8.ValidString(e.SequenceID) {
		return message{}, fmt.Errorf("sequenceId: want 1 to 30 characters, have %d", n)
	}
	m.body = append(jsonvalue.AppendString(append(make([]byte, 0, bodyLen), `{"sequenceId":`...), e.SequenceID), '}')
	var err error
	if m.token, err = sign(c.signer, m.body, at); err != nil {
		return message{}, fmt.Errorf("sign: %w", err)
	}
	m.header = c.headerOf(m, at)
	return m, nil
}

// headerOf returns the header of m, which is this request's own: its connection may still be writing it when nobody waits any more.
func (c *Client) headerOf(m message, at time.Time) http.Header {
	fields := [...]struct{ name, value string }{
		{headerASPID, c.cfg.ASPID},
		{headerCorrelationID, m.correlationID},
		{headerAccessKey, c.cfg.AccessKey.Reveal()},
		{headerTranToken, m.token},
		{headerTranTime, at.Format("20060102150405")},
		{headerTimeZone, c.cfg.TimeZone},
		{"Content-Type", "application/json"},
		{"Accept", "application/json"},
		{"User-Agent", "chargeresult"},
	}
	header, values := make(http.Header, len(fields)), make([]string, len(fields)) // all values in one piece of memory
	for i, f := range fields {
		values[i] = f.value
		header[f.name] = values[i : i+1 : i+1]
	}
	return header
}

// sign asks signer for a token and checks its form: what a header can't hold must not get as far as net/http.
func sign(signer Signer, body []byte, at time.Time) (string, error) {
	if signer == nil {
		return "", errors.New("is missing: use KMV1 with the secret key, or StaticToken")
	}
	token, err := signer.Sign(body, at)
	if err != nil {
		return "", err
	}
	if !visible(token, 1, 256) {
		return "", fmt.Errorf("token: want 1 to 256 visible ASCII characters, have %d", len(token))
	}
	return token, nil
}

const correlationLen = len("yyMMddHHmmss-xxxxxxx")

// correlationForm reports whether id has the documented form: yyMMddHHmmss- and 7 hex digits of either case.
func correlationForm(id string) bool {
	if len(id) != correlationLen || id[12] != '-' {
		return false
	}
	if strings.ContainsFunc(id[:12], func(r rune) bool { return r < '0' || r > '9' }) {
		return false // time.Parse would take some that are not digits, such as a comma in the seconds
	}
	_, err := time.Parse("060102150405", id[:12])
	return err == nil && strings.Trim(id[13:], "0123456789abcdefABCDEF") == ""
}

// freshIDs makes correlation IDs. Counting from a random start keeps those of one process apart for as long as the clock and
// 28 bits do; those of two processes are as far apart as the form allows.
type freshIDs struct {
	last atomic.Uint32
}

func (f *freshIDs) next(at time.Time) string {
	id := at.AppendFormat(make([]byte, 0, correlationLen), "060102150405-")
	n := f.last.Add(1)
	for shift := 24; shift >= 0; shift -= 4 {
		id = append(id, "0123456789abcdef"[n>>shift&0xf])
	}
	return string(id)
}
