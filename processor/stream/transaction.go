package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"
)

// maxTransaction is how many messages make a full transaction.
const maxTransaction = 2000

// How long the committer waits after a transaction that failed, at first and at most.
const (
	retryBackoff    = 20 * time.Millisecond
	retryBackoffMax = time.Second
)

// commitAll makes one transaction after the other while there is something to publish.
func (s *session) commitAll(ctx context.Context) {
	wait := retryBackoff
	for s.outbox.wait() {
		err := s.transact(ctx)
		if err == nil {
			wait = retryBackoff
			s.parts.throttle(s.consumer)
			s.awaitMarkers(ctx)
			continue
		}
		if !s.remedied(err) {
			return
		}
		time.Sleep(wait)
		wait = min(2*wait, retryBackoffMax)
		for s.doubted(ctx, err.refused) {
			time.Sleep(wait)
			wait = min(2*wait, retryBackoffMax)
		}
	}
}

// doubted says whether the ledger still refuses what it refused to confirm. To produce it again before the ledger agrees would
// only fill the log with aborted records.
func (s *session) doubted(ctx context.Context, refused []*Message) bool {
	if len(refused) == 0 || s.outbox.isClosed() {
		return false
	}
	ctx, cancel := context.WithTimeoutCause(ctx, s.cfg.TransactionTimeout, errTransactionTimeout)
	defer cancel()
	err := s.cfg.Ledger.Confirm(ctx, refused)
	return err != nil && !errors.Is(err, ErrNotAdmitted) // that one is for the next transaction to find
}

// remedied does what a failed transaction asks for, and says whether the session goes on.
func (s *session) remedied(err *commitError) bool {
	switch err.remedy {
	case tryAgain:
		s.status.retrying(err, s.cfg.Logger)
		return true
	case stopPartition:
		s.stop(err.partition, err.err, "see the record at the partition's committed offset; fix what refuses its result, then restart")
		s.parts.throttle(s.consumer)
		return true
	case giveUp:
		s.failed(fmt.Errorf("%w: %w", ErrFenced, err))
	case startOver:
		s.failed(err)
	}
	s.outbox.close()
	return false
}

// transaction is the one being built. It is owned by the committer; failure alone is shared with the producer's promises.
type transaction struct {
	began    time.Time
	messages []*Message
	records  int

	mu      sync.Mutex
	refused *kgo.Record // the first record that was not written
	failure error       // and why
}

// promise is the producer's, of every record.
func (t *transaction) promise(r *kgo.Record, err error) {
	if err == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.failure == nil {
		t.refused, t.failure = r, err
	}
}

// failed returns what the failure of a record asks for, once all records are written or failed.
func (t *transaction) failed() *commitError {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.failure == nil {
		return nil
	}
	failed := &commitError{op: "publish", err: t.failure, remedy: remedyOf(t.failure)}
	if !tooLargeOrInvalid(t.failure) {
		return failed
	}
	of := t.messages[slices.IndexFunc(t.messages, func(m *Message) bool { return slices.Contains(m.results, t.refused) })]
	r := of.Record
	failed.err = fmt.Errorf("%w: of %s[%d]@%d: %w", ErrUnpublishable, r.Topic, r.Partition, r.Offset, t.failure)
	failed.remedy, failed.partition = stopPartition, of.partition
	return failed
}

// transact publishes what is finished and commits its offsets, in one transaction. If it fails, what the transaction held is back in the outbox.
func (s *session) transact(ctx context.Context) *commitError {
	if err := s.producer.BeginTransaction(); err != nil {
		return &commitError{op: "begin", err: err} // only a dead producer refuses
	}
	ctx, cancel := context.WithTimeoutCause(ctx, s.cfg.TransactionTimeout, errTransactionTimeout)
	defer cancel()
	tx := &transaction{began: time.Now()}
	s.collect(ctx, tx)
	if tx.records == 0 { // Kafka would not commit it: wait for company
		s.parts.aborted(tx.messages)
		s.outbox.hold(tx.messages)
		return s.end(ctx, kgo.TryAbort)
	}
	err := s.prepare(ctx, tx)
	if err == nil {
		if err = s.end(ctx, kgo.TryCommit); err == nil {
			s.parts.committed(tx.messages)
			s.room = min(2*s.room, maxTransaction)
			s.ahead.release(len(tx.messages))
			s.status.committed(len(tx.messages))
			s.settling <- tx.messages
			s.outbox.nudge() // what had to wait may have room now
			return nil
		}
	}
	err = s.suspected(s.overtaken(err, tx), tx)
	if err.remedy == tryAgain || err.remedy == stopPartition {
		if abortErr := s.abort(ctx); abortErr != nil {
			err = abortErr
		}
	}
	s.parts.aborted(tx.messages)
	s.outbox.hold(tx.messages)
	s.outbox.nudge()
	return err
}

