package processor

import (
	"time"
)

// decision is what follows from an answer: a result to publish, or another question later.
type decision struct {
	final      bool
	result     string // COMPLETED or FAILED, if final
	code       string // Konaplate's
	attempts   int    // how often Konaplate was asked
	askAgainIn time.Duration
}

// How long a question without an answer waits in place, at first and at most.
const (
	askAgain    = time.Second
	askAgainMax = 10 * time.Second
)

// decide is the reply table: given the answer to the attempt-th question, what to do. It is pure.
//
// Only COMPLETED and FAILED end a transaction; whatever else Konaplate says, and whatever happens to it, the question is asked again: nothing
// is guessed and nothing is given up.
func decide(a Answer, attempt int) decision {
	if a.Class == Answered {
		return decision{final: true, result: a.Result, code: a.Code, attempts: attempt}
	}
	wait := askAgainMax
	if attempt < 5 {
		wait = min(askAgain<<(attempt-1), askAgainMax)
	}
	if a.Class == SlowDown {
		wait = min(max(wait, a.RetryAfter), retryAfterMax)
	}
	return decision{askAgainIn: wait}
}

// retryAfterMax caps what a Retry-After header may ask for.
const retryAfterMax = 5 * time.Minute
