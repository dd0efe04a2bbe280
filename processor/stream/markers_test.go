package stream

import (
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// The next transaction begins when the markers of the one before are written, and not much later; where nobody says so, after a while.
func TestNextTransactionWaitsForMarkers(t *testing.T) {
	for _, tt := range []struct {
		name        string
		writing     time.Duration // how long the coordinator says that markers are being written
		refused     int16         // by which it refuses to say
		least, most time.Duration // from the end of one transaction to the first record of the next
	}{
		{"written at once", 0, 0, markerPoll, 5 * time.Millisecond},
		{"written after 30 ms", 30 * time.Millisecond, 0, 30 * time.Millisecond, 35 * time.Millisecond},
		{"never written", time.Hour, 0, markerLimit, markerLimit + 5*time.Millisecond},
		{"not allowed to know", time.Hour, kerr.TransactionalIDAuthorizationFailed.Code, markerPoll + markerPause, markerPause + 5*time.Millisecond},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, k *kafka) {
				var mu sync.Mutex
				var ended, began time.Time // the first transaction; the second
				k.cluster.ControlKey(int16(kmsg.EndTxn), func(kmsg.Request) (kmsg.Response, error, bool) {
					k.cluster.KeepControl()
					mu.Lock()
					defer mu.Unlock()
					if ended.IsZero() {
						ended = time.Now()
					}
					return nil, nil, false
				})
				k.cluster.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
					k.cluster.KeepControl()
					mu.Lock()
					defer mu.Unlock()
					if req.(*kmsg.ProduceRequest).TransactionID != nil && !ended.IsZero() && began.IsZero() {
						began = time.Now()
					}
					return nil, nil, false
				})
				k.cluster.ControlKey(int16(kmsg.DescribeTransactions), func(req kmsg.Request) (kmsg.Response, error, bool) {
					k.cluster.KeepControl()
					mu.Lock()
					defer mu.Unlock()
					resp := req.ResponseKind().(*kmsg.DescribeTransactionsResponse)
					state := kmsg.NewDescribeTransactionsResponseTransactionState()
					state.TransactionalID, state.ErrorCode, state.State = req.(*kmsg.DescribeTransactionsRequest).TransactionalIDs[0], tt.refused, "CompleteCommit"
					if time.Since(ended) < tt.writing {
						state.State = "PrepareCommit"
					}
					resp.TransactionStates = append(resp.TransactionStates, state)
					return resp, nil, true
				})
				k.send(0, "a", "tick") // which is finished 10 ms later
				p := k.start(newUpper())
				k.awaitCommitted(0, 2)
				p.stop()
				mu.Lock()
				defer mu.Unlock()
				least, most := max(tt.least, 9*time.Millisecond), max(tt.most, 11*time.Millisecond)
				if pause := began.Sub(ended); pause < least || pause > most {
					t.Errorf("the next transaction began %v after the last, want %v to %v", pause, least, most)
				}
			})
		})
	}
}
