package stream

import (
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// The errors that stop one partition. The others go on; what to do is in the message. Test with errors.Is.
var (
	// ErrForeignCommit: the group's committed offset was not written by this engine for this topic.
	ErrForeignCommit = errors.New("foreign commit")
	// ErrRecreatedTopic: the topic is not the one whose offsets were committed: it was deleted and created again, or it lives on another cluster.
	ErrRecreatedTopic = errors.New("topic recreated")
	// ErrOffsetOutOfRange: the log no longer holds, or does not yet hold, the committed offset.
	ErrOffsetOutOfRange = errors.New("offset out of range")
	// ErrUnpublishable: Kafka refuses a result as it is (too large, or an invalid timestamp).
	ErrUnpublishable = errors.New("result can't be published")
)

// The errors that end Run.
var (
	// ErrFenced: another process runs under the same instance ID or transactional ID. This one must not go on.
	ErrFenced = errors.New("fenced by another process with the same instance ID")
	// ErrUnsafeBroker: the broker's transactions are not safe for exactly-once.
	ErrUnsafeBroker = errors.New("unsafe broker")
)

// PartitionError says why a partition stopped and what to do.
type PartitionError struct {
	Topic     string
	Partition int32
	Err       error  // wraps one of the errors above
	Advice    string // what an operator can do
}

func (e *PartitionError) Error() string {
	return fmt.Sprintf("%s[%d] stopped: %v; %s", e.Topic, e.Partition, e.Err, e.Advice)
}

func (e *PartitionError) Unwrap() error { return e.Err }

// remedy is what the engine does about a transaction that failed. The zero value is the most careful one.
type remedy uint8

const (
	// startOver: the outcome is unknown, or the clients are of no more use. Settle nothing, take new clients, drop the
	// trackers and read the committed offsets again.
	startOver remedy = iota
	// tryAgain: the transaction was surely not committed and the clients are sound: abort it, and put its messages into the next one.
	tryAgain
	// giveUp: another process has our name.
	giveUp
	// stopPartition: the messages of one partition can't be committed, now or later.
	stopPartition
)

// commitError is a transaction that did not commit, with what to do about it as data.
type commitError struct {
	op        string
	err       error
	remedy    remedy
	partition *partition // of stopPartition
	refused   []*Message // what the ledger did not confirm
}

func (e *commitError) Error() string { return "transaction: " + e.op + ": " + e.err.Error() }
func (e *commitError) Unwrap() error { return e.err }

// remedyOf decides what to do about an error that came before the transaction was asked to commit. See reference table in DESIGN.md.
func remedyOf(err error) remedy {
	for _, fenced := range []error{kerr.FencedInstanceID, kerr.ProducerFenced} {
		if errors.Is(err, fenced) {
			return giveUp
		}
	}
	for _, dead := range []error{
		kerr.UnknownMemberID, kerr.StaleMemberEpoch, kerr.FencedMemberEpoch, // expelled: the trackers are of another life
		kerr.InvalidProducerEpoch, kerr.InvalidProducerIDMapping, kerr.InvalidTxnState, kerr.OutOfOrderSequenceNumber, kerr.UnknownProducerID,
		kgo.ErrClientClosed, errMemberChanged,
	} {
		if errors.Is(err, dead) {
			return startOver
		}
	}
	return tryAgain
}

// tooLargeOrInvalid are the errors that a record gets for what it is: producing it again can't help.
func tooLargeOrInvalid(err error) bool {
	for _, final := range []error{kerr.MessageTooLarge, kerr.RecordListTooLarge, kerr.InvalidRecord, kerr.InvalidTimestamp, kerr.CorruptMessage} {
		if errors.Is(err, final) {
			return true
		}
	}
	return false
}

var errMemberChanged = errors.New("the group knows this process under another member ID now")

// handlerError is a fault of the handler: it ends Run, because a new session would only meet it again.
type handlerError struct{ error }

func (e *handlerError) Unwrap() error { return e.error }
