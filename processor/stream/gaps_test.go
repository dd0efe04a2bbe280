package stream

import (
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Markers and aborted records occupy offsets of a transactional input and hold nothing to process.
func TestGapsInTheInput(t *testing.T) {
	bubble(t, func(t *testing.T, k *kafka) {
		upstream, err := kgo.NewClient(append(k.opts(k.net.DialContext), kgo.TransactionalID("upstream"), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
		if err != nil {
			t.Fatal(err)
		}
		defer upstream.Close()
		transact := func(end kgo.TransactionEndTry, values ...string) {
			t.Helper()
			if err := upstream.BeginTransaction(); err != nil {
				t.Fatal(err)
			}
			for _, v := range values {
				upstream.Produce(t.Context(), inputRecord(0, v), nil)
			}
			if err := upstream.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := upstream.EndTransaction(t.Context(), end); err != nil {
				t.Fatal(err)
			}
		}
		var values []string
		for i := range 10 {
			transact(kgo.TryAbort, "aborted")
			some := numbered(fmt.Sprintf("t%d-", i), 3)
			transact(kgo.TryCommit, some...)
			values = append(values, some...)
		}
		// Ten times an aborted record, its marker, three records, their marker; the last marker follows the last record.
		const lastRecord = 10*6 - 2
		u := newUpper()
		p := k.start(u)
		k.awaitPublished(values...)
		k.awaitCommitted(0, lastRecord+1)
		if _, metadata := k.committedAt(0); metadata != k.mark(lastRecord+1).encode() {
			t.Errorf("metadata %q, want an empty map", metadata)
		}
		if n := u.times("aborted"); n > 0 {
			t.Errorf("%d aborted records were processed", n)
		}
		// The next record lies behind a gap: the low-water mark goes past it.
		transact(kgo.TryCommit, "last")
		k.awaitCommitted(0, lastRecord+3)
		p.stop()
	})
}

// The tracker keeps nothing of what is through, however many gaps lie in it.
func TestGapsCostNothing(t *testing.T) {
	tr := newTracker(0, nil)
	for i := range int64(1000) {
		tr.accept(3*i, 0)
		tr.include(3 * i)
		if low, runs := tr.position(); low != 3*i+1 || len(runs) != 0 {
			t.Fatalf("position = %d %v, want %d and no runs", low, runs, 3*i+1)
		}
		tr.commit()
		if len(tr.entries) != 0 {
			t.Fatalf("the tracker keeps %v", tr.entries)
		}
	}
}