// collect moves what is finished into the transaction and produces it, until there is no more, or enough.
func (s *session) collect(ctx context.Context, tx *transaction) {
	promise := tx.promise // once: each use of the method is a closure
	for len(tx.messages) < s.room && time.Since(tx.began) < s.cfg.CommitInterval {
		in, wait, over := s.parts.include(s.outbox.take(s.room - len(tx.messages)))
		s.outbox.hold(wait)
		s.ahead.release(len(over))
		for _, m := range in {
			for _, r := range m.results {
				if r.Context == nil { // else the client leaves this transaction's in it, which has ended when the record is produced again
					r.Context = context.Background()
				}
				s.producer.Produce(ctx, r, promise)
			}
			tx.records += len(m.results)
		}
		tx.messages = append(tx.messages, in...)
		if len(in) == 0 {
			return
		}
	}
}

// prepare brings the transaction to the point where nothing is missing but the commit: every record written, the offsets in, the ledger asked.
func (s *session) prepare(ctx context.Context, tx *transaction) *commitError {
	if err := s.producer.Flush(ctx); err != nil {
		return &commitError{op: "flush", err: errors.Join(err, context.Cause(ctx)), remedy: tryAgain}
	}
	if failure := tx.failed(); failure != nil {
		return failure
	}
	if err := s.loaded.await(ctx, tx.messages); err != nil {
		return &commitError{op: "see the partitions", err: err, remedy: tryAgain}
	}
	positions, us, err := s.parts.plan(tx.messages, s.consumer.GroupMetadata)
	if err != nil {
		return &commitError{op: "plan", err: err, remedy: remedyOf(err)}
	}
	var confirmed error
	var offsets *commitError
	var both errgroup.Group
	both.Go(func() error {
		if s.cfg.Ledger != nil {
			confirmed = s.cfg.Ledger.Confirm(ctx, tx.messages)
		}
		return nil
	})
	both.Go(func() error { offsets = s.commitOffsets(ctx, positions, us); return nil })
	_ = both.Wait()
	switch {
	case offsets != nil:
		return offsets
	case errors.Is(confirmed, ErrNotAdmitted):
		return &commitError{op: "confirm", err: confirmed, remedy: startOver}
	case confirmed != nil:
		return &commitError{op: "confirm", err: confirmed, remedy: tryAgain, refused: tx.messages}
	}
	return nil
}

// end ends the transaction. Whatever goes wrong here, the outcome is unknown unless the broker says that it can still be aborted.
func (s *session) end(ctx context.Context, how kgo.TransactionEndTry) *commitError {
	err := s.producer.EndTransaction(ctx, how)
	if err == nil {
		return nil
	}
	failure := &commitError{op: "end", err: errors.Join(err, context.Cause(ctx))}
	if how == kgo.TryCommit && errors.Is(err, kerr.TransactionAbortable) {
		failure.remedy = tryAgain
	}
	return failure
}

// abort takes back a transaction that was not asked to commit.
func (s *session) abort(ctx context.Context) *commitError {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTimeout)
	defer cancel()
	if err := s.producer.AbortBufferedRecords(ctx); err != nil {
		return &commitError{op: "abort buffered records", err: err}
	}
	return s.end(ctx, kgo.TryAbort)
}

// overtaken tells a transaction that another process ended, by taking over our transactional ID, from one that the broker
// ended because it took too long: the errors are the same. Only the second is worth a new producer; in answer to the
// first, two processes would take the ID from each other forever. A commit that arrives while the other's takeover ends the transaction is told
// that there is none to commit, INVALID_TXN_STATE; one that arrives while the coordinator is about to fence us, UNKNOWN_SERVER_ERROR (Kafka 4.1: an
// IllegalStateException, "transition ... while it already a pending state").
func (s *session) overtaken(failure *commitError, tx *transaction) *commitError {
	fenced := errors.Is(failure, kerr.InvalidProducerEpoch) || errors.Is(failure, kerr.ProducerFenced) ||
		failure.op == "end" && (errors.Is(failure, kerr.InvalidTxnState) || errors.Is(failure, kerr.UnknownServerError))
	// The monotonic clock stands still while a virtual machine is suspended, the wall clock may be set back: the longer of both counts.
	took := max(time.Since(tx.began), time.Now().Round(0).Sub(tx.began.Round(0)))
	switch {
	case fenced && took < s.cfg.TransactionTimeout:
		failure.remedy = giveUp
	case fenced:
		failure.remedy = startOver
	}
	return failure
}

// suspected makes sure that it is a message's own result that Kafka refuses. A broker refuses a whole batch, with whatever other
// messages have in it, so the next transaction is half as large, until the one to blame is alone.
func (s *session) suspected(failure *commitError, tx *transaction) *commitError {
	if errors.Is(failure, ErrUnpublishable) && len(tx.messages) > 1 {
		failure.remedy = tryAgain
		s.room = len(tx.messages) / 2
	}
	return failure
}
