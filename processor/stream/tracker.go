package stream

import "slices"

// tracker knows how far one assigned partition has come: which of its records are finished, and what to commit.
// It is pure: no clock, no I/O, no lock. A fresh one is made for every assignment and never reused.
//
// Three facts about Kafka's logs shape it. Offsets are not contiguous: transaction markers and compacted records occupy some that are
// never delivered, so "the next offset" cannot be counted up to. A record that is finished counts only when its transaction
// has committed. And what an earlier assignment finished above the low-water mark will be fetched again.
type tracker struct {
	next    int64   // the lowest offset that was not fetched yet
	entries []entry // by offset, not overlapping; starts at the lowest unfinished record if there is one
	pending int     // entries that are not committed
}

// entry is a record that is unfinished or in a transaction, or a run of committed ones.
type entry struct {
	run
	at    int64 // the timestamp of an unfinished record, in milliseconds since 1970
	state entryState
}

type entryState uint8

const (
	unfinished entryState = iota // dispatched
	committing                   // its results are in the transaction being built
	committed                    // its transaction has committed
)

// newTracker starts where the last commit left: at its offset, with the runs above it that are finished.
func newTracker(offset int64, runs []run) *tracker {
	t := &tracker{next: offset}
	for _, r := range runs {
		t.entries = append(t.entries, entry{run: r, state: committed})
	}
	return t
}

// find returns where offset is, or where it would be inserted.
func (t *tracker) find(offset int64) (int, bool) {
	i, found := slices.BinarySearchFunc(t.entries, offset, func(e entry, o int64) int {
		switch {
		case e.last < o:
			return -1
		case e.first > o:
			return 1
		}
		return 0
	})
	return i, found
}

// accept takes note of a fetched record and its timestamp, in milliseconds since 1970, and says whether to process it. Each offset is accepted
// once: one below what was fetched already, or finished by an earlier assignment, is not.
func (t *tracker) accept(offset, at int64) bool {
	if offset < t.next {
		return false
	}
	t.next = offset + 1
	i, found := t.find(offset)
	if found {
		return false
	}
	t.entries = slices.Insert(t.entries, i, entry{run{offset, offset}, at, unfinished})
	t.pending++
	return true
}

// include moves a finished record into the transaction being built.
func (t *tracker) include(offset int64) { t.move(offset, unfinished, committing) }

// exclude takes it out again.
func (t *tracker) exclude(offset int64) { t.move(offset, committing, unfinished) }

func (t *tracker) move(offset int64, from, to entryState) {
	i, found := t.find(offset)
	if !found || t.entries[i].state != from {
		panic("stream: tracker: a record changed state out of turn") // a bug here would lose or repeat records
	}
	t.entries[i].state = to
}

// position returns what a commit says once the transaction being built is through: the low-water mark, and the finished runs above it.
//
// The low-water mark is the lowest unfinished record, or, if there is none, what follows the last fetched one.
func (t *tracker) position() (lowWater int64, runs []run) {
	lowWater = t.next
	for _, e := range t.entries {
		if e.state == unfinished {
			lowWater = e.first
			break
		}
	}
	apart := true // an unfinished record lies between the last run and this entry
	for _, e := range t.entries {
		if e.state == unfinished {
			apart = true
			continue
		}
		if e.last < lowWater {
			continue
		}
		r := run{max(e.first, lowWater), e.last}
		if n := len(runs); !apart && t.touch(runs[n-1], r) {
			runs[n-1].last = r.last
		} else {
			runs = append(runs, r)
		}
		apart = false
	}
	return lowWater, runs
}

// oldest returns the timestamp of the first record that is not finished, if there is one. One whose transaction has not committed is not.
func (t *tracker) oldest() (at int64, ok bool) {
	for _, e := range t.entries {
		if e.state != committed {
			return e.at, true
		}
	}
	return 0, false
}

// touch says whether no record can lie between two finished runs: either no offset does, or all that do were fetched and held none.
func (t *tracker) touch(a, b run) bool { return a.last+1 == b.first || b.first <= t.next }

// pieces returns how many pieces the map may come to within what was fetched: unfinished records and runs. What an earlier assignment
// finished further on does not count: nothing but fetching makes it less.
func (t *tracker) pieces() int {
	n, _ := t.find(t.next)
	return n
}

// commit notes that the transaction went through. It merges the runs that now touch and drops those below the low-water mark.
func (t *tracker) commit() {
	kept := t.entries[:0]
	for _, e := range t.entries {
		if e.state == committing {
			e.state = committed
			t.pending--
		}
		if n := len(kept); n > 0 && e.state == committed && kept[n-1].state == committed && t.touch(kept[n-1].run, e.run) {
			kept[n-1].last = e.last
			continue
		}
		kept = append(kept, e)
	}
	if len(kept) > 0 && kept[0].state == committed && kept[0].last < t.next {
		kept = slices.Delete(kept, 0, 1)
	}
	t.entries = kept
}

// abort takes everything out of the transaction that was being built.
func (t *tracker) abort() {
	for i := range t.entries {
		if t.entries[i].state == committing {
			t.entries[i].state = unfinished
		}
	}
}
