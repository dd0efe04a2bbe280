package inquiry

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor"
)

// State is what a Breaker lets through: everything, nothing, or one question at a time.
type State string

// The states of a breaker.
const (
	Closed   State = "closed"
	Open     State = "open"
	HalfOpen State = "half-open"
)

// BreakerStatus is a Breaker at one moment.
type BreakerStatus struct {
	State     State
	Since     time.Time // when it came into this state; when it was made, at first
	Cause     error     // the failure that opened it last; nil if it never opened
	NextProbe time.Time // when it will let the next question through; zero while closed
	Limit     int       // questions that may be in flight now
	InFlight  int
	Waiting   int    // questions that wait for their turn now
	Held      uint64 // questions that ever had to wait
}

// Breaker is a circuit breaker that makes questions wait where others refuse them: a question is an event, and an event that is
// refused must only be asked again. See the package documentation for what counts and how it recovers.
type Breaker struct {
	next processor.Inquirer
	cfg  BreakerConfig

	mu        sync.Mutex // held for moments; every call of judge is made under it, and so is every callback from judge
	judge     *gobreaker.TwoStepCircuitBreaker[struct{}]
	status    BreakerStatus
	line      line[turn]
	lastCause error // of the newest failure
	counted   turn  // count, made once
	changes   news[change]
}

// turn is the permission to ask once; it must be given back, with the verdict on how that went, under mu.
type turn func(verdict error)

type change struct {
	from State
	now  BreakerStatus
}

var _ processor.Inquirer = (*Breaker)(nil)

// The verdicts a turn is given back with; nil is a success.
var (
	errFailed  = errors.New("failed")
	errNeither = errors.New("neither failed nor succeeded")
)

// WithBreaker puts a circuit breaker before next. It panics if cfg is not valid: what comes from outside is validated there.
func WithBreaker(next processor.Inquirer, cfg BreakerConfig) *Breaker {
	if err := cfg.Validate(); err != nil {
		panic(fmt.Errorf("inquiry breaker: %w", err))
	}
	b := &Breaker{next: next, cfg: cfg.withDefaults()}
	b.status = BreakerStatus{State: Closed, Since: time.Now(), Limit: b.cfg.Concurrency}
	b.counted = b.count
	b.judge = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		MaxRequests:   1,
		Interval:      b.cfg.Window,
		BucketPeriod:  max(b.cfg.Window/10, 1),
		Timeout:       b.cfg.Open,
		ReadyToTrip:   b.readyToTrip,
		OnStateChange: b.changed,
		IsExcluded:    func(verdict error) bool { return verdict == errNeither },
	})
	return b
}

// State returns the breaker as it is, and leaves it so.
func (b *Breaker) State() BreakerStatus {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.snapshot()
}

// Inquire implements processor.Inquirer: it waits for its turn, which ends with ctx or draining at the latest, and asks.
func (b *Breaker) Inquire(ctx context.Context, draining <-chan struct{}, e events.Event) (processor.Answer, error) {
	done, err := b.wait(ctx, draining)
	if err != nil {
		return processor.Answer{}, fmt.Errorf("inquiry held back by the circuit breaker: %w", err)
	}
	answer, err := b.next.Inquire(ctx, draining, e)
	b.settle(done, answer, err)
	return answer, err
}

// wait returns when it is the caller's turn.
func (b *Breaker) wait(ctx context.Context, draining <-chan struct{}) (turn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	b.mu.Lock()
	b.grant() // whoever came before goes first
	if b.line.len() == 0 {
		if done, ok := b.take(); ok {
			b.unlock()
			return done, nil
		}
	}
	mine := b.line.join()
	b.status.Held++
	b.unlock()
	return await(ctx, draining, mine, func() bool {
		b.mu.Lock()
		defer b.unlock()
		return b.line.leave(mine)
	})
}

// grant gives turns to those who wait, while there are any to give. mu is held.
func (b *Breaker) grant() {
	for b.line.len() > 0 {
		done, ok := b.take()
		if !ok {
			return
		}
		b.line.give(done)
	}
}

