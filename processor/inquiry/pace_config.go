package inquiry

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// The rates that can be kept.
const (
	minRate = 0.001
	maxRate = 1_000_000
)

// PaceConfig says how fast a Pace asks.
type PaceConfig struct {
	// Rate is how many questions a second are asked at most, over this process: 0.001 to 1,000,000; 0: any number.
	Rate float64

	// OnChange is told when questions have to wait for a second or more, again when a 429 moves PausedUntil, and when that is
	// over and nobody waits any more, which is when Cause is empty: in order, one at a time, with no lock held. nil: nobody.
	OnChange func(now PaceStatus)
}

// PaceStatus is a Pace at one moment.
type PaceStatus struct {
	Rate        float64   // as configured
	PausedUntil time.Time // no question is asked before, because of a 429; zero once it has passed
	Limit       int       // questions that may be in flight now, on the way back from a 429; 0: any number
	InFlight    int
	Waiting     int    // questions that wait for their turn now
	SlowDowns   uint64 // 429 so far
	Cause       string // why questions have to wait for a second or more, for people; empty: they have not
}

func (cfg PaceConfig) withDefaults() PaceConfig {
	if cfg.OnChange == nil {
		cfg.OnChange = func(PaceStatus) {}
	}
	return cfg
}

// Validate returns every fault of the configuration, each beginning with the name of its field.
func (cfg PaceConfig) Validate() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if cfg.Rate != 0 && !(cfg.Rate >= minRate && cfg.Rate <= maxRate) {
		fault("Rate: %v: want 0 for none, or %v to %d questions a second", cfg.Rate, minRate, maxRate)
	}
	return errors.Join(faults...)
}

// interval is the distance of two questions, to the nanosecond above.
func (cfg PaceConfig) interval() time.Duration {
	if cfg.Rate == 0 {
		return 0
	}
	return time.Duration(math.Ceil(float64(time.Second) / cfg.Rate))
}
