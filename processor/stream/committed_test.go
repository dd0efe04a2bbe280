package stream

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestPositionFinished(t *testing.T) {
	p := Position{Offset: 5, runs: []run{{7, 8}, {11, 11}}}
	want := map[int64]bool{0: true, 4: true, 5: false, 6: false, 7: true, 8: true, 9: false, 10: false, 11: true, 12: false}
	for offset, finished := range want {
		if p.Finished(offset) != finished {
			t.Errorf("Finished(%d) = %v", offset, !finished)
		}
	}
	if (Position{Offset: -1}).Finished(0) {
		t.Error("finished without a commit")
	}
}

func (k *kafka) positions(topics ...string) []Position {
	k.t.Helper()
	positions, err := CommittedPositions(k.t.Context(), k.client, "g", topics...)
	if err != nil {
		k.t.Fatal(err)
	}
	return positions
}

func TestCommittedPositions(t *testing.T) {
	bubble(t, func(t *testing.T, k *kafka) {
		k.send(0, "a", "slow", "b", "c", "slow", "d")
		for i, p := range k.positions("in") {
			if p.Offset != -1 || p.Finished(0) {
				t.Errorf("position %d of a group that does not exist: %+v", i, p)
			}
		}
		p := k.start(newUpper(), parked)
		k.park(1, time.Now(), "e")
		k.awaitPublished("a", "b", "c", "d", "e")
		k.await("all is committed", func() bool { _, m := k.committedAt(0); at, _ := k.committedOf("later", 1); return m != "" && at == 1 })
		mark := k.mark(0)
		var got []string
		for _, p := range k.positions("later", "in") {
			var finished []int64
			for o := range int64(8) {
				if p.Finished(o) {
					finished = append(finished, o)
				}
			}
			got = append(got, fmt.Sprintf("%s[%d] %d %v", p.Topic, p.Partition, p.Offset, finished))
			if p.Topic == "in" && (p.TopicID != mark.topicID || p.Cluster != mark.cluster) {
				t.Errorf("%+v: another topic or cluster", p)
			}
		}
		want := "in[0] 1 [0 2 3 5]; in[1] -1 []; in[2] -1 []; in[3] -1 []; later[0] -1 []; later[1] 1 [0]"
		if got := strings.Join(got, "; "); got != want {
			t.Errorf("positions %s\nwant      %s", got, want)
		}
		p.stop()
	})
}

// An offset that is in a transaction whose end has not come yet is no reason to answer without it, and least of all for a group's first.
func TestCommittedPositionsWaitForTransactions(t *testing.T) {
	bubble(t, func(t *testing.T, k *kafka) {
		p := k.start(newUpper())
		k.await("it joins", func() bool { return len(p.engine.Status().Partitions) == 4 })
		sprung := p.link.cutAt(kmsg.EndTxn, false)
		k.send(0, "a")
		<-sprung                                                               // its offset is in a transaction that nobody ends for now
		ctx, cancel := context.WithTimeout(t.Context(), 1990*time.Millisecond) // between two tries
		defer cancel()
		if got, err := CommittedPositions(ctx, k.client, "g", "in"); !errors.Is(err, kerr.UnstableOffsetCommit) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("CommittedPositions = %v, %v; want it to wait", got, err)
		}
		time.AfterFunc(3*time.Second, p.link.heal)
		k.positions("in") // waits for the transaction's end
		k.awaitPublished("a")
		if got := k.positions("in"); got[0].Offset != 1 {
			t.Errorf("%+v, want offset 1", got[0])
		}
		p.stop()
	})
}

func TestCommittedPositionsRefused(t *testing.T) {
	bubble(t, func(t *testing.T, k *kafka) {
		ours := k.mark(3)
		another, elsewhere, moved := ours, ours, ours
		another.topicID[0]++
		elsewhere.cluster = "elsewhere"
		moved.base = 2
		tests := []struct {
			name, metadata string
			want           error
		}{
			{"no mark", "", ErrForeignCommit},
			{"somebody else's", "hello", ErrForeignCommit},
			{"of another offset", moved.encode(), ErrForeignCommit},
			{"of another topic", another.encode(), ErrRecreatedTopic},
			{"of another cluster", elsewhere.encode(), ErrRecreatedTopic},
			{"ours", ours.encode(), nil},
		}
		for _, tt := range tests {
			k.move(0, 1, commitMark{cluster: ours.cluster, topicID: ours.topicID, base: 1}.encode())
			k.move(2, 3, tt.metadata)
			got, err := CommittedPositions(t.Context(), k.client, "g", "in")
			if !errors.Is(err, tt.want) || (err != nil) != (tt.want != nil) || (err != nil) != (got == nil) {
				t.Errorf("%s: %v, %v; want %v", tt.name, got, err, tt.want)
			}
			if err != nil && (!strings.Contains(err.Error(), "in[2]") || strings.Contains(err.Error(), "in[0]")) {
				t.Errorf("%s: %v; want it to name in[2] and no other", tt.name, err)
			}
		}
		if _, err := CommittedPositions(t.Context(), k.client, "g", "no such topic"); err == nil {
			t.Error("a topic that does not exist has positions")
		}
		k.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetFetch}, Topic: "in", Partitions: []int32{3}, Err: kerr.TopicAuthorizationFailed, Count: 1})
		if got, err := CommittedPositions(t.Context(), k.client, "g", "in"); !errors.Is(err, kerr.TopicAuthorizationFailed) {
			t.Errorf("with a partition that was refused: %v, %v", got, err)
		}
	})
}
