package inquiry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor"
)

// maxBackoff bounds one wait between two tries.
const maxBackoff = 5 * time.Second

// RetryConfig says how often a question is tried in place. Zero fields get the defaults.
type RetryConfig struct {
	Tries   int           // tries in all, 1 to 10; default 3
	Backoff time.Duration // wait before the second try, then twice as long each time, up to 5s; each cut by up to a half by chance; default 200ms
}

func (cfg RetryConfig) withDefaults() RetryConfig {
	cfg.Tries = cmp.Or(cfg.Tries, 3)
	cfg.Backoff = cmp.Or(cfg.Backoff, 200*time.Millisecond)
	return cfg
}

// Validate returns every fault of the configuration, each beginning with the name of its field.
func (cfg RetryConfig) Validate() error {
	cfg = cfg.withDefaults()
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if cfg.Tries < 1 || cfg.Tries > 10 {
		fault("Tries: %d: want 1 to 10", cfg.Tries)
	}
	if cfg.Backoff < 0 || cfg.Backoff > maxBackoff {
		fault("Backoff: %v: want more than 0, at most %v", cfg.Backoff, maxBackoff)
	}
	return errors.Join(faults...)
}

// Retries asks again, in place, what the vendor was too unwell or too busy to answer.
type Retries struct {
	next processor.Inquirer
	cfg  RetryConfig
}

var _ processor.Inquirer = (*Retries)(nil)

// WithRetries puts retries before next. It panics if cfg is not valid: what comes from outside is validated there.
func WithRetries(next processor.Inquirer, cfg RetryConfig) *Retries {
	if err := cfg.Validate(); err != nil {
		panic(fmt.Errorf("inquiry retries: %w", err))
	}
	return &Retries{next, cfg.withDefaults()}
}

// Inquire implements processor.Inquirer. After the last try it returns that try's answer.
func (r *Retries) Inquire(ctx context.Context, draining <-chan struct{}, e events.Event) (processor.Answer, error) {
	for try := 1; ; try++ {
		answer, err := r.next.Inquire(ctx, draining, e)
		slow := answer.Class == processor.SlowDown
		if err != nil || !slow && !failed(answer.Class) || try == r.cfg.Tries {
			return answer, err
		}
		if slow {
			continue // the wait is Pace's: for as long as Konaplate asked, and no longer
		}
		select {
		case <-time.After(r.cfg.wait(try)):
		case <-draining:
			return processor.Answer{}, fmt.Errorf("inquiry failed %d of %d tries, last: %w; %w", try, r.cfg.Tries, answer.Cause, processor.ErrNotAsked)
		case <-ctx.Done():
			return processor.Answer{}, fmt.Errorf("inquiry interrupted between tries: %w", ctx.Err())
		}
	}
}

// wait returns how long to wait after a try.
func (cfg RetryConfig) wait(try int) time.Duration {
	d := min(cfg.Backoff<<(try-1), maxBackoff)
	return d - rand.N(d/2+1)
}
