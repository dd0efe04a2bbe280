package stream

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// TestTopicsLoaded: a commit waits until the client has stored the partitions of each topic, and asks no more once it has.
func TestTopicsLoaded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, asked := time.Now(), map[string]int{}
		loaded := &topicsLoaded{seen: map[string]bool{}, leader: func(topic string, _ int32) (int32, int32, error) {
			asked[topic]++
			if topic == "slow" && time.Since(began) < time.Second || topic == "never" {
				return -1, -1, nil
			}
			return 1, 1, nil
		}}
		messages := func(topics ...string) []*Message {
			m := &Message{}
			for _, topic := range topics {
				m.results = append(m.results, &kgo.Record{Topic: topic})
			}
			return []*Message{m}
		}
		for range 3 {
			if err := loaded.await(t.Context(), messages("known", "slow", "known")); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took < time.Second || took > time.Second+2*loadPoll {
			t.Errorf("it took %v, where the partitions were stored after 1s", took)
		}
		if asked["known"] != 1 {
			t.Errorf("asked %d times for a topic that is stored", asked["known"])
		}
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, errTransactionTimeout)
		defer cancel()
		if err := loaded.await(ctx, messages("never")); !errors.Is(err, errTransactionTimeout) {
			t.Errorf("error %v, want the transaction's timeout", err)
		}
	})
}
