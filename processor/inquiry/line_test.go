package inquiry

import (
	"errors"
	"testing"
	"time"

	"github.com/chargeresult/chargeresult/processor"
)

// TestNobodyOvertakes: a turn is to be had, but the timer that would have given it to the first of the line is late. A newcomer
// comes before the timer: it sees to it that the first goes first, and is let go, as it drains.
func TestNobodyOvertakes(t *testing.T) {
	draining := make(chan struct{})
	close(draining)
	t.Run("breaker", func(t *testing.T) {
		b := WithBreaker(nil, BreakerConfig{Concurrency: 1})
		first := b.line.join()
		if _, err := b.wait(t.Context(), draining); len(first) != 1 || !errors.Is(err, processor.ErrNotAsked) {
			t.Errorf("%d turns for the first; the newcomer: %v", len(first), err)
		}
	})
	t.Run("pace", func(t *testing.T) {
		p := WithPace(nil, PaceConfig{Rate: minRate})
		p.slots.next = time.Now()
		first := p.line.join()
		_, err := p.wait(t.Context(), draining)
		p.timer.Stop()
		if len(first) != 1 || !errors.Is(err, processor.ErrNotAsked) {
			t.Errorf("%d turns for the first; the newcomer: %v", len(first), err)
		}
	})
}
