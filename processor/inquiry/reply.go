package inquiry

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor"
)

// The codes that decide, from the API page.
const (
	codeSuccess       = "000_000"
	codeInvalidInput  = "000_002"
	codeNotFound      = "007_009"
	namedBySequenceID = "sequenceId"
)

// echoCorrelationID is headerCorrelationID as net/http spells what it reads.
const echoCorrelationID = "X-Km-Correlation-Id"

// maxRetryAfter is how long a 429 can hold us back.
const maxRetryAfter = 5 * time.Minute

// codes is a list of codes, in full or as a beginning and a star.
type codes []string

func (list codes) match(code string) bool {
	for _, pattern := range list {
		if prefix, family := strings.CutSuffix(pattern, "*"); pattern == code || family && strings.HasPrefix(code, prefix) {
			return true
		}
	}
	return false
}

var errTooLarge = errors.New("the body is too large")

// classify is the reply table: what a reply to the message with the correlation ID sent means. It is total: what no row
// expects is NotAnAnswer. rejected are the codes that refuse for good; credentials are ours, which a vendor may quote.
//
// The echoed correlation ID is compared without regard to case, as everywhere: its hex digits may be of either.
func (rejected codes) classify(status int, header http.Header, body []byte, sent string, credentials ...string) processor.Answer {
	echoes := header[echoCorrelationID]
	for _, echo := range echoes {
		if !strings.EqualFold(echo, sent) {
			return notAnAnswer(status, errors.New("it carries the correlation ID of another message"))
		}
	}
	said, unreadable := envelope{}, errTooLarge
	if len(body) <= maxBody {
		said, unreadable = open(body)
	}
	answer := processor.Answer{Code: said.code, Message: shown(said.message, credentials...)}
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		answer.Class = processor.OurFault
	case status == http.StatusTooManyRequests:
		answer.Class, answer.RetryAfter = processor.SlowDown, retryAfter(header)
	case status == http.StatusRequestTimeout, status >= 500 && status <= 599:
		answer.Class, answer.Cause = processor.VendorDown, fmt.Errorf("HTTP %d", status)
	case status == http.StatusOK && len(echoes) == 0:
		return notAnAnswer(status, errors.New("it carries no correlation ID"))
	case status != http.StatusOK && (status < 400 || status > 499):
		return notAnAnswer(status, errors.New("the API has no such status"))
	case unreadable != nil:
		return notAnAnswer(status, unreadable)
	case status == http.StatusOK:
		return succeeded(answer, said)
	default:
		return rejected.refused(status, answer, said)
	}
	return answer
}

// succeeded is the part of the table under 200.
func succeeded(answer processor.Answer, said envelope) processor.Answer {
	if said.code != "" && said.code != codeSuccess {
		return notAnAnswer(http.StatusOK, fmt.Errorf("its code %s is not success", said.code))
	}
	switch said.result {
	case events.Completed, events.Failed:
		answer.Class = processor.Answered
	case events.Pending:
		answer.Class = processor.NotYet
	default:
		return notAnAnswer(http.StatusOK, errors.New("its result is none of COMPLETED, FAILED, PENDING"))
	}
	answer.Result = said.result
	return answer
}

// refused is the part of the table under 4xx. "Not found" counts under every 4xx, because its alternative is the more final
// one: its code is on the list of the rejected.
func (rejected codes) refused(status int, answer processor.Answer, said envelope) processor.Answer {
	switch {
	case said.code == "":
		return notAnAnswer(status, errors.New("it has no Konaplate code"))
	case said.code == codeSuccess:
		return notAnAnswer(status, errors.New("its code says success"))
	case said.result != "":
		return notAnAnswer(status, errors.New("it has a result beside a code that is not success"))
	case said.code == codeNotFound:
		answer.Class = processor.NotFound
	case status == http.StatusBadRequest && said.code == codeInvalidInput && names(said.message, namedBySequenceID):
		answer.Class, answer.Reason = processor.Refused, events.ReasonInvalidSequenceID
	case rejected.match(said.code):
		answer.Class, answer.Reason = processor.Refused, events.ReasonRejected
	default:
		answer.Class = processor.Unclear
	}
	return answer
}

func notAnAnswer(status int, cause error) processor.Answer {
	return processor.Answer{Class: processor.NotAnAnswer, Cause: fmt.Errorf("HTTP %d is not an answer: %w", status, cause)}
}

// names reports whether word is one of message's words.
func names(message, word string) bool {
	words := strings.FieldsFunc(message, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	for _, w := range words {
		if strings.EqualFold(w, word) {
			return true
		}
	}
	return false
}

// retryAfter returns how long the reply asks to wait, 0 if it does not say. A date is taken relative to the reply's own Date,
// so that nothing depends on whose clock is right.
func retryAfter(header http.Header) time.Duration {
	value := header.Get("Retry-After")
	seconds, err := strconv.ParseUint(value, 10, 64)
	if err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(seconds, uint64(maxRetryAfter/time.Second))) * time.Second
	}
	until, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		return 0
	}
	return min(max(until.Sub(now), 0), maxRetryAfter)
}
