package stream

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// The broker writes the markers of a transaction after it has said that it commits. A record of the next one that comes sooner meets
// CONCURRENT_TRANSACTIONS, and a broker since 4.0 then holds it back for add.partitions.to.txn.retry.backoff.ms, 20 ms. Measured on a broker
// at 300 events a second: a transaction took 27 ms with a fixed pause of 3 ms, and 17 ms since the coordinator is asked.
const (
	markerPoll  = time.Millisecond      // before each look
	markerPause = 3 * time.Millisecond  // where the coordinator does not say
	markerLimit = 50 * time.Millisecond // after which the next transaction begins all the same
)

// awaitMarkers waits until the coordinator has ended the transaction that committed last. It only saves time: whatever it is told, nothing
// is wrong with beginning the next.
func (s *session) awaitMarkers(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, markerLimit)
	defer cancel()
	ask := kmsg.NewPtrDescribeTransactionsRequest()
	ask.TransactionalIDs = []string{s.cfg.TransactionalID}
	for {
		time.Sleep(markerPoll)
		said, err := ask.RequestWith(ctx, s.producer)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil || len(said.TransactionStates) != 1 || said.TransactionStates[0].ErrorCode != 0:
			time.Sleep(markerPause)
			return
		case said.TransactionStates[0].State != "PrepareCommit":
			return
		}
	}
}
