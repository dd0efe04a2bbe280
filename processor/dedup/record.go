package dedup

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/chargeresult/chargeresult/processor"
)

// layoutVersion begins every stored value. settle.lua knows the layout too.
const layoutVersion = "1"

// noResult stands for an empty result, so that every field of a stored value has at least one character but the last.
const noResult = "-"

// whiteSpace is what no result may hold: settle.lua takes it for the end of one.
const whiteSpace = " \t\n\v\f\r"

// record is what the store holds of one transaction. Its String is the stored value.
type record struct {
	state       processor.State
	hop         int    // retry records committed so far
	result      string // only if settled, and empty for a dead letter even then
	owner       processor.Owner
	fingerprint string
}

// String is the record as it is stored: version, state, hop, result, owner, fingerprint, with one space between.
// The fingerprint comes last, because it alone may hold spaces.
func (r record) String() string { return string(r.appendTo(make([]byte, 0, usualRecord))) }

// usualRecord is how long a stored value usually is at most, in bytes: a longer one needs an allocation more.
const usualRecord = 160

func (r record) appendTo(b []byte) []byte {
	result := r.result
	if result == "" {
		result = noResult
	}
	b = append(append(b, layoutVersion+" "...), r.state...)
	b = strconv.AppendInt(append(b, ' '), int64(r.hop), 10)
	b = append(append(b, ' '), result...)
	b = r.owner.AppendTo(append(b, ' '))
	return append(append(b, ' '), r.fingerprint...)
}

// parseRecord reads a stored value. It accepts exactly what String writes.
func parseRecord(value string) (record, error) {
	fields := strings.SplitN(value, " ", 6)
	if len(fields) != 6 || fields[0] != layoutVersion {
		return record{}, fmt.Errorf("%q is no claim of layout %s", value, layoutVersion)
	}
	r := record{state: processor.State(fields[1]), result: fields[3], fingerprint: fields[5]}
	if r.result == noResult {
		r.result = ""
	}
	var err error
	if r.hop, err = strconv.Atoi(fields[2]); err != nil {
		return record{}, fmt.Errorf("hop of claim %q: %w", value, err)
	}
	if r.owner, err = processor.ParseOwner(fields[4]); err != nil {
		return record{}, fmt.Errorf("owner of claim %q: %w", value, err)
	}
	if written := r.appendTo(make([]byte, 0, usualRecord)); !r.possible() || string(written) != value {
		return record{}, fmt.Errorf("%q is no claim of layout %s", value, layoutVersion)
	}
	return r, nil
}

// possible reports whether the hop fits the state: what is merely claimed has no retry record, and what waits has one.
func (r record) possible() bool {
	switch r.state {
	case processor.StateClaimed:
		return r.hop == 0
	case processor.StateWaiting:
		return r.hop > 0
	case processor.StateSettled:
		return r.hop >= 0
	default:
		return false
	}
}

// claimedRecord is what a claim writes under a free key. A retry record is committed, or nobody could claim for it: its transaction waits.
func claimedRecord(c processor.Claim) record {
	r := record{state: processor.StateClaimed, owner: c.Owner, fingerprint: c.Fingerprint}
	if c.Hop > 0 {
		r.state, r.hop = processor.StateWaiting, c.Hop
	}
	return r
}

// settledRecord is what a settlement writes under a free key. It fails if that could not be read back.
func settledRecord(s processor.Settlement) (record, error) {
	r := record{state: s.State, hop: s.Hop, result: s.Result, owner: s.Claim.Owner, fingerprint: s.Claim.Fingerprint}
	if !r.possible() || r.result == noResult || strings.ContainsAny(r.result, whiteSpace) || r.owner.Partition < 0 || r.owner.Offset < 0 {
		return record{}, fmt.Errorf("settlement of %s %s cannot be stored: state %q, hop %d, result %q, owner %s",
			s.Claim.Operation, s.Claim.CorrelationID, s.State, s.Hop, s.Result, s.Claim.Owner)
	}
	return r, nil
}
