package inquiry

import "time"

// catchUp is the lateness of a timer that is made up for. Without it, what each timer is late would add up, which at 5,000 a second
// is a good part of the rate; without a bound, a process that was stopped for a while would make up for all of it at once.
const catchUp = 10 * time.Millisecond

// slots are the moments at which a question may be asked: one each, an interval apart.
type slots struct {
	interval time.Duration // 0: no distance at all
	next     time.Time     // the first that is free
}

// take takes the next slot, which has come.
func (s *slots) take(now time.Time) { s.next = later(s.next, now.Add(-catchUp)).Add(s.interval) }

// skip gives up the slots before at: nobody may have them any more.
func (s *slots) skip(at time.Time) { s.next = later(s.next, at) }

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
