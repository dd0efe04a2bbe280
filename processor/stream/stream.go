package stream

import (
	"context"
	"errors"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Message is one record on its way through the engine.
type Message struct {
	Record  *kgo.Record // as it was fetched; read only
	TopicID [16]byte    // the ID of the record's topic: a recreated topic has another one
	Work    any         // the handler's own; set by Admit, read by Process, Confirm and Settle

	partition *partition    // the assignment it was fetched under
	results   []*kgo.Record // what Process returned
	next      *Message      // the message of the same key that waits for this one; owned by order
}

// Draining is closed when the engine would like the message's partition to come to rest, because it shuts down or another
// member takes the partition over. A handler that waits between tries returns [ErrAbandoned] then; one that
// is in the middle of a try finishes it. Its context ends later, when the time to drain is up.
func (m *Message) Draining() <-chan struct{} { return m.partition.draining }

// Member is this process as a member of the consumer group.
type Member struct {
	Generation int32 // of the group

	prove func(context.Context) (int32, error)
}

// Prove asks the group's coordinator whether this process is still the same member, now, and returns the generation that it is one in:
// a later one than Generation if the group has rebalanced meanwhile. ErrRebalancing means that it can't be said yet; any other
// error, that the process may not be that member any more.
func (m Member) Prove(ctx context.Context) (generation int32, err error) {
	if m.prove == nil {
		return 0, errNoMember
	}
	return m.prove(ctx)
}

// Handler turns records into records. All its methods may be called at the same time, for different messages.
type Handler interface {
	// Admit prepares the messages of one poll before any of them is processed, in the order they were fetched.
	// A record of Config.Parked is due by then. The member is who we are to the group, at the time of the call.
	//
	// An error holds intake: nothing more is fetched, and Admit is called again for the same messages (less those whose partition
	// was taken away meanwhile) until it succeeds. It must therefore be safe to repeat.
	Admit(ctx context.Context, member Member, messages []*Message) error
	// Process returns the records to publish for one message; they become visible in the same transaction as its offset is
	// committed in. It returns at least one: Kafka can't commit offsets alone in a transaction, so a message without a
	// record waits, as lag, for the next transaction that has one.
	//
	// ErrAbandoned, or the context's error, gives the message up without a trace: it will be fetched again, here or elsewhere.
	// Any other error is a fault of the handler and ends Run.
	Process(ctx context.Context, m *Message) ([]*kgo.Record, error)
}

// Ledger is told of transactions: a program whose state lives outside Kafka keeps it in step with what commits.
type Ledger interface {
	// Confirm is asked when a transaction's records are flushed and before it commits. ErrNotAdmitted means that the messages' admission
	// no longer holds: the transaction is aborted and every message in flight is read and admitted again. Any other
	// error aborts the transaction too; it is tried again when Confirm agrees.
	Confirm(ctx context.Context, messages []*Message) error
	// Settle is told of the messages of committed transactions, in order, off the hot path. A crash can come before it.
	Settle(ctx context.Context, messages []*Message)
}

var (
	// ErrAbandoned is what Process returns to give a message up while its partition is draining.
	ErrAbandoned = errors.New("stream: message abandoned")
	// ErrRebalancing is what Member.Prove returns while the group rebalances: ask again a little later.
	ErrRebalancing = errors.New("stream: the group rebalances")
	// ErrNotAdmitted is what Confirm returns when the messages must be admitted again.
	ErrNotAdmitted = errors.New("stream: admission no longer holds")
)
