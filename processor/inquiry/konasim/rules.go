package konasim

import (
	"fmt"
	"time"
)

// answer chooses the answer to a faultless request: the first rule that has one gives it.
func (s *Simulator) answer(r request) answer {
	if s.cfg.Script != nil {
		if name := s.cfg.Script(r.sequenceID, s.count(r, "script")); name != "" {
			n, ok := lookup(name)
			if !ok {
				panic(fmt.Errorf("konasim: Config.Script: unknown answer %q: %w", name, errAnswers()))
			}
			return s.next(r, n)
		}
	}
	if s.cfg.Scenario != nil {
		if n, ok := s.scripted(r); ok {
			return s.next(r, n)
		}
	}
	if n, ok := prefixed(r.sequenceID); ok {
		return s.next(r, n)
	}
	lot := s.lots.draw(r.sequenceID)
	if lot.first.name != "" && s.count(r, "lot") == 1 {
		return lot.first
	}
	return lot.final
}

// scripted is what the scenario says.
func (s *Simulator) scripted(r request) (named, bool) {
	p := s.cfg.Scenario.at(time.Since(s.start))
	affected := p.answer.name != "" && s.lots.part(r) < p.share
	if affected && p.outage() {
		return p.answer, true
	}
	if answers := s.cfg.Scenario.list(r.sequenceID); answers != nil {
		return answers[min(s.count(r, "list"), len(answers))-1], true
	}
	return p.answer, affected
}

// next is what n answers this time.
func (s *Simulator) next(r request, n named) answer {
	if n.counted && s.count(r, n.name) > n.times {
		return completed
	}
	return n.answer
}

// rule counts the asks of one transaction that one rule answered.
type rule struct {
	transaction request
	what        string // the rule
}

// count counts another ask and returns which one it is, from 1.
func (s *Simulator) count(r request, what string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asks[rule{r, what}]++
	return s.asks[rule{r, what}]
}
