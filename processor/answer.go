package processor

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/chargeresult/chargeresult/events"
)

// Class is what kind of reply an inquiry got: a row of the reply table in DESIGN.md.
type Class int

// The classes.
const (
	Answered    Class = iota + 1 // 200 COMPLETED or FAILED: Result holds which
	NotYet                       // 200 PENDING
	NotFound                     // 400 007_009: previous transaction not found
	Refused                      // refused for good: Reason holds INVALID_SEQUENCE_ID or REJECTED
	Unclear                      // 4xx with any other Konaplate code
	OurFault                     // 401 or 403: our own credentials are wrong
	SlowDown                     // 429: RetryAfter holds for how long, 0 if the reply does not say
	VendorDown                   // 408, 5xx, timeout, connect, TLS, reset
	NotAnAnswer                  // anything else; never believed, never published
)

// classWords are the classes for people, and for metrics.
var classWords = [...]string{
	Answered: "answered", NotYet: "not yet", NotFound: "not found", Refused: "refused", Unclear: "unclear",
	OurFault: "our fault", SlowDown: "slow down", VendorDown: "vendor down", NotAnAnswer: "not an answer",
}

// Classes are all classes, in the order of the reply table.
func Classes() []Class {
	return []Class{Answered, NotYet, NotFound, Refused, Unclear, OurFault, SlowDown, VendorDown, NotAnAnswer}
}

// String is the class in a word or two, such as "not yet"; what is no class is "unknown".
func (c Class) String() string {
	if c < Answered || int(c) >= len(classWords) {
		return "unknown"
	}
	return classWords[c]
}

// Answer is the outcome of one inquiry, as far as it can be believed.
type Answer struct {
	Class      Class
	Result     string        // COMPLETED or FAILED if Answered, PENDING if NotYet, else empty
	Code       string        // the Konaplate code (NNN_NNN), empty if the reply had none
	Message    string        // the vendor's message, at most 256 bytes, control characters removed
	Reason     string        // if Refused: why, as results name it
	RetryAfter time.Duration // if SlowDown
	Cause      error         // if VendorDown or NotAnAnswer: what happened; never holds a credential
}

// described is the answer for people: what was said, or what happened.
func (a Answer) described() string {
	switch {
	case a.Cause != nil:
		return a.Cause.Error()
	case a.Code == "" && a.Message == "":
		return "it gave no code"
	}
	return strings.TrimSpace(a.Code + " " + a.Message)
}

// Inquirer asks Konaplate how a transaction ended.
//
// It may be called by many goroutines at once. Whatever the vendor does is an Answer, being down included; an error means that there is none:
// ctx's error if it ended before there was an answer, or ErrNotAsked. Asking again later is the caller's decision.
type Inquirer interface {
	// Inquire asks. Where it has to wait before it may ask, for a circuit breaker or between two tries, it does, and so does the
	// caller; but once draining is closed it returns ErrNotAsked instead of waiting. A question that is under way is not cut short by it.
	Inquire(ctx context.Context, draining <-chan struct{}, e events.Event) (Answer, error)
}

// ErrNotAsked is returned by an Inquirer that gave up waiting for its turn, because it was asked to.
var ErrNotAsked = errors.New("not asked: draining")
