package stream

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// Intake is the one valve before an engine. Whoever can't have more work for the time being holds it, with a reason; while any
// reason holds, the engine lets in one message at a time, and only when none is in flight: somebody has to find out whether the reason is
// gone. Membership of the group is not touched. It may be used by many goroutines at once, and by one engine.
type Intake struct {
	log *slog.Logger

	mu      sync.Mutex
	holds   map[string]Hold
	logged  map[string]time.Time // when a hold of this reason was last logged
	changed context.Context      // ends when holds become some, or none
	signal  context.CancelFunc   // ends it
}

// The reasons of the engine itself. Others have names of their own.
const (
	HeldByAdmission = "admission" // Admit fails
	HeldByGroup     = "group"     // the process is no working member of its group
)

// Hold is one reason why intake is held.
type Hold struct {
	Reason string    `json:"reason"` // its name
	Cause  string    `json:"cause"`  // what was found, for people
	Since  time.Time `json:"since"`

	said bool // logged
}

// NewIntake returns an open intake. A nil logger is slog.Default.
func NewIntake(log *slog.Logger) *Intake {
	if log == nil {
		log = slog.Default()
	}
	i := &Intake{log: log, holds: map[string]Hold{}, logged: map[string]time.Time{}}
	i.changed, i.signal = context.WithCancel(context.Background())
	return i
}

// Hold holds intake for a reason, until Release. A reason that holds already only gets another cause.
func (i *Intake) Hold(reason, cause string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	hold, known := i.holds[reason]
	if !known {
		hold = Hold{Reason: reason, Since: time.Now()}
	}
	// A reason that comes and goes many times a second, as a rate limit may, is said once an interval.
	since := time.Since(i.logged[reason])
	if since > faultInterval || known && hold.Cause != cause && since > time.Second {
		i.log.Warn("intake held", "reason", reason, "cause", cause, "since", hold.Since)
		i.logged[reason], hold.said = time.Now(), true
	}
	hold.Cause = cause
	i.holds[reason] = hold
	if len(i.holds) == 1 && !known {
		i.turned()
	}
}

// Release ends a reason. One that does not hold is no matter.
func (i *Intake) Release(reason string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	hold, known := i.holds[reason]
	if !known {
		return
	}
	delete(i.holds, reason)
	if hold.said {
		i.log.Info("intake released", "reason", reason, "held_for", time.Since(hold.Since).Round(time.Millisecond), "cause", hold.Cause)
	}
	if len(i.holds) == 0 {
		i.turned()
	}
}

// turned tells whoever waits that intake is held now, or not any more. The caller holds the lock.
func (i *Intake) turned() {
	i.signal()
	i.changed, i.signal = context.WithCancel(context.Background())
}

// turn says whether intake is held, and returns a context that ends with ctx, or as soon as that changes.
func (i *Intake) turn(ctx context.Context) (turn context.Context, end context.CancelFunc, held bool) {
	i.mu.Lock()
	changed, held := i.changed, len(i.holds) > 0
	i.mu.Unlock()
	turn, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(changed, cancel)
	return turn, func() { stop(); cancel() }, held
}

// Holds returns why intake is held, the longest first; none if it is not.
func (i *Intake) Holds() []Hold {
	i.mu.Lock()
	defer i.mu.Unlock()
	holds := make([]Hold, 0, len(i.holds))
	for _, h := range i.holds {
		holds = append(holds, h)
	}
	slices.SortFunc(holds, func(a, b Hold) int { return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Reason, b.Reason)) })
	return holds
}
