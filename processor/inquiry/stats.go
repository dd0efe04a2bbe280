package inquiry

import (
	"context"
	"sync"
	"time"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor"
)

// statsSpan is over how much time a Stats reports; what is older leaves it in steps of statsStep.
const (
	statsSpan = time.Minute
	statsStep = 5 * time.Second
)

// Stats counts what comes back from Konaplate, and measures how long that takes. It is to stand nearest to the client, so that it sees
// every try, and nothing of the waits before it. It takes some 12 KiB, however much is asked.
type Stats struct {
	next  processor.Inquirer
	began time.Time

	mu     sync.Mutex // held for moments
	steps  [statsSpan / statsStep]step
	totals classes
}

// classes counts by class.
type classes [processor.NotAnAnswer + 1]int64

func (c *classes) addTo(counted map[processor.Class]int64) {
	for class, n := range c {
		if n > 0 {
			counted[processor.Class(class)] += n
		}
	}
}

// step is what came back within one statsStep.
type step struct {
	number  int64 // of the step, from began
	classes classes
	took    histogram
}

// StatsSnapshot is how Konaplate has been answering over a span of time that ends now.
type StatsSnapshot struct {
	Span    time.Duration             // a minute, less by up to 5 s; less after the start
	Tries   int64                     // that something came back from
	ByClass map[processor.Class]int64 // Tries, by the class of it; classes that did not occur are left out
	P50     time.Duration             // half of the tries took at most so long: too long by an eighth at most; 0 if there was none
	P99     time.Duration
	Slowest time.Duration // exact
}

var _ processor.Inquirer = (*Stats)(nil)

// WithStats counts and measures what next answers.
func WithStats(next processor.Inquirer) *Stats {
	return &Stats{next: next, began: time.Now()}
}

// Inquire implements processor.Inquirer: it asks next. A try that was interrupted, and has no answer, does not count.
func (s *Stats) Inquire(ctx context.Context, draining <-chan struct{}, e events.Event) (processor.Answer, error) {
	began := time.Now()
	answer, err := s.next.Inquire(ctx, draining, e)
	if err != nil {
		return answer, err
	}
	now := time.Now()
	s.count(now, answer.Class, now.Sub(began))
	return answer, nil
}

func (s *Stats) count(now time.Time, class processor.Class, took time.Duration) {
	number := s.number(now)
	s.mu.Lock()
	defer s.mu.Unlock()
	at := &s.steps[number%int64(len(s.steps))]
	if at.number < number {
		*at = step{number: number}
	}
	at.classes[class]++
	s.totals[class]++
	at.took.add(took)
}

// number is which step a moment is in.
func (s *Stats) number(now time.Time) int64 { return int64(now.Sub(s.began) / statsStep) }

// Snapshot returns how Konaplate has been answering of late.
func (s *Stats) Snapshot() StatsSnapshot {
	now := time.Now()
	number := s.number(now)
	oldest := max(number-int64(len(s.steps))+1, 0)
	snapshot := StatsSnapshot{Span: now.Sub(s.began) - time.Duration(oldest)*statsStep, ByClass: map[processor.Class]int64{}}
	var took histogram
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.steps {
		at := &s.steps[i]
		if at.number < oldest {
			continue
		}
		at.classes.addTo(snapshot.ByClass)
		took.merge(&at.took)
	}
	for _, n := range snapshot.ByClass {
		snapshot.Tries += n
	}
	snapshot.P50, snapshot.P99, snapshot.Slowest = took.quantile(0.5), took.quantile(0.99), took.slowest
	return snapshot
}

// Totals returns how many tries something came back from since the start, by the class of it; classes that did not occur are left out.
func (s *Stats) Totals() map[processor.Class]int64 {
	totals := map[processor.Class]int64{}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.totals.addTo(totals)
	return totals
}
