package events

import (
	"encoding/json"
	"fmt"
)

// Why a record was acknowledged without being asked about.
const (
	VerdictDuplicate   = "duplicate"   // another record owns the transaction
	VerdictRedelivered = "redelivered" // this record owns it, and its outcome is committed already
)

// Duplicate is the value of a charge-result.duplicates record: the trace of an input record that was acknowledged without being
// asked about. Without it an event that was lost would look like a duplicate, and the accounting could not be checked.
type Duplicate struct {
	CorrelationID string    `json:"correlationId"`
	SequenceID    string    `json:"sequenceId"`
	Operation     Operation `json:"operation"`
	Verdict       string    `json:"verdict"` // VerdictDuplicate or VerdictRedelivered
	Source        Source    `json:"source"`  // the record that was acknowledged
	Owner         string    `json:"owner"`   // the record that owns the transaction: topic ID in hex, partition and offset, between slashes
}

// Encode returns d's record. Its key is the source, so that the same record acknowledged twice has one key.
// It fails if d is not valid, which is a fault of the program.
func (d Duplicate) Encode() (key, value []byte, err error) {
	if err := d.Validate(); err != nil {
		return nil, nil, err
	}
	if value, err = json.Marshal(d); err != nil {
		return nil, nil, fmt.Errorf("events: encode duplicate: %w", err)
	}
	return appendSource(nil, d.Source), value, nil
}

// DecodeDuplicate reads the value of a charge-result.duplicates record. Fields it does not know are ignored.
func DecodeDuplicate(value []byte) (Duplicate, error) {
	var d Duplicate
	if err := json.Unmarshal(value, &d); err != nil {
		return Duplicate{}, fmt.Errorf("events: decode duplicate: %w", err)
	}
	if err := d.Validate(); err != nil {
		return Duplicate{}, err
	}
	return d, nil
}

// Identity returns the transaction d is about.
func (d Duplicate) Identity() Identity { return identity(d.Operation, d.CorrelationID) }

// Validate says whether d keeps the contract's promises, and names the first it breaks.
func (d Duplicate) Validate() error {
	return firstFault("duplicate",
		fault{"correlationId", badText(d.CorrelationID, maxAnyCorrelationID)},
		fault{"sequenceId", badText(d.SequenceID, maxSequenceID)},
		fault{"operation", badOperation(d.Operation)},
		fault{"verdict", wants(d.Verdict == VerdictDuplicate || d.Verdict == VerdictRedelivered, "must be duplicate or redelivered")},
		fault{"source", badSource(d.Source)},
		fault{"owner", badText(d.Owner, maxOwner)},
	)
}
