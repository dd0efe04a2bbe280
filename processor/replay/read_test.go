package replay

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

func wantValues(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("visited %q, want %q", got, want)
	}
}

func TestRead(t *testing.T) {
	bubble(t, func(k *kafka) {
		k.text(resultTopic, 0, "a", "b")
		k.text(deadTopic, 1, "c") // the other partitions are empty
		k.open("t", &kgo.Record{Topic: resultTopic, Value: []byte("d")})(kgo.TryCommit)
		k.text(resultTopic, 0, "e")
		var done, total int64
		got := k.values(Reading{Topics: []string{resultTopic, deadTopic}, Progress: func(d, n int64) { done, total = d, n }})
		slices.SortStableFunc(got, func(a, b string) int { return strings.Compare(a[:len(resultTopic)+1], b[:len(resultTopic)+1]) })
		wantValues(t, got, "charge-result.dlq[1] c", "charge-result[0] a", "charge-result[0] b", "charge-result[0] d", "charge-result[0] e")
		if done != 6 || total != 6 {
			t.Errorf("progress %d of %d offsets, want all 6", done, total)
		}
	})
}

func TestReadSelection(t *testing.T) {
	bubble(t, func(k *kafka) {
		k.text(resultTopic, 0, "a", "b")
		time.Sleep(time.Hour)
		noon := time.Now()
		k.text(resultTopic, 0, "c", "d")
		k.truncate(resultTopic, 0, 1)
		topics := []string{resultTopic}
		wantValues(t, k.values(Reading{Topics: topics}), "charge-result[0] b", "charge-result[0] c", "charge-result[0] d")
		wantValues(t, k.values(Reading{Topics: topics, Last: 1}), "charge-result[0] d")
		wantValues(t, k.values(Reading{Topics: topics, Last: 10}), "charge-result[0] b", "charge-result[0] c", "charge-result[0] d")
		wantValues(t, k.values(Reading{Topics: topics, Since: noon}), "charge-result[0] c", "charge-result[0] d")
		wantValues(t, k.values(Reading{Topics: topics, Since: noon.Add(time.Hour)}))
		wantValues(t, k.values(Reading{}))
	})
}

func TestReadMissingTopic(t *testing.T) {
	bubble(t, func(k *kafka) {
		k.text(resultTopic, 0, "a")
		topics := []string{"nowhere", resultTopic}
		wantValues(t, k.values(Reading{Topics: topics, MayMiss: true}), "charge-result[0] a")
		err := k.visit(k.Context(), Reading{Topics: topics}, nil)
		if !errors.Is(err, kerr.UnknownTopicOrPartition) || !strings.Contains(err.Error(), "nowhere") {
			t.Errorf("error %v, want that topic nowhere is unknown", err)
		}
	})
}

// A transaction that is open when the reading begins belongs to it if it commits, however long that takes.
func TestReadWaitsForTransactions(t *testing.T) {
	for _, tt := range []struct {
		how  kgo.TransactionEndTry
		want []string
	}{{kgo.TryCommit, []string{"charge-result[0] a", "charge-result[0] b"}}, {kgo.TryAbort, []string{"charge-result[0] a"}}} {
		t.Run(fmt.Sprint(tt.how), func(t *testing.T) {
			bubble(t, func(k *kafka) {
				k.text(resultTopic, 0, "a")
				end := k.open("t", &kgo.Record{Topic: resultTopic, Value: []byte("b")})
				got := make(chan []string, 1)
				go func() { got <- k.values(Reading{Topics: []string{resultTopic}}) }()
				time.Sleep(time.Minute)
				if len(got) > 0 {
					t.Errorf("read to the end: %q, while a transaction was open", <-got)
				}
				end(tt.how)
				k.text(resultTopic, 0, "later")
				wantValues(t, <-got, tt.want...)
			})
		})
	}
}

// The last offsets of a partition are an aborted transaction's: nothing of them is ever visited, and the end is noticed.
func TestReadAbortedTail(t *testing.T) {
	bubble(t, func(k *kafka) {
		k.text(resultTopic, 0, "a")
		k.open("t", &kgo.Record{Topic: resultTopic, Value: []byte("b")})(kgo.TryAbort)
		wantValues(t, k.values(Reading{Topics: []string{resultTopic}}), "charge-result[0] a")
	})
}

func TestReadDoesNotFollowGrowth(t *testing.T) {
	bubble(t, func(k *kafka) {
		k.text(resultTopic, 0, "a", "b")
		k.text(resultTopic, 1, "c")
		var seen []string
		k.must(k.visit(k.Context(), Reading{Topics: []string{resultTopic}}, func(r *kgo.Record) error {
			k.text(resultTopic, 0, "more")
			k.text(resultTopic, 1, "more")
			seen = append(seen, string(r.Value))
			return nil
		}))
		slices.Sort(seen)
		wantValues(t, seen, "a", "b", "c")
	})
}

// Retention removes records while they are read: reading goes on with those that are left, and ends where none are.
func TestReadWhileRetentionRemoves(t *testing.T) {
	const records, size = 60, 100_000 // several fetches
	for name, tt := range map[string]struct {
		to    int64
		later bool  // records are produced after the removal
		last  int64 // visited
	}{"some": {to: 50, last: records - 1}, "all": {to: records, last: -1}, "all, and more come": {to: records, later: true, last: -1}} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(k *kafka) {
				for range records {
					k.produce(&kgo.Record{Topic: resultTopic, Value: make([]byte, size)})
				}
				var seen []int64
				k.must(k.visit(k.Context(), Reading{Topics: []string{resultTopic}}, func(r *kgo.Record) error {
					if len(seen) == 0 {
						k.truncate(resultTopic, 0, tt.to)
						if tt.later {
							k.text(resultTopic, 0, "later")
						}
					}
					seen = append(seen, r.Offset)
					return nil
				}))
				n := len(seen)
				if n == 0 || n > 40 || !slices.IsSorted(seen) || len(slices.Compact(seen)) != n || tt.last >= 0 && seen[n-1] != tt.last || seen[n-1] >= records {
					t.Errorf("visited %v; want some of the first offsets, and the last %d", seen, tt.last)
				}
			})
		})
	}
}

func TestReadEnds(t *testing.T) {
	bubble(t, func(k *kafka) {
		k.text(resultTopic, 0, "a", "b")
		stop := errors.New("stop")
		if err := k.visit(k.Context(), Reading{Topics: []string{resultTopic}}, func(*kgo.Record) error { return stop }); err != stop {
			t.Errorf("error %v, want the visitor's own", err)
		}
		end := k.open("t", &kgo.Record{Topic: resultTopic, Value: []byte("c")})
		defer end(kgo.TryAbort)
		ctx, cancel := context.WithTimeout(k.Context(), time.Minute)
		defer cancel()
		err := k.visit(ctx, Reading{Topics: []string{resultTopic}}, func(*kgo.Record) error { return nil })
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "charge-result[0] between 2 and 3") {
			t.Errorf("error %v, want one that names the open transaction", err)
		}
	})
}
