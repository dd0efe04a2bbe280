package replay

import (
	"math/bits"

	"github.com/chargeresult/chargeresult/events"
)

// mark is what is known of one input record: the places that it is in.
type mark byte

const (
	inFinal mark = 1 << iota
	inDead
	inDuplicate
	inWaiting // a retry record that was unfinished before the topics were read, and still is after
	waited    // a retry record that was unfinished before the topics were read: no place if it was finished since
	again     // in one of these places a second time
)

const places = inFinal | inDead | inDuplicate | inWaiting

// ledger holds the marks of one partition's records: a byte an offset, whatever happens to the record.
type ledger struct {
	span
	marks []mark
	tally Tally
}

// enter notes a place of a record. One that the log does not hold any more, or did not yet, is not accounted for.
//
// A second duplicate record is no second place: a record that is read again, because the group's offsets were moved back, is acknowledged
// again. A second dead letter is one, and so is a second final result: whoever reads them acts on each.
func (l *ledger) enter(offset int64, place mark) {
	if offset < l.from || offset >= l.to {
		return
	}
	m := &l.marks[offset-l.from]
	if *m&place != 0 && place != inDuplicate && place != waited {
		*m |= again
	}
	*m |= place
}

// judge counts a finished record, and returns what does not add up; empty: nothing.
func (l *ledger) judge(offset int64, beyond bool) Kind {
	m, t := l.marks[offset-l.from], &l.tally
	t.Accepted++
	switch n := bits.OnesCount8(uint8(m & places)); {
	case n > 1 || m&again != 0:
		t.Twice++
		return Twice
	case m&inFinal != 0:
		t.Final++
	case m&inDead != 0:
		t.Dead++
	case m&inDuplicate != 0:
		t.Duplicate++
	case m&(inWaiting|waited) != 0:
		t.Waiting++
	case beyond:
		t.BeyondHorizon++
	default:
		t.Missing++
		return Missing
	}
	return ""
}

// ledgers are those of all input partitions.
type ledgers map[string]map[int32]*ledger

func newLedgers(inputs spans) ledgers {
	all := ledgers{}
	for topic, partitions := range inputs {
		all[topic] = map[int32]*ledger{}
		for partition, of := range partitions {
			all[topic][partition] = &ledger{span: of, marks: make([]mark, of.to-of.from)}
		}
	}
	return all
}

// of returns the ledger that an input record is in; nil if there is no such partition.
func (all ledgers) of(source events.Source) *ledger { return all[source.Topic][source.Partition] }
