package replay

import (
	"time"

	"github.com/chargeresult/chargeresult/events"
)

// Timeline is all that the topics and the claim store say of the transactions of one correlation ID, the oldest first.
type Timeline struct {
	CorrelationID string        `json:"correlationId"`
	Transactions  []Transaction `json:"transactions"`     // a charge and its cancellation may share a correlation ID
	Complete      bool          `json:"complete"`         // whether everything was read that may hold something of it
	Unread        []string      `json:"unread,omitempty"` // what was not, for people: topic[partition] from offset to offset, and why
	From          time.Time     `json:"from"`             // records of the input topics were looked for from here
	Until         time.Time     `json:"until"`            // to here
	Scanned       int64         `json:"scanned"`          // records read
	Took          time.Duration `json:"tookNanoseconds"`
}

// Transaction is the story of a charge or a cancellation.
type Transaction struct {
	Operation  events.Operation `json:"operation"`
	SequenceID string           `json:"sequenceId,omitempty"`
	State      TransactionState `json:"state"`
	Summary    string           `json:"summary"` // one sentence, for people
	Claim      *Claim           `json:"claim,omitempty"`
	Steps      []Step           `json:"steps"`
}

// TransactionState is where a transaction is.
type TransactionState string

// The states.
const (
	IsFinal   TransactionState = "final"   // has a final result
	IsDead    TransactionState = "dead"    // is a dead letter
	IsWaiting TransactionState = "waiting" // waits in a retry topic
	IsOpen    TransactionState = "open"    // has been read, or not even that, and has no outcome yet
)

// Claim is what the claim store holds of a transaction.
type Claim struct {
	State  string `json:"state"` // claimed, waiting, settled
	Hop    int    `json:"hop"`
	Result string `json:"result,omitempty"`
	Owner  string `json:"owner"` // topic/partition/offset, or the topic's ID where its name is not known
}

// Step is one record of a transaction's story.
type Step struct {
	Kind    StepKind      `json:"kind"`
	At      time.Time     `json:"at"`     // the record's timestamp
	Record  events.Source `json:"record"` // where it is
	Text    string        `json:"text"`   // what it says, for people: "COMPLETED 000_000, after 3 asks"
	Result  string        `json:"result,omitempty"`
	Reason  string        `json:"reason,omitempty"`
	Code    string        `json:"code,omitempty"`
	Attempt int           `json:"attempt"` // how often Konaplate had been asked by then
	Due     time.Time     `json:"due,omitzero"`
	Trace   string        `json:"trace,omitempty"`  // trace ID of the step
	Replay  string        `json:"replay,omitempty"` // of which replay it is
}

// StepKind is what kind of record a step is.
type StepKind string

// The kinds.
const (
	StepEvent     StepKind = "event"     // an input record
	StepInterim   StepKind = "interim"   // an interim result
	StepFinal     StepKind = "final"     // a final result
	StepWait      StepKind = "wait"      // a retry record
	StepDuplicate StepKind = "duplicate" // an input record that was acknowledged
	StepDead      StepKind = "dead"      // a dead letter
)
