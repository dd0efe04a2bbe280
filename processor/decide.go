package processor

import (
	"time"

	"github.com/chargeresult/chargeresult/events"
)

// Policy says when a transaction without an answer is asked about again, and for how long.
type Policy struct {
	Schedule      []time.Duration // the waits after the first ask, the second, ...; the last one repeats. At least one
	Deadline      time.Duration   // after the event was first seen; then no answer becomes UNKNOWN
	NotFoundGrace time.Duration   // for how long "not found" may only mean "not yet"
	FirstAskDelay time.Duration   // before the first ask; 0: none
}

// history is what is known of a transaction before a question is put, and once it is answered.
type history struct {
	hop         int       // retry records so far
	attempts    int       // questions so far
	requestedAt time.Time // by the event
	firstSeen   time.Time
	firstAsked  time.Time // zero: never
	interim     bool      // whether PENDING is published
}

// decision is what follows from an answer: a final result, or another question later.
type decision struct {
	result string // COMPLETED, FAILED or UNKNOWN; empty: ask again
	reason string // of UNKNOWN
	code   string // Konaplate's, if it gave one

	wait    string        // why it is asked about again: a Wait constant of events
	delay   time.Duration // after which
	interim bool          // whether PENDING is to be published now
}

// decide is the reply table: what follows from the answer to the last of h's questions. It is pure, and total: a class that it does not
// know is no answer.
//
// What says nothing of the transaction (our credentials, our pace) never ends it.
func decide(policy Policy, h history, a Answer, now time.Time) decision {
	overdue := !now.Before(h.firstSeen.Add(policy.Deadline))
	switch a.Class {
	case Answered:
		return decision{result: a.Result, code: a.Code}
	case Refused:
		return unknown(a.Reason, a.Code)
	case NotFound:
		if !now.Before(later(h.requestedAt, h.firstAsked).Add(policy.NotFoundGrace)) {
			return unknown(events.ReasonTransactionNotFound, a.Code)
		}
		if overdue {
			return unknown(events.ReasonDeadlineExceeded, a.Code)
		}
		return again(policy, h, events.WaitNotFound)
	case Unclear:
		if overdue {
			return unknown(events.ReasonRejected, a.Code)
		}
		return again(policy, h, events.WaitUnclear)
	case OurFault:
		return again(policy, h, events.WaitCredentials)
	case SlowDown:
		return again(policy, h, events.WaitSlowDown)
	}
	if overdue {
		return unknown(events.ReasonDeadlineExceeded, a.Code)
	}
	if a.Class != NotYet {
		return again(policy, h, events.WaitUnavailable)
	}
	d := again(policy, h, events.WaitPending)
	d.interim, d.code = !h.interim, a.Code
	return d
}

func unknown(reason, code string) decision {
	return decision{result: events.Unknown, reason: reason, code: code}
}

// again is another question, after the delay that the schedule has for the number of those put.
func again(policy Policy, h history, wait string) decision {
	i := min(max(h.attempts, 1), len(policy.Schedule)) - 1
	return decision{wait: wait, delay: policy.Schedule[i]}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
