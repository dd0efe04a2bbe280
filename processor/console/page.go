// Package console is the page that people leave open: what the processor is doing, what is stuck and since when, and what became of one
// transaction. It only shows what it is given: it reads nothing itself, and changes nothing.
//
// [New] serves it. Of a [Page] comes an overview: the headline, which is what needs attention most and what to do about it, and the partitions by
// topic, those that need attention first. Of a replay.Timeline comes the page of a correlation ID. Both are made by pure functions and
// shown by the templates; console.js changes the overview in place every few seconds, and where scripts are off the page reloads itself.
// There is no build step: what is in assets is what browsers get, under a policy that allows nothing inline.
package console

import (
	"time"

	"github.com/chargeresult/chargeresult/processor"
	"github.com/chargeresult/chargeresult/processor/stream"
)

// Page is all that the console shows of a process; as JSON it is /statusz. Times are UTC.
type Page struct {
	At        time.Time        `json:"at"`
	Version   Version          `json:"version"`
	Started   time.Time        `json:"started"`
	Group     string           `json:"group"`
	Instance  string           `json:"instance,omitempty"` // the static member's name
	Settings  []Setting        `json:"settings"`           // the effective configuration; secrets masked
	LogLevel  string           `json:"logLevel"`
	Counts    processor.Counts `json:"counts"` // since the start; all of it is committed
	Engine    stream.Status    `json:"engine"`
	InFlight  []InFlight       `json:"slowest"` // what is worked on, the longest first, at most 20
	Breaker   Breaker          `json:"breaker"`
	Pace      Pace             `json:"pace"`
	Inquiries Inquiries        `json:"inquiries"`
	Cluster   Cluster          `json:"cluster"`
}

// Version is what was built.
type Version struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Go       string `json:"go"`
}

// Setting is one setting of the configuration.
type Setting struct {
	Name  string `json:"name"`
	Value string `json:"value"` // masked if it is a secret
	From  string `json:"from"`  // where it was set: default, file, environment, flag
}

// InFlight is an event that is being worked on.
type InFlight struct {
	CorrelationID string    `json:"correlationId"`
	Operation     string    `json:"operation"`
	Topic         string    `json:"topic"`
	Partition     int32     `json:"partition"`
	Offset        int64     `json:"offset"`
	Attempt       int       `json:"attempt"` // which ask it is at, from 1
	Since         time.Time `json:"since"`
	Trace         string    `json:"trace,omitempty"` // trace ID, if it is sampled
}

// Breaker is the circuit breaker.
type Breaker struct {
	State     string    `json:"state"` // closed, open, half-open
	Since     time.Time `json:"since"`
	Cause     string    `json:"cause,omitempty"`    // the failure that opened it last
	NextProbe time.Time `json:"nextProbe,omitzero"` // while it is open
	InFlight  int       `json:"inFlight"`           // questions
	Limit     int       `json:"limit"`              // of questions in flight now
	Waiting   int       `json:"waiting"`            // questions that wait for their turn
}

// Pace is the rate limit.
type Pace struct {
	Rate        float64   `json:"rate"`                 // questions a second at most; 0: no limit
	PausedUntil time.Time `json:"pausedUntil,omitzero"` // because Konaplate wants fewer questions
	Waiting     int       `json:"waiting"`              // questions that wait for their turn
	SlowDowns   int64     `json:"slowDowns"`            // how often Konaplate wanted fewer
}

// Inquiries is how Konaplate has been answering of late.
type Inquiries struct {
	Span    time.Duration    `json:"spanNanoseconds"` // over which the others are
	Tries   int64            `json:"tries"`
	ByClass map[string]int64 `json:"byClass"` // tries by the class of what came back: see processor.Class
	P50     time.Duration    `json:"p50Nanoseconds"`
	P99     time.Duration    `json:"p99Nanoseconds"`
	Slowest time.Duration    `json:"slowestNanoseconds"`
}

// Cluster is what the cluster says, as of some seconds ago.
type Cluster struct {
	AsOf         time.Time         `json:"asOf,omitzero"` // zero: it has not been asked yet
	Error        string            `json:"error,omitempty"`
	ID           string            `json:"id"`
	Partitions   []PartitionState  `json:"partitions"` // of inputs and retry topics, whoever they are assigned to
	Transactions []OpenTransaction `json:"openTransactions"`
	DeadLetters  int64             `json:"deadLetters"` // records in the topic of dead letters, whenever they came
}

// State is what a partition is doing.
type State string

// The states.
const (
	Moving    State = "moving"    // it has records, and commits move it
	Idle      State = "idle"      // nothing to do
	NotDue    State = "not due"   // all it has is waiting until it is due
	Held      State = "held"      // intake is held: Why says for what
	Full      State = "full"      // its offset map is full: it waits for its oldest record
	Stalled   State = "stalled"   // it has records that are due, and has not moved for a while
	Stopped   State = "stopped"   // it goes no further until somebody acts
	Elsewhere State = "elsewhere" // another process has it
	Nobody    State = "nobody's"  // no process has it
)

// PartitionState is how far the group has come with one partition.
type PartitionState struct {
	Topic     string        `json:"topic"`
	Partition int32         `json:"partition"`
	Delay     time.Duration `json:"delayNanoseconds,omitzero"` // of a retry topic
	State     State         `json:"state"`
	Since     time.Time     `json:"since,omitzero"` // it is in this state, where that is known
	Why       string        `json:"why,omitempty"`
	Committed int64         `json:"committed"`        // the group's offset; -1: none
	End       int64         `json:"end"`              // the last stable offset: what can be read; -1: its leader does not answer
	Lag       int64         `json:"lag"`              // records that are not finished
	Age       time.Duration `json:"ageNanoseconds"`   // of the oldest of those; in a retry topic, for how long it has been due; 0: unknown, or none
	NextDue   time.Time     `json:"nextDue,omitzero"` // in a retry topic
	InFlight  int           `json:"inFlight"`         // taken up and not finished
	MapBytes  int           `json:"mapBytes"`         // of 4096
	Member    string        `json:"member,omitempty"` // who has it: client ID and host
}

// OpenTransaction is a transaction on the topics that the processor reads and writes that has not ended: readers don't get past it.
type OpenTransaction struct {
	TransactionalID string    `json:"transactionalId"` // empty if it can't be said whose it is
	ProducerID      int64     `json:"producerId"`
	Since           time.Time `json:"since"`
	Partitions      []string  `json:"partitions"` // topic/partition, which it keeps readers from going past
	Ours            bool      `json:"ours"`       // of this process
}
