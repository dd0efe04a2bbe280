package inquiry_test

import (
	"context"
	"sync"
	"time"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor"
)

// patient is a vendor that takes its time and keeps count. Its fields are set before a bubble's time moves on.
type patient struct {
	mu          sync.Mutex
	answer      processor.Answer
	takes       time.Duration
	inFlight    int
	maxInFlight int
	times       []time.Time // of the questions
}

func (p *patient) Inquire(ctx context.Context, _ <-chan struct{}, _ events.Event) (processor.Answer, error) {
	p.mu.Lock()
	p.times = append(p.times, time.Now())
	p.inFlight++
	p.maxInFlight = max(p.maxInFlight, p.inFlight)
	takes := p.takes
	p.mu.Unlock()
	var err error
	select {
	case <-time.After(takes):
	case <-ctx.Done():
		err = ctx.Err()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.inFlight--
	if err != nil {
		return processor.Answer{}, err
	}
	return p.answer, nil
}

func (p *patient) set(answer processor.Answer, takes time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer, p.takes = answer, takes
}

// count returns how many questions were asked since the last call of it, and forgets them.
func (p *patient) count() int {
	times, _ := p.seen()
	return len(times)
}

// seen returns when questions were asked since the last call of it or count, and how many at once; then it forgets them.
func (p *patient) seen() (times []time.Time, maxInFlight int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	times, maxInFlight = p.times, p.maxInFlight
	p.times, p.maxInFlight = nil, 0
	return times, maxInFlight
}

// askAll asks n questions at once and returns when all have an answer or an error.
func askAll(ctx context.Context, i processor.Inquirer, n int) {
	var all sync.WaitGroup
	for range n {
		all.Go(func() { _, _ = i.Inquire(ctx, nil, event) })
	}
	all.Wait()
}
