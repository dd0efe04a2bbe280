package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"
)

// The engine's own timeouts, beside those of Config.
const (
	adminTimeout  = 10 * time.Second // reading topic IDs and log ends when partitions are assigned
	leaveTimeout  = 3 * time.Second  // telling the group that we leave
	settleTimeout = 3 * time.Second  // telling the ledger of the last commits when the session ends
	abortTimeout  = 5 * time.Second  // aborting a transaction
)

// fetchBytes is how much of one partition is fetched at once, before decompression: some hundred events, of which all partitions together fill the
// look-ahead. The client keeps what it has fetched until it is polled, and fetches again what it throws away when a partition is paused: a process may be
// assigned many retry topics that all wait, and with the client's default of 1 MiB they took 25 MiB each, decoded.
const fetchBytes = 32 << 10

// fetchWait is how long a broker may keep a fetch that has nothing to say: what Kafka's own consumer says. A partition that is resumed is
// fetched with the next one, and its records may be due: the client's 5 s would keep them waiting. Config.Client may say otherwise.
const fetchWait = 500 * time.Millisecond

// metadataAge is how old the producer's metadata must be before the client asks for newer. Every produce request that is refused waits for newer
// metadata, and what refuses a transactional producer most often, CONCURRENT_TRANSACTIONS, has nothing to do with it:
//
//  1. a transaction commits, and the next one produces while the broker still writes the markers of the one before
//  2. the broker holds the request back for add.partitions.to.txn.retry.backoff.max.ms (100 ms), then refuses it
//  3. the client produces again when it has new metadata: with its default of 5 s, up to 5 s later
//
// Measured on a busy broker: 4.6 s in the median, where two in a row use up the transaction's timeout; 31 ms with this age.
const metadataAge = 250 * time.Millisecond

var (
	errAdminTimeout       = errors.New("stream: admin timeout")
	errTransactionTimeout = errors.New("stream: transaction timeout")
	errStopped            = errors.New("stream: stopped")
)

// session is one life of the two Kafka clients: a consumer that is a member of the group and a transactional producer. Everything that
// is known only by being a member, the trackers above all, lives and dies with it. Whatever goes wrong in a way that leaves
// an outcome unknown ends the session, and the next one starts from what is committed.
type session struct {
	cfg      Config
	status   *status
	consumer *kgo.Client
	producer *kgo.Client
	parts    *partitions
	order    *order
	ahead    *lookAhead
	outbox   *outbox
	loaded   *topicsLoaded
	settling chan []*Message // committed; for the ledger
	unsafe   bool            // the broker's transactions are of the old protocol
	room     int             // how many messages the next transaction may hold; owned by the committer

	// Owned by the consumer's group goroutine, within one assignment.
	fetched map[topicPartition]committedOffset
	joined  *kgo.Client

	failed context.CancelCauseFunc // ends the session with a cause; the first one counts
}

func newSession(cfg Config, st *status, unsafe bool) (*session, error) {
	s := &session{
		cfg: cfg, status: st, unsafe: unsafe,
		parts:    &partitions{spare: cfg.LookAhead, owned: make(map[topicPartition]*partition)},
		order:    newOrder(cfg.Ordering, cfg.LookAhead),
		ahead:    newLookAhead(cfg.LookAhead),
		outbox:   newOutbox(),
		settling: make(chan []*Message, 256),
		room:     maxTransaction,
	}
	var err error
	if s.producer, err = kgo.NewClient(append(cfg.Client[:len(cfg.Client):len(cfg.Client)], s.producerOptions()...)...); err != nil {
		return nil, fmt.Errorf("make the producer: %w", err)
	}
	s.loaded = newTopicsLoaded(s.producer)
	return s, nil
}

func (s *session) producerOptions() []kgo.Opt {
	return []kgo.Opt{
		kgo.TransactionalID(s.cfg.TransactionalID),
		kgo.TransactionTimeout(s.cfg.TransactionTimeout),
		kgo.ProducerLinger(0),
		kgo.MaxBufferedRecords(4 * s.cfg.LookAhead),
		kgo.MetadataMinAge(metadataAge),
	}
}

func (s *session) consumerOptions() []kgo.Opt {
	opts := []kgo.Opt{
		kgo.ConsumerGroup(s.cfg.Group),
		kgo.ConsumeTopics(slices.Concat(s.cfg.Topics, s.cfg.Parked)...),
		kgo.Balancers(kgo.CooperativeStickyBalancer()),
		kgo.DisableAutoCommit(), // no plain commits, ever: one that overtakes a transaction's moves the group back
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()), // offsets never reset by themselves
		kgo.SessionTimeout(s.cfg.SessionTimeout),
		kgo.HeartbeatInterval(min(s.cfg.SessionTimeout/3, 3*time.Second)),
		kgo.RebalanceTimeout(s.cfg.DrainTimeout + rebalanceSlack),
		// Between a poll and the trackers' acceptance of its records nothing may be revoked and assigned again: the old assignment's
		// records would be taken for the new one's, and those before them for known.
		kgo.BlockRebalanceOnPoll(),
		kgo.OnOffsetsFetched(s.offsetsFetched),
		kgo.AdjustFetchOffsetsFn(s.assigned),
		kgo.OnPartitionsAssigned(func(context.Context, *kgo.Client, map[string][]int32) { s.cfg.Intake.Release(HeldByGroup) }), // called even if there are none
		kgo.OnPartitionsRevoked(s.revoked),
		kgo.OnPartitionsLost(s.lost),
		kgo.WithHooks(membershipHook{s.cfg.Intake}),
	}
	if s.cfg.InstanceID != "" {
		opts = append(opts, kgo.InstanceID(s.cfg.InstanceID))
	}
	return opts
}

