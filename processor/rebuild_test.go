package processor_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chargeresult/chargeresult/processor"
	"github.com/chargeresult/chargeresult/processor/inquiry/konasim"
)

// slowly makes a rebuild take as long as reading millions of results does, and counts how many are begun.
type slowly struct {
	claims interface {
		BeginRebuild(ctx context.Context) (processor.Rebuild, error)
	}
	took  time.Duration
	begun *atomic.Int64
}

func (s slowly) BeginRebuild(ctx context.Context) (processor.Rebuild, error) {
	r, err := s.claims.BeginRebuild(ctx)
	if err == nil {
		s.begun.Add(1)
	}
	return &slowRebuild{r, s.took}, err
}

type slowRebuild struct {
	processor.Rebuild
	took time.Duration
}

func (s *slowRebuild) Restore(ctx context.Context, committed []processor.Settlement) error {
	const step = 2 * time.Second
	for ; s.took > 0; s.took -= step { // the first time
		select {
		case <-time.After(step):
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := s.Rebuild.Restore(ctx, nil); err != nil {
			return err
		}
	}
	return s.Rebuild.Restore(ctx, committed)
}

// TestAcceptingTogether: two processes that both accept offsets, and so both want the claims rebuilt first, don't undo each other's rebuild.
func TestAcceptingTogether(t *testing.T) {
	var begun atomic.Int64
	inWorld(t, konasim.Config{Latency: konasim.Latency{P50: 50 * time.Millisecond}}, func(w *world) {
		other := *w
		w.halt()
		w.slow, w.accept, w.name = slowly{took: 20 * time.Second, begun: &begun}, true, "one"
		other.slow, other.accept, other.name = w.slow, true, "other"
		w.start()
		other.start()
		time.Sleep(20 * time.Second)
		const n = 1200
		for i := range n {
			w.send(topics.Requested, fmt.Sprint("k", i), event(i, fmt.Sprint("COMPLETED-", i)))
			time.Sleep(250 * time.Millisecond)
		}
		w.await(2 * time.Minute)
		if begun.Load() != 1 || len(w.results()) != n {
			t.Errorf("%d rebuilds, %d results; want one and %d", begun.Load(), len(w.results()), n)
		}
		other.halt()
	})
}

// TestRebuildOutlastsRebalances: members that come and go while claims are rebuilt don't have everything read again and again.
func TestRebuildOutlastsRebalances(t *testing.T) {
	var begun atomic.Int64
	inWorld(t, konasim.Config{}, func(w *world) {
		w.halt()
		w.slow = slowly{took: time.Minute, begun: &begun}
		w.start()
		w.claims.Wipe()
		for i := range 20 {
			w.send(topics.Requested, fmt.Sprint("k", i), event(i, fmt.Sprint("COMPLETED-", i)))
		}
		for range 10 {
			passing, err := kgo.NewClient(append(w.options(), kgo.ConsumerGroup("g"), kgo.ConsumeTopics(topics.Cancelled),
				kgo.Balancers(kgo.CooperativeStickyBalancer()), kgo.DisableAutoCommit())...)
			w.must(err)
			time.Sleep(20 * time.Second)
			passing.Close()
			time.Sleep(20 * time.Second)
		}
		if begun.Load() > 2 || len(w.results()) != 20 {
			t.Errorf("%d rebuilds begun, %d results; want one or two, and 20", begun.Load(), len(w.results()))
		}
		if holds := w.intake.Holds(); len(holds) > 0 {
			t.Errorf("still held: %v", holds)
		}
	})
}

// TestRebuildWaitsForARebalance: whoever has read everything when the group rebalances proves its membership when that is over.
func TestRebuildWaitsForARebalance(t *testing.T) {
	var begun atomic.Int64
	inWorld(t, konasim.Config{}, func(w *world) {
		w.halt()
		w.slow = slowly{took: time.Minute, begun: &begun}
		w.start()
		w.claims.Wipe()
		w.send(topics.Requested, "k", event(1, "COMPLETED-1"))
		time.Sleep(time.Minute)
		until := time.Now().Add(10 * time.Second)
		w.kafka.ControlKey(int16(kmsg.Heartbeat), func(req kmsg.Request) (kmsg.Response, error, bool) {
			if time.Now().After(until) {
				return nil, nil, false
			}
			w.kafka.KeepControl()
			resp := req.ResponseKind().(*kmsg.HeartbeatResponse)
			resp.ErrorCode = kerr.RebalanceInProgress.Code
			return resp, nil, true
		})
		w.await(time.Minute)
		if begun.Load() != 1 || len(w.results()) != 1 {
			t.Errorf("%d rebuilds begun, %d results; want one of each", begun.Load(), len(w.results()))
		}
	})
}
