package inquiry

import (
	"cmp"
	"errors"
	"fmt"
	"time"
)

// BreakerConfig says when a Breaker opens and for how long. Zero fields get the defaults.
type BreakerConfig struct {
	Window       time.Duration // how far back results count, to a tenth of it; default 10s
	MinRequests  int           // results in the window below which it never opens; default 20
	FailureRatio float64       // the part of them that must have failed, above 0, up to 1; default 0.5
	Open         time.Duration // how long nothing is let through, plus up to a fifth by chance; default 15s
	Concurrency  int           // questions in flight at most, those included that wait in a Pace; reached by the ramp after an outage; default 64

	// TryTimeout is the deadline of a question, Config.Timeout; default 5s. It must be shorter than Open, or a probe that
	// hangs holds the breaker half-open for longer than it is open.
	TryTimeout time.Duration

	// OnChange is told of each change of state: in order, one at a time, with no lock held. nil: nobody.
	OnChange func(from State, now BreakerStatus)
}

func (cfg BreakerConfig) withDefaults() BreakerConfig {
	cfg.Window = cmp.Or(cfg.Window, 10*time.Second)
	cfg.MinRequests = cmp.Or(cfg.MinRequests, 20)
	cfg.FailureRatio = cmp.Or(cfg.FailureRatio, 0.5)
	cfg.Open = cmp.Or(cfg.Open, 15*time.Second)
	cfg.Concurrency = cmp.Or(cfg.Concurrency, 64)
	cfg.TryTimeout = cmp.Or(cfg.TryTimeout, 5*time.Second)
	if cfg.OnChange == nil {
		cfg.OnChange = func(State, BreakerStatus) {}
	}
	return cfg
}

// Validate returns every fault of the configuration, each beginning with the name of its field.
func (cfg BreakerConfig) Validate() error {
	cfg = cfg.withDefaults()
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if cfg.MinRequests < 1 {
		fault("MinRequests: %d: want at least 1", cfg.MinRequests)
	}
	if !(cfg.FailureRatio > 0 && cfg.FailureRatio <= 1) {
		fault("FailureRatio: %v: want more than 0, at most 1", cfg.FailureRatio)
	}
	if cfg.Concurrency < 1 {
		fault("Concurrency: %d: want at least 1", cfg.Concurrency)
	}
	if cfg.TryTimeout < 1 {
		fault("TryTimeout: %v: want more than 0", cfg.TryTimeout)
	}
	if cfg.Open <= cfg.TryTimeout {
		fault("Open: %v: want more than the try's timeout of %v", cfg.Open, cfg.TryTimeout)
	}
	if cfg.Window < 1 {
		fault("Window: %v: want more than 0", cfg.Window)
	}
	return errors.Join(faults...)
}