// run reads, processes and commits until ctx ends, and then drains; or until something ends the session, and then it doesn't.
func (s *session) run(ctx context.Context) error {
	defer s.producer.Close()
	// The producer comes first: taking over the transactional ID ends what a predecessor left open, so that the
	// offsets that the consumer reads are final.
	if _, _, err := s.producer.ProducerID(ctx); err != nil {
		return fmt.Errorf("take over transactional ID %q: %w", s.cfg.TransactionalID, err)
	}
	var err error
	s.consumer, err = kgo.NewClient(slices.Concat([]kgo.Opt{kgo.FetchMaxWait(fetchWait), kgo.FetchMaxPartitionBytes(fetchBytes)}, s.cfg.Client, s.consumerOptions())...)
	if err != nil {
		return fmt.Errorf("make the consumer: %w", err)
	}
	defer s.leave()
	s.status.attach(s)
	defer s.status.attach(nil)
	defer s.cfg.Intake.Release(HeldByAdmission)

	alive, fail := context.WithCancelCause(context.WithoutCancel(ctx))
	defer fail(errStopped)
	s.failed = fail
	// A session that failed can't commit any more: nobody need wait for what runs, and least of all a rebalance.
	defer context.AfterFunc(alive, func() { s.parts.fence(s.parts.all()) })()
	intake, stopIntake := context.WithCancel(alive)
	var drainUntil time.Time
	defer context.AfterFunc(ctx, func() { // at once, because reading may be waiting for a revocation that drains
		drainUntil = time.Now().Add(s.cfg.DrainTimeout)
		s.parts.quiesce(s.parts.all())
		stopIntake()
	})()

	// A transaction is never cut short by the session's end: it would leave one more unknown.
	always := context.WithoutCancel(ctx)
	settle, cutSettling := context.WithCancel(always)
	defer cutSettling()

	var reading, working, committing, settling errgroup.Group
	settling.Go(func() error { s.settle(settle); return nil })
	committing.Go(func() error { s.commitAll(always); return nil })
	for range s.cfg.Concurrency {
		working.Go(func() error { s.work(); return nil })
	}
	reading.Go(func() error { s.read(intake); return nil })

	_ = reading.Wait() // ends with intake: at shutdown, or when the session failed
	if alive.Err() == nil {
		s.drain(drainUntil)
	}
	s.parts.fence(s.parts.all())
	close(s.order.ready)
	_ = working.Wait()
	s.outbox.close()
	defer time.AfterFunc(settleTimeout, cutSettling).Stop() // the committer may be waiting for a ledger that is stuck
	_ = committing.Wait()
	close(s.settling)
	_ = settling.Wait()
	return context.Cause(alive)
}

// drain lets what runs finish and commit, until the given time.
func (s *session) drain(until time.Time) {
	began := time.Now()
	late := s.parts.drain(s.parts.all(), time.Until(until))
	if late > 0 {
		s.cfg.Logger.Warn("drain timeout: messages left unfinished; they will be processed again", "messages", late, "timeout", s.cfg.DrainTimeout)
		return
	}
	s.cfg.Logger.Info("drained", "took", time.Since(began).Round(time.Millisecond))
}

// leave ends the membership, so that the group need not wait for the session timeout, and closes the consumer. A static member stays in
// the group: its successor takes its place.
func (s *session) leave() {
	s.consumer.AllowRebalance()
	ctx, cancel := context.WithTimeout(context.Background(), leaveTimeout)
	defer cancel()
	if err := s.consumer.LeaveGroupContext(ctx); err != nil {
		s.cfg.Logger.Warn("could not leave the group; it will notice by itself", "err", err, "session_timeout", s.cfg.SessionTimeout)
	}
	s.consumer.CloseAllowingRebalance()
	s.consumer.AllowRebalance() // closing polls once more, and a goroutine of the client's may be left waiting for that poll to end
}

// work processes messages until there are no more.
func (s *session) work() {
	for m := range s.order.ready {
		for m != nil {
			s.process(m)
			m = s.order.after(m)
		}
	}
}

func (s *session) process(m *Message) {
	if !s.parts.start(m) {
		s.ahead.release(1)
		return
	}
	results, err := s.cfg.Handler.Process(m.partition.ctx, m)
	if err != nil {
		s.parts.abandon(m)
		s.ahead.release(1)
		select {
		case <-m.Draining():
		default: // nobody asked for it, and the partition could never move on; nor may what waits for it overtake it
			s.parts.fence([]*partition{m.partition})
			s.failed(&handlerError{fmt.Errorf("process %s[%d]@%d: %w", m.Record.Topic, m.Record.Partition, m.Record.Offset, err)})
		}
		return
	}
	m.results = results
	s.outbox.put(m)
}

// settle tells the ledger of what committed.
func (s *session) settle(ctx context.Context) {
	for messages := range s.settling {
		if s.cfg.Ledger != nil {
			s.cfg.Ledger.Settle(ctx, messages)
		}
	}
}
