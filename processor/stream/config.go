package stream

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Config says what an engine reads, for whom, and within which limits. Brokers, Group, Topics, TransactionalID and Handler are required.
type Config struct {
	// Client holds the connection options (seed brokers, TLS, SASL, client ID, dialer) of both Kafka clients.
	Client []kgo.Opt
	// Group is the consumer group; Topics are what it reads.
	Group  string
	Topics []string
	// InstanceID makes the process a static member (KIP-345): after a restart it gets its partitions back without a rebalance.
	// Two processes with one instance ID fence each other, the younger wins. Optional.
	InstanceID string
	// TransactionalID names the producer. It must be unique among live processes; one that survives restarts aborts
	// what its predecessor left open at once, any other has to wait for TransactionTimeout.
	TransactionalID string

	Handler Handler
	Ledger  Ledger // optional

	// Parked are further topics to read, whose records wait until they are due. A new group starts at their beginning, FromEnd or not.
	Parked []string
	// Due says when a record of Parked may be admitted; zero: at once. Within a partition records become due in order, or nearly: one that is
	// not due holds back those behind it, and only its partition. It is asked under a lock, often: it must be quick, and always say the same.
	Due func(*kgo.Record) time.Time
	// Intake lets others hold intake, each with a named reason. Default: one of the engine's own.
	Intake *Intake

	// Concurrency is how many messages are processed at once, over all partitions. Default 64.
	Concurrency int
	// Ordering says which messages wait for each other. Default OrderKey.
	Ordering Ordering
	// LookAhead is how many messages may be in flight, waiting ones included: enough to keep workers busy while keys wait for their turn. Default 4096.
	LookAhead int
	// CommitInterval is how long a transaction may collect results before it commits. It commits sooner when there is nothing more to
	// publish: a transaction never waits. Default 20 ms.
	CommitInterval time.Duration
	// TransactionTimeout is how long the broker lets a transaction stay open before it aborts it. Default 10 s.
	TransactionTimeout time.Duration
	// SessionTimeout is how long a silent member stays in the group. Default 10 s.
	SessionTimeout time.Duration
	// DrainTimeout is how long messages in flight may take to finish when their partition is revoked or the engine shuts down. Default 25 s.
	DrainTimeout time.Duration

	// FromEnd makes a group that never committed anything start at the end of Topics, not at their beginning.
	FromEnd bool
	// AcceptOffsets goes on where a foreign commit, a recreated topic or an offset out of range would stop a partition.
	AcceptOffsets bool
	// AllowUnsafeBroker goes on with a broker whose transactions are not safe (before KIP-890).
	AllowUnsafeBroker bool

	// Logger takes what an operator should know. Default: slog.Default().
	Logger *slog.Logger
}

// rebalanceSlack is what a rebalance may take beyond draining: a member that drains longer than its rebalance timeout is expelled.
const rebalanceSlack = 15 * time.Second

func (c Config) withDefaults() Config {
	set(&c.Concurrency, 64)
	set(&c.Ordering, OrderKey)
	set(&c.LookAhead, 4096)
	set(&c.CommitInterval, 20*time.Millisecond)
	set(&c.TransactionTimeout, 10*time.Second)
	set(&c.SessionTimeout, 10*time.Second)
	set(&c.DrainTimeout, 25*time.Second)
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Intake == nil {
		c.Intake = NewIntake(c.Logger)
	}
	return c
}

func set[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// validate reports every fault at once.
func (c Config) validate() error {
	var faults []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf("stream: "+format, args...))
		}
	}
	check(c.Group != "", "Group is empty")
	check(len(c.Topics) > 0, "Topics is empty")
	check(len(c.Parked) == 0 || c.Due != nil, "Parked needs Due: when its records may be admitted")
	for _, topic := range c.Parked {
		check(!slices.Contains(c.Topics, topic), "Parked and Topics both name %q", topic)
	}
	check(c.TransactionalID != "", "TransactionalID is empty")
	check(c.Handler != nil, "Handler is nil")
	check(c.Concurrency > 0, "Concurrency is %d, want at least 1", c.Concurrency)
	check(c.LookAhead >= c.Concurrency, "LookAhead is %d, want at least Concurrency (%d)", c.LookAhead, c.Concurrency)
	check(c.Ordering == OrderKey || c.Ordering == OrderNone, "Ordering is %q, want key or none", c.Ordering)
	for name, d := range map[string]time.Duration{
		"CommitInterval": c.CommitInterval, "TransactionTimeout": c.TransactionTimeout,
		"SessionTimeout": c.SessionTimeout, "DrainTimeout": c.DrainTimeout,
	} {
		check(d > 0, "%s is %v, want more than 0", name, d)
	}
	return errors.Join(faults...)
}
