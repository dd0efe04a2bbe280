package processor

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor/stream"
)

// Guards are the thresholds beyond which a run of failures is taken for our own fault, and intake is halted before more events are spent
// on it. 0 turns one off.
type Guards struct {
	Refusals    int           // UNKNOWN results in a row, with no true answer between
	DeadLetters int           // of the last 200 messages
	Probe       time.Duration // how long after a probe of a halted process the next one follows; required
}

// The reasons why the processor holds intake.
const (
	HoldCredentials = "credentials"  // Konaplate refuses our credentials
	HoldRefusals    = "refusals"     // everything ends as UNKNOWN
	HoldDeadLetters = "dead-letters" // too much can never be answered
	HoldRebuild     = "rebuild"      // claims are being rebuilt
)

const (
	credentialRun    = 3   // 401s or 403s in a row, from different events
	deadLetterWindow = 200 // messages
)

// guard halts the process when a run of failures says that the fault is ours. While it is halted no event is spent: one at a time is asked
// about, and waits in a retry topic if there is no true answer to it, so that each probe is another event's.
type guard struct {
	cfg    Guards
	intake *stream.Intake
	probe  chan struct{} // holds the right to probe

	mu        sync.Mutex
	refused   map[events.Identity]bool // the run of refused credentials, up to credentialRun
	unknowns  map[events.Identity]bool // the run of UNKNOWN results, up to cfg.Refusals
	ends      [deadLetterWindow]end    // a ring
	seen      int                      // messages that ended
	dead      int                      // dead letters in ends
	halts     map[string]bool          // reasons to halt
	released  chan struct{}            // closed when there is none any more
	nextProbe time.Time
}

// end is how a message ended.
type end struct {
	source events.Source
	dead   bool
}

func newGuard(cfg Guards, intake *stream.Intake) *guard {
	g := &guard{
		cfg: cfg, intake: intake, probe: make(chan struct{}, 1),
		refused: map[events.Identity]bool{}, unknowns: map[events.Identity]bool{}, halts: map[string]bool{}, released: make(chan struct{}),
	}
	g.probe <- struct{}{}
	return g
}

// turn returns when the caller may ask: at once unless the process is halted, and then when its turn has come to probe. done must be called
// when the answer has been judged.
func (g *guard) turn(ctx context.Context, draining <-chan struct{}) (done func(), err error) {
	for {
		g.mu.Lock()
		halted := g.halts[HoldCredentials] || g.halts[HoldRefusals]
		released, wait := g.released, time.Until(g.nextProbe)
		g.mu.Unlock()
		if !halted {
			return func() {}, nil
		}
		probe, timer := g.probe, (<-chan time.Time)(nil)
		if wait > 0 {
			probe, timer = nil, time.After(wait)
		}
		select {
		case <-released:
		case <-timer:
		case <-probe:
			if g.early() { // another had it meanwhile
				g.probe <- struct{}{}
				continue
			}
			return g.probed, nil
		case <-draining:
			return nil, stream.ErrAbandoned
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (g *guard) early() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return time.Now().Before(g.nextProbe)
}

func (g *guard) probed() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.nextProbe = time.Now().Add(g.cfg.Probe)
	g.probe <- struct{}{}
}

// spend says whether the event may be spent on what was decided of it. If not, the process is halted, and the event has to be asked about
// again. (One whose credentials were refused is never spent: see decide.)
func (g *guard) spend(id events.Identity, a Answer, d decision) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch a.Class {
	case OurFault:
		g.refused[id] = true
		if len(g.refused) >= credentialRun {
			clear(g.refused) // they are kept no longer than they are counted
			g.halt(HoldCredentials, fmt.Sprintf("Konaplate refused our credentials for %d events in a row (%s): correct CHARGERESULT_INQUIRY_ASP_ID, _ACCESS_KEY, "+
				"or what signs, and restart; one event is asked about every %v", credentialRun, a.described(), g.cfg.Probe))
		}
		return true
	case Answered, NotYet, NotFound, Refused, Unclear: // it knew who asked
		clear(g.refused)
		g.release(HoldCredentials)
	}
	if a.Class == Answered || a.Class == NotYet {
		clear(g.unknowns)
		g.release(HoldRefusals)
	}
	if d.result != events.Unknown || g.cfg.Refusals == 0 || g.unknowns[id] { // the same again, if its transaction did not commit
		return true
	}
	if len(g.unknowns) == g.cfg.Refusals {
		return false
	}
	if g.unknowns[id] = true; len(g.unknowns) == g.cfg.Refusals {
		g.halt(HoldRefusals, fmt.Sprintf("%d results in a row are UNKNOWN (the last: %s, %s): that is more likely our fault than that of the events; "+
			"correct what is wrong and restart, or raise CHARGERESULT_GUARD_REFUSALS; one event is asked about every %v", len(g.unknowns), d.reason, a.described(), g.cfg.Probe))
	}
	return true
}

// end counts how a message ends. A dead letter has to wait where too many have ended so before it: nothing but a restart, with a
// configuration that reads them or lets them pass, can make more of them right.
func (g *guard) end(ctx context.Context, draining <-chan struct{}, source events.Source, dead bool) error {
	for {
		g.mu.Lock()
		now := end{source, dead}
		again := dead && slices.Contains(g.ends[:], now) // its transaction did not commit
		released, halted := g.released, dead && !again && g.halts[HoldDeadLetters]
		if !halted && !again {
			g.count(now)
		}
		g.mu.Unlock()
		if !halted {
			return nil
		}
		select {
		case <-released:
		case <-draining:
			return stream.ErrAbandoned
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// count moves the window on. mu is held.
func (g *guard) count(now end) {
	slot := &g.ends[g.seen%deadLetterWindow]
	if slot.dead {
		g.dead--
	}
	if now.dead {
		g.dead++
	}
	*slot = now
	g.seen++
	switch over := g.cfg.DeadLetters > 0 && g.dead >= g.cfg.DeadLetters; {
	case over:
		g.halt(HoldDeadLetters, fmt.Sprintf("%d of the last %d messages are dead letters: that is more likely our fault than theirs; "+
			"see their reasons, correct CHARGERESULT_FIELD_CORRELATION_ID and its like, or what sends them, and restart; CHARGERESULT_GUARD_DEAD_LETTERS=0 lets them pass", g.dead, min(g.seen, deadLetterWindow)))
	default:
		g.release(HoldDeadLetters)
	}
}

// halt and release are called with mu held.
func (g *guard) halt(reason, cause string) {
	g.halts[reason] = true
	g.nextProbe = time.Now().Add(g.cfg.Probe)
	g.intake.Hold(reason, cause)
}

func (g *guard) release(reason string) {
	if !g.halts[reason] {
		return
	}
	delete(g.halts, reason)
	close(g.released)
	g.released = make(chan struct{})
	g.intake.Release(reason)
}
