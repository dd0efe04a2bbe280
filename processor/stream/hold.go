package stream

import (
	"log/slog"
	"slices"
	"sync"
	"time"
)

// Intake is the one valve before an engine. Whoever can't have more work for the time being holds it, with a reason; while any
// reason holds, the engine lets in one message at a time, and only when none is in flight: somebody has to find out whether the reason is
// gone. Membership of the group is not touched. It may be used by many goroutines at once.
type Intake struct {
	log *slog.Logger

	mu      sync.Mutex
	holds   map[string]Hold
	logged  map[string]time.Time // when a hold of this reason was last logged
	changed chan struct{}        // closed when holds become some, or none
}

// Hold is one reason why intake is held.
type Hold struct {
	Reason string    `json:"reason"` // its name
	Cause  string    `json:"cause"`  // what was found, for people
	Since  time.Time `json:"since"`
}

// NewIntake returns an open intake. A nil logger is slog.Default.
func NewIntake(log *slog.Logger) *Intake {
	if log == nil {
		log = slog.Default()
	}
	return &Intake{log: log, holds: map[string]Hold{}, logged: map[string]time.Time{}, changed: make(chan struct{})}
}

// Hold holds intake for a reason, until Release. A reason that holds already only gets another cause.
func (i *Intake) Hold(reason, cause string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	hold, known := i.holds[reason]
	if !known {
		hold = Hold{Reason: reason, Since: time.Now()}
	}
	news := !known || hold.Cause != cause && time.Since(i.logged[reason]) > time.Second
	hold.Cause = cause
	i.holds[reason] = hold
	if news || time.Since(i.logged[reason]) > faultInterval {
		i.log.Warn("intake held", "reason", reason, "cause", cause, "since", hold.Since)
		i.logged[reason] = time.Now()
	}
	if len(i.holds) == 1 && !known {
		i.signal()
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
	i.log.Info("intake released", "reason", reason, "held_for", time.Since(hold.Since).Round(time.Millisecond), "cause", hold.Cause)
	if len(i.holds) == 0 {
		i.signal()
	}
}

// signal tells whoever waits that intake was closed or opened. mu is held.
func (i *Intake) signal() {
	close(i.changed)
	i.changed = make(chan struct{})
}

// Holds returns why intake is held, the longest first; none if it is not.
func (i *Intake) Holds() []Hold {
	i.mu.Lock()
	defer i.mu.Unlock()
	holds := make([]Hold, 0, len(i.holds))
	for _, h := range i.holds {
		holds = append(holds, h)
	}
	slices.SortFunc(holds, func(a, b Hold) int { return a.Since.Compare(b.Since) })
	return holds
}
