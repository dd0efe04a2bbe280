package main

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	// repeatInterval is how often a fault is written that repeats.
	repeatInterval = 10 * time.Second
	// mostRepeats is how many faults are told apart at once. Beyond that they are told apart by level and message only, which are words
	// of the code; and beyond twice that, all are written.
	mostRepeats = 1000
)

// repeats keeps faults, lines of level WARN or above, from being written more than once an interval. The first line of a fault is written
// at once. When the interval is over the newest of those that came since is written, with the number of the others as "repeated", and
// another interval begins; if none came, the fault is forgotten. So each line is written, or counted in one that is written an interval later at most.
//
// Which lines are of one fault, identity says.
type repeats struct {
	mu      sync.Mutex // held while a line is written late, so that flush leaves nobody behind who writes
	running map[uint64]*repeated
}

// repeated is a fault in its interval.
type repeated struct {
	end    *time.Timer
	unsaid int       // lines that were not written
	newest lateEntry // of those
}

// first reports whether the caller is to write the line, because it is the first of its fault; any other is written later, or counted.
// said is what tells faults apart in the attributes that next has already.
func (r *repeats) first(said []byte, next slog.Handler, line slog.Record) bool {
	fault := identity(said, line)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.running[fault] == nil && len(r.running) >= mostRepeats {
		fault = identity(nil, slog.NewRecord(time.Time{}, line.Level, line.Message, 0))
	}
	if known := r.running[fault]; known != nil {
		known.unsaid++
		known.newest = late(next, line)
		return false
	}
	if len(r.running) < 2*mostRepeats {
		mine := &repeated{}
		mine.end = time.AfterFunc(repeatInterval, func() { r.over(fault, mine) })
		r.running[fault] = mine
	}
	return true
}

// over ends an interval of a fault.
func (r *repeats) over(fault uint64, mine *repeated) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.running[fault] != mine: // flushed while the timer fired
	case mine.unsaid == 0:
		delete(r.running, fault)
	default:
		mine.write()
		mine.end.Reset(repeatInterval)
	}
}

// flush writes what is held back, and forgets all faults.
func (r *repeats) flush() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, fault := range r.running {
		fault.end.Stop()
		if fault.unsaid > 0 {
			fault.write()
		}
	}
	clear(r.running)
}

// write writes the newest line, which stands for all that were not written.
func (f *repeated) write() {
	if others := f.unsaid - 1; others > 0 {
		f.newest.line.AddAttrs(slog.Int("repeated", others))
	}
	_ = f.newest.handler.Handle(context.Background(), f.newest.line) // as slog.Logger does: a log that can't be written has nowhere to say so
	f.unsaid, f.newest = 0, lateEntry{}
}

// lateEntry is a line to be written later.
type lateEntry struct {
	handler slog.Handler // has its attributes, as text: what they were made of may change meanwhile
	line    slog.Record  // the rest
}

func late(next slog.Handler, line slog.Record) lateEntry {
	attrs := make([]slog.Attr, 0, line.NumAttrs())
	line.Attrs(func(a slog.Attr) bool {
		attrs = append(attrs, a)
		return true
	})
	return lateEntry{next.WithAttrs(attrs), slog.NewRecord(line.Time, line.Level, line.Message, line.PC)}
}
