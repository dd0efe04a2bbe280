package replay

import (
	"time"

	"github.com/chargeresult/chargeresult/events"
)

// Account says where every input record is that a group has finished.
type Account struct {
	Group string    `json:"group"`
	Cut   time.Time `json:"cut"` // when the group's offsets were read: the account is of this moment
	// Horizon is when the oldest records begin that every output topic still holds, or ReconcileConfig.Since if that is later; zero: from the
	// beginning on. The outcome of a record older than this may have been removed.
	Horizon    time.Time   `json:"horizon,omitzero"`
	Partitions []Partition `json:"partitions"` // of the input topics, by name and number
	Total      Tally       `json:"total"`

	TwoFinals   int64 `json:"twoFinals"`   // transactions with more than one final result of one revision
	TwoInterims int64 `json:"twoInterims"` // transactions with more than one interim result
	Strays      int64 `json:"strays"`      // outcomes that are of no input record, such as dead letters of a damaged retry record
	Unreadable  int64 `json:"unreadable"`  // records of this group in output topics that can't be read

	Faults  []Fault `json:"faults"`            // what does not add up, up to the limit
	Unnamed int64   `json:"unnamed,omitempty"` // how many more there are

	Balanced bool `json:"balanced"` // nothing is missing, nothing is in two places, and no transaction was answered twice
	Complete bool `json:"complete"` // nothing is beyond the horizon, so that everything could be judged
}

// Partition is the account of one partition of an input topic.
type Partition struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Tally
}

// Tally counts input records. Accepted is the sum of all others but Unfinished; where the account is balanced and complete, it is
// final + dead + duplicate + waiting.
type Tally struct {
	Accepted      int64 `json:"accepted"`      // finished by the group: their offsets are committed, or in the offset map
	Final         int64 `json:"final"`         // they have a final result
	Dead          int64 `json:"dead"`          // they have a dead letter
	Duplicate     int64 `json:"duplicate"`     // another record owns their transaction, and that is recorded
	Waiting       int64 `json:"waiting"`       // they wait in a retry topic
	Missing       int64 `json:"missing"`       // they are nowhere: lost
	Twice         int64 `json:"twice"`         // they are in more than one place
	BeyondHorizon int64 `json:"beyondHorizon"` // they are nowhere, but so old that their outcome may have been removed
	Unfinished    int64 `json:"unfinished"`    // read or not, the group has not accepted them yet: not part of Accepted
}

func (t *Tally) add(u Tally) {
	t.Accepted += u.Accepted
	t.Final += u.Final
	t.Dead += u.Dead
	t.Duplicate += u.Duplicate
	t.Waiting += u.Waiting
	t.Missing += u.Missing
	t.Twice += u.Twice
	t.BeyondHorizon += u.BeyondHorizon
	t.Unfinished += u.Unfinished
}

// Kind is what does not add up.
type Kind string

// The kinds of faults.
const (
	Missing     Kind = "missing"      // an input record that was accepted is nowhere
	Twice       Kind = "twice"        // an input record is in more than one place
	TwoFinals   Kind = "two-finals"   // a transaction has more than one final result of one revision
	TwoInterims Kind = "two-interims" // a transaction has more than one interim result
)

// Fault is one input record, or one transaction, that does not add up.
type Fault struct {
	Kind          Kind             `json:"kind"`
	Operation     events.Operation `json:"operation"`
	CorrelationID string           `json:"correlationId,omitempty"` // empty if the input record can't be decoded
	SequenceID    string           `json:"sequenceId,omitempty"`    // as CorrelationID
	Source        events.Source    `json:"source,omitzero"`         // the input record, if the fault is about one
	Places        []string         `json:"places"`                  // what stands for it, each with topic, partition and offset, 10 at most; empty if missing
}
