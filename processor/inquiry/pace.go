package inquiry

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor"
)

const (
	// minPause is how long a 429 holds all questions back that does not say how long.
	minPause = time.Second
	// longWait is the wait from which on OnChange is told.
	longWait = time.Second
)

// Pace asks no faster than the vendor wants to be asked: at a rate, and not at all for as long as a 429 says. Like a Breaker, it
// makes questions wait, in order of arrival. See the package documentation for how it comes back from a 429.
//
// A slot of the rate is taken by the question that is asked, and not by one that waits: whoever gives up waiting loses none.
type Pace struct {
	next processor.Inquirer
	cfg  PaceConfig

	mu        sync.Mutex // held for moments
	line      line[uint64]
	slots     slots
	timer     *time.Timer // wakes the line at the next slot; nil until somebody had to wait
	inFlight  int
	limit     int    // of inFlight; 0: none
	slowDowns uint64 // replies of 429 so far; a turn is their number when it was given
	mood      mood
	told      mood
	changes   news[PaceStatus]
}

// mood is what OnChange is told the changes of.
type mood struct {
	behind bool      // questions have to wait for longWait or more
	until  time.Time // the end of the last pause
}

var _ processor.Inquirer = (*Pace)(nil)

// WithPace sets a pace for next. It panics if cfg is not valid: what comes from outside is validated there.
func WithPace(next processor.Inquirer, cfg PaceConfig) *Pace {
	if err := cfg.Validate(); err != nil {
		panic(fmt.Errorf("inquiry pace: %w", err))
	}
	return &Pace{next: next, cfg: cfg.withDefaults(), slots: slots{interval: cfg.interval()}}
}

// State returns the pace as it is, and leaves it so.
func (p *Pace) State() PaceStatus {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.snapshot()
}

// Inquire implements processor.Inquirer: it waits for its turn, which ends with ctx or draining at the latest, and asks. A 429 is
// returned to whoever got it; it is all others that it holds back, and the same question if it is asked again.
func (p *Pace) Inquire(ctx context.Context, draining <-chan struct{}, e events.Event) (processor.Answer, error) {
	turn, err := p.wait(ctx, draining)
	if err != nil {
		return processor.Answer{}, fmt.Errorf("inquiry held back to keep the pace: %w", err)
	}
	answer, err := p.next.Inquire(ctx, draining, e)
	p.settle(turn, answer, err)
	return answer, err
}

// wait returns when it is the caller's turn.
func (p *Pace) wait(ctx context.Context, draining <-chan struct{}) (turn uint64, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	p.mu.Lock()
	if p.line.len() == 0 {
		p.slots.skip(time.Now()) // what nobody wanted is not saved up
	}
	p.grant() // whoever came before goes first
	if p.line.len() == 0 {
		if turn, ok := p.take(); ok {
			p.unlock()
			return turn, nil
		}
	}
	mine := p.line.join()
	p.unlock()
	return await(ctx, draining, mine, func() bool {
		p.mu.Lock()
		defer p.unlock()
		return p.line.leave(mine)
	})
}

// grant gives turns to those who wait, while there are any to give. mu is held.
func (p *Pace) grant() {
	for p.line.len() > 0 {
		turn, ok := p.take()
		if !ok {
			return
		}
		p.line.give(turn)
	}
}

// take takes a turn, if there is one to be had; if it is only its slot that has not come yet, the line is woken then. mu is held.
func (p *Pace) take() (turn uint64, ok bool) {
	if p.full() {
		return 0, false
	}
	now := time.Now()
	if wait := p.slots.next.Sub(now); wait > 0 {
		p.wakeIn(wait)
		return 0, false
	}
	p.slots.take(now)
	p.inFlight++
	return p.slowDowns, true
}

// full reports whether the limit leaves no room; then the next turn is given when a question returns. mu is held.
func (p *Pace) full() bool { return p.limit > 0 && p.inFlight >= p.limit }

func (p *Pace) wakeIn(d time.Duration) {
	if p.timer != nil {
		p.timer.Reset(d)
		return
	}
	p.timer = time.AfterFunc(d, func() {
		p.mu.Lock()
		defer p.unlock()
		p.grant()
	})
}

// settle gives a turn back.
func (p *Pace) settle(turn uint64, answer processor.Answer, err error) {
	p.mu.Lock()
	defer p.unlock()
	if p.full() {
		p.slots.skip(time.Now()) // who waits has waited for room, and not for a late timer
	}
	p.inFlight--
	switch {
	case err == nil && answer.Class == processor.SlowDown:
		p.slowDowns++
		p.limit = 1
		p.mood.until = later(p.mood.until, time.Now().Add(max(answer.RetryAfter, minPause)))
		p.slots.skip(p.mood.until)
	case p.limit > 0 && turn == p.slowDowns && verdict(answer, err) != errNeither:
		// Only what was asked after the last 429 tells that it is over. As after an outage, one more for each such answer
		// doubles what is in flight with each round, until there is room for all.
		p.limit++
		if p.limit >= p.inFlight+p.line.len() {
			p.limit = 0
		}
	}
	p.grant()
}

// unlock releases mu, and reports what there is to report.
func (p *Pace) unlock() {
	waiting := p.line.len()
	switch {
	case p.limit > 0:
		p.mood.behind = true
	case waiting == 0:
		p.mood.behind = false
	case time.Until(p.slots.next)+time.Duration(waiting-1)*p.slots.interval >= longWait: // the last one's wait
		p.mood.behind = true
	}
	if p.mood != p.told {
		p.told = p.mood
		p.changes.add(p.snapshot())
	}
	p.changes.unlock(&p.mu, p.cfg.OnChange)
}

// snapshot returns the pace as it is. mu is held.
func (p *Pace) snapshot() PaceStatus {
	s := PaceStatus{
		Rate: p.cfg.Rate, Limit: p.limit, InFlight: p.inFlight, Waiting: p.line.len(), SlowDowns: p.slowDowns,
	}
	if time.Now().Before(p.mood.until) {
		s.PausedUntil = p.mood.until
	}
	switch {
	case p.limit > 0:
		s.Cause = fmt.Sprintf("Konaplate answered 429: no question before %s, then one, then more by and by", p.mood.until.UTC().Format(time.RFC3339))
	case p.mood.behind:
		s.Cause = fmt.Sprintf("there are more questions than the rate of %v a second lets through", p.cfg.Rate)
	}
	return s
}
