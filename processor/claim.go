package processor

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor/stream"
)

// Owner names the record that owns a transaction: the first event seen of its operation and correlation ID.
// The topic is named by its ID, because a recreated topic holds other records under the same offsets.
type Owner struct {
	TopicID   [16]byte
	Partition int32
	Offset    int64
}

// String is the owner as it is stored and logged: topic ID in hex, partition, offset.
func (o Owner) String() string { return string(o.AppendTo(make([]byte, 0, maxOwner))) }

// maxOwner is how long an owner's String is at most, in bytes.
const maxOwner = 32 + len("/2147483647") + len("/9223372036854775807")

// AppendTo appends what String returns.
func (o Owner) AppendTo(b []byte) []byte {
	b = hex.AppendEncode(b, o.TopicID[:])
	b = strconv.AppendInt(append(b, '/'), int64(o.Partition), 10)
	return strconv.AppendInt(append(b, '/'), o.Offset, 10)
}

// ParseOwner reads what String writes, and nothing else.
func ParseOwner(s string) (Owner, error) {
	topicID, rest, _ := strings.Cut(s, "/")
	partition, offset, _ := strings.Cut(rest, "/")
	var o Owner
	p, errPartition := strconv.ParseUint(partition, 10, 31)
	n, errOffset := strconv.ParseUint(offset, 10, 63)
	o.Partition, o.Offset = int32(p), int64(n)
	if len(topicID) == hex.EncodedLen(len(o.TopicID)) && errPartition == nil && errOffset == nil {
		_, err := hex.Decode(o.TopicID[:], []byte(topicID))
		if written := o.AppendTo(make([]byte, 0, maxOwner)); err == nil && string(written) == s {
			return o, nil
		}
	}
	return Owner{}, fmt.Errorf("owner %q is not topic ID/partition/offset", s)
}

// Claim asks for a transaction on behalf of one input record, or of a retry record that stands for it.
type Claim struct {
	Operation     events.Operation
	CorrelationID string // compared without regard to case
	Fingerprint   string // the event's sequence ID: what must be equal in a true duplicate
	Owner         Owner
	Hop           int // 0 for the owner itself; n for the n-th retry record that stands for it
}

// Verdict is what a claim was answered.
type Verdict int

// The verdicts.
const (
	Ours        Verdict = iota + 1 // claimed now, or by this same owner before and not gone further than this hop: go on
	Redelivered                    // this same owner, settled or waiting in a later hop: acknowledge
	Duplicate                      // another record owns the transaction: acknowledge, publish nothing for it
	Conflict                       // another record owns the correlation ID, with another fingerprint: dead letter
)

// String is the verdict in a word, such as "duplicate".
func (v Verdict) String() string {
	switch v {
	case Ours:
		return "ours"
	case Redelivered:
		return "redelivered"
	case Duplicate:
		return "duplicate"
	case Conflict:
		return "conflict"
	}
	return "none"
}

// Claimed is the answer to one Claim.
type Claimed struct {
	Verdict     Verdict
	Owner       Owner  // who owns the transaction: the claimant itself if Ours or Redelivered
	Incarnation string // the life of the claim store in which the verdict was given
}

// State is how far a claimed transaction has come, durably.
type State string

// The states of a claim. A claim starts as StateClaimed; the others are written after the Kafka transaction committed.
const (
	StateClaimed State = "claimed"
	StateWaiting State = "waiting" // a retry record is committed
	StateSettled State = "settled" // a final result, or a dead letter, is committed
)

// Settlement records the committed state of a transaction in its claim.
type Settlement struct {
	Claim  Claim
	State  State  // StateWaiting or StateSettled
	Hop    int    // number of retry records committed so far; 0 for a transaction that never waited
	Result string // for StateSettled: COMPLETED, FAILED or UNKNOWN, or empty for a dead letter
}

// ErrRebuilding: another process restores the claims. Wait, then ask again.
var ErrRebuilding = errors.New("claims are being rebuilt by another process")

// Rebuild is the restoring of the claims of a store that lost them, by the one process that holds its lease. Until Finish, nobody's
// claims are answered. Its methods are called by one goroutine; any of them fails with ErrRebuilding once the lease went to
// another, and with ErrClaimsLost if the server was replaced again: then it is begun anew.
type Rebuild interface {
	// Restore writes states that are committed in Kafka, StateClaimed included, as Settle does: it never lowers one, and may be repeated.
	Restore(ctx context.Context, committed []Settlement) error
	// Finish begins a new incarnation, in which claims of an older generation are refused.
	Finish(ctx context.Context, generation int32) error
	// Abandon gives the lease back, if it is still held. Nothing that was restored is lost.
	Abandon(ctx context.Context)
}

// Rebuilder restores the claims from the topics.
type Rebuilder interface {
	// Rebuild returns when claims are answered again, or ErrRebuilding where another process is at it. The member has to
	// prove that it is one before anything is claimed under what it restored: one that was expelled would restore the past.
	Rebuild(ctx context.Context, member stream.Member) error
}

// The reasons why a claim store answers nothing. Each stops intake; none loses or guesses anything.
// Test with errors.Is; the error itself says what was found and what to do.
var (
	// ErrClaimsUnavailable: the store does not answer (down, frozen, loading, out of memory). Ask again later.
	ErrClaimsUnavailable = errors.New("claim store unavailable")
	// ErrClaimsLost: the store is not the one the claims were written to (wiped, restarted, failed over,
	// or its sentinel names another cluster or topic). It must be rebuilt before anything is claimed.
	ErrClaimsLost = errors.New("claims lost")
	// ErrClaimsForeign: the store's claims are of another cluster or of other topics. It is an ErrClaimsLost too, but
	// one that nobody may mend by himself: somebody has to say that the change was meant.
	ErrClaimsForeign = errors.New("claims of another cluster or topic")
	// ErrClaimStale: the claimant's group generation is older than the newest one the store has seen:
	// the claimant was expelled from its group, or is about to learn of a rebalance. Rejoin, then ask again.
	ErrClaimStale = errors.New("claim of an older group generation")
)

// Claims is where transactions are claimed by the records that own them.
//
// All methods may be called at the same time by many goroutines, return within their own named timeouts even
// if ctx has none, and wrap one of the ErrClaim errors when they fail, or ctx's error when it ended.
type Claims interface {
	// Claim answers a poll's claims, in order, in one round trip; generation is the group generation the claims are made under.
	// It is all or nothing to the caller, but not to the store: after an error some of the claims may stand.
	// Asking again is safe, because a claim that names the same owner is answered Ours.
	Claim(ctx context.Context, generation int32, claims []Claim) ([]Claimed, error)
	// Incarnation returns the life the store is in. A transaction may commit only if it equals that of every claim in it.
	Incarnation(ctx context.Context) (string, error)
	// Settle writes the states of committed transactions and renews their time to live. It never lowers a state or a hop, and may be
	// repeated. It writes nothing over a claim of another owner, but StateSettled where the fingerprint is the same: a published outcome is
	// true whoever owns the claim. A settlement that is lost costs a question, not money.
	Settle(ctx context.Context, settled []Settlement) error
}
