package konasim

import (
	"encoding/json"
	"io"
	"maps"
	"slices"
	"time"
)

// Call is one request and what it got. Which operation it was about is not known: an inquiry does not say.
type Call struct {
	Time          time.Time `json:"time"` // when it arrived
	SequenceID    string    `json:"sequenceId"`
	CorrelationID string    `json:"correlationId"`
	Answer        string    `json:"answer"` // the name of the answer, as in the package's table and without its number, or ABANDONED
	Status        int       `json:"status"` // of the reply; 0 if there was none
}

// Stats counts calls.
type Stats struct {
	Calls       uint64            `json:"calls"`
	InFlight    int               `json:"inFlight"`
	MaxInFlight int               `json:"maxInFlight"`
	Answers     map[string]uint64 `json:"answers"` // by the name of the answer
}

// Ledger returns the calls in the order in which they were answered, as a copy.
func (s *Simulator) Ledger() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ledger.inOrder()
}

// Stats returns the counters, as a copy.
func (s *Simulator) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	stats := s.stats
	stats.Answers = maps.Clone(s.stats.Answers)
	return stats
}

// ledger keeps the newest calls, up to its limit if that is not 0.
type ledger struct {
	limit  int
	to     io.Writer
	calls  []Call // a ring once it has reached limit
	oldest int    // where in calls the ring begins
}

func (l *ledger) add(c Call) {
	if l.to != nil {
		_ = json.NewEncoder(l.to).Encode(c) // the writer notes its errors
	}
	if l.limit == 0 || len(l.calls) < l.limit {
		l.calls = append(l.calls, c)
		return
	}
	l.calls[l.oldest] = c
	l.oldest = (l.oldest + 1) % l.limit
}

func (l *ledger) inOrder() []Call {
	return slices.Concat(l.calls[l.oldest:], l.calls[:l.oldest])
}
