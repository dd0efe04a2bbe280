package inquiry

import (
	"testing"
	"time"
)

// TestSlots takes slots whose timers are late by turns, after a break, and after the process stood still.
func TestSlots(t *testing.T) {
	begin := time.Date(2026, 11, 22, 10, 30, 0, 0, time.UTC)
	s := slots{interval: 200 * time.Microsecond}
	s.skip(begin)
	for i, late := range []time.Duration{0, 60 * time.Microsecond, 2 * time.Millisecond, catchUp, 0} {
		due := begin.Add(time.Duration(i) * s.interval)
		if s.next != due {
			t.Errorf("slot %d is at %v, want %v: lateness adds up", i, s.next.Sub(begin), due.Sub(begin))
		}
		s.take(due.Add(late))
	}

	idle := begin.Add(time.Second)
	s.skip(idle)
	s.take(idle)
	if want := idle.Add(s.interval); s.next != want {
		t.Errorf("after a break: %v, want %v", s.next.Sub(begin), want.Sub(begin))
	}
	s.skip(idle)
	if want := idle.Add(s.interval); s.next != want {
		t.Errorf("a slot was given back by skipping: %v", s.next.Sub(begin))
	}

	woken := begin.Add(time.Minute)
	n := 0
	for !s.next.After(woken) {
		s.take(woken)
		n++
	}
	if most := int(catchUp/s.interval) + 1; n > most {
		t.Errorf("%d questions at once after the process stood still, want %d at most", n, most)
	}
}

func TestIntervalIsNeverTooShort(t *testing.T) {
	for rate, want := range map[float64]time.Duration{
		0: 0, 0.5: 2 * time.Second, 3: 333_333_334, 5000: 200 * time.Microsecond, 7000: 142_858, 1_000_000: time.Microsecond,
	} {
		if got := (PaceConfig{Rate: rate}).interval(); got != want {
			t.Errorf("rate %v: %v, want %v", rate, got, want)
		}
	}
}
