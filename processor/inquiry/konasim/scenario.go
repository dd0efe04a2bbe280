package konasim

import (
	"math"
	"strings"
	"time"
)

// Scenario scripts a simulator: what it answers when, and what to whom. See [ParseScenario]. It never changes, so that many
// simulators can share one.
type Scenario struct {
	latency  *time.Duration // nil: as Config.Latency says
	phases   []phase        // in the order of time
	exact    map[string][]named
	prefixes []prefix // the longest first
}

// phase is a span of time, counted from the simulator's start.
type phase struct {
	until  time.Duration // its end, which is not part of it
	answer named         // without a name: none
	share  float64       // of the transactions, above 0 to 1
}

const forever = time.Duration(math.MaxInt64)

// outage reports whether the phase's answer says nothing of any transaction.
func (p phase) outage() bool {
	switch p.answer.name {
	case "DOWN", "HANG", "RESET":
		return true
	}
	return false
}

// prefix holds the answers to sequence IDs that begin with it.
type prefix struct {
	begins  string
	answers []named
}

// at returns the phase at a time since the start: one without an answer where there is none.
func (s *Scenario) at(since time.Duration) phase {
	for _, p := range s.phases {
		if since < p.until {
			return p
		}
	}
	return phase{}
}

// list returns the answers to the asks of a transaction, in turn; nil if it has no list.
func (s *Scenario) list(sequenceID string) []named {
	if answers, ok := s.exact[sequenceID]; ok {
		return answers
	}
	for _, p := range s.prefixes {
		if strings.HasPrefix(sequenceID, p.begins) {
			return p.answers
		}
	}
	return nil
}