// take takes a turn, if there is one to be had. mu is held.
func (b *Breaker) take() (done turn, ok bool) {
	if b.status.InFlight >= b.status.Limit {
		return nil, false
	}
	done = b.counted
	if b.status.State != Closed {
		if time.Now().Before(b.status.NextProbe) {
			return nil, false
		}
		probe, err := b.judge.Allow()
		if err != nil {
			return nil, false // open, or half-open with its probe out: the timer, or the probe's end, grants again
		}
		done = probe
	}
	b.status.InFlight++
	return done, true
}

// count is the turn of every question that was let through while closed. judge dates a result when it lets the question through, which
// is now: a question may have waited in a Pace for longer than the window is, and a failure that judge had forgotten before it came
// would open nothing. What was let through before the breaker opened counts no more. mu is held.
func (b *Breaker) count(verdict error) {
	if b.status.State != Closed {
		return
	}
	if done, err := b.judge.Allow(); err == nil { // while closed there is none
		done(verdict)
	}
}

// settle gives a turn back.
func (b *Breaker) settle(done turn, answer processor.Answer, err error) {
	b.mu.Lock()
	defer b.unlock()
	b.status.InFlight--
	outcome := verdict(answer, err)
	if outcome == errFailed {
		b.lastCause = answer.Cause
	}
	done(outcome)
	switch {
	case outcome == nil && b.status.State == Closed:
		// One more for each success doubles what is in flight with each round, up to everything.
		b.status.Limit = min(b.status.Limit+1, b.cfg.Concurrency)
	case answer.Class == processor.OurFault && outcome == errNeither && b.status.State == HalfOpen:
		b.holdFor(b.cfg.Open) // the probe never got away; the next must not follow on its heels
	}
	b.grant()
}

// verdict says what an answer tells of the vendor's health: an answer it gave, however unwelcome, is a success.
// "Slow down" is neither: the vendor works, but must not be asked more, which is for Pace to see to. So is what never reached it.
func verdict(answer processor.Answer, err error) error {
	switch {
	case err != nil, answer.Class == processor.SlowDown, answer.Class == processor.OurFault && answer.Cause != nil:
		return errNeither
	case failed(answer.Class):
		return errFailed
	}
	return nil
}

// failed reports whether class means that the vendor is not well.
func failed(class processor.Class) bool {
	return class == processor.VendorDown || class == processor.NotAnAnswer
}

// readyToTrip is asked by judge after each failure while closed. During the ramp a round is enough to judge by:
// what has just recovered must not be asked MinRequests times to see it fall again.
func (b *Breaker) readyToTrip(counts gobreaker.Counts) bool {
	needed := b.cfg.MinRequests
	if b.status.Limit < b.cfg.Concurrency {
		needed = min(needed, b.status.Limit)
	}
	// counts.Requests has those too that neither failed nor succeeded.
	results := counts.TotalSuccesses + counts.TotalFailures
	return int(results) >= needed && float64(counts.TotalFailures) >= b.cfg.FailureRatio*float64(results)
}

// changed is told by judge that its state changes, under judge's lock: it must not call judge.
func (b *Breaker) changed(_ string, _, to gobreaker.State) {
	from := b.status.State
	b.status.Since = time.Now()
	switch to {
	case gobreaker.StateClosed:
		b.status.State, b.status.NextProbe = Closed, time.Time{}
	case gobreaker.StateHalfOpen:
		b.status.State = HalfOpen
	case gobreaker.StateOpen:
		b.status.State, b.status.Limit, b.status.Cause = Open, 1, b.lastCause
		b.holdFor(b.cfg.Open)
	}
	b.changes.add(change{from, b.snapshot()})
}

// holdFor grants no turn for d and up to a fifth of it more, by chance, so that the processes of a fleet do not probe together.
// Then one timer wakes one of those who wait. mu is held.
func (b *Breaker) holdFor(d time.Duration) {
	d += 1 + rand.N(d/5+1) // at least 1 ns more: at Open sharp, judge is still open
	b.status.NextProbe = time.Now().Add(d)
	time.AfterFunc(d, func() {
		b.mu.Lock()
		b.grant()
		b.unlock()
	})
}

// snapshot returns the status with what is counted elsewhere. mu is held.
func (b *Breaker) snapshot() BreakerStatus {
	s := b.status
	s.Waiting = b.line.len()
	return s
}

// unlock releases mu, and reports the changes made under it.
func (b *Breaker) unlock() {
	b.changes.unlock(&b.mu, func(c change) { b.cfg.OnChange(c.from, c.now) })
}
