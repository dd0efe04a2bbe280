package replay

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor"
	"github.com/chargeresult/chargeresult/processor/stream"
)

// claimStore is a processor.Rebuild, and gives the lease of itself.
type claimStore struct {
	begin      func() error // what happens when the lease is taken
	restoreErr error
	finishErr  error

	restored  []processor.Settlement
	batches   []int
	called    []time.Time
	finished  int32 // generation
	abandoned int
	ctxErr    error // of Abandon's context
}

func (s *claimStore) BeginRebuild(context.Context) (processor.Rebuild, error) {
	if s.begin != nil {
		if err := s.begin(); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *claimStore) Restore(_ context.Context, committed []processor.Settlement) error {
	s.restored = append(s.restored, committed...)
	s.batches, s.called = append(s.batches, len(committed)), append(s.called, time.Now())
	return s.restoreErr
}

func (s *claimStore) Finish(_ context.Context, generation int32) error {
	s.finished = generation
	return s.finishErr
}

func (s *claimStore) Abandon(ctx context.Context) { s.abandoned, s.ctxErr = s.abandoned+1, ctx.Err() }

// said is what was restored, in an order of its own.
func (s *claimStore) said() []string {
	var said []string
	for _, r := range s.restored {
		said = append(said, fmt.Sprintf("%s %s %s %d %s %s", r.State, r.Claim.CorrelationID[13:], r.Claim.Fingerprint, r.Hop, r.Result, r.Claim.Owner))
	}
	slices.Sort(said)
	return said
}

func (k *kafka) rebuilder(s *claimStore) *Rebuilder {
	k.Helper()
	b, err := NewRebuilder(RebuildConfig{
		Client: k.opts(), Group: group, Result: resultTopic, Duplicates: duplicatesTopic, RetryPrefix: events.TopicRetryPrefix,
		TopicIDs: map[string][16]byte{requestedTopic: k.ids[requestedTopic]}, TTL: 24 * time.Hour, Decoder: decoder(k.T), Claims: s, Logger: quietly,
	})
	k.must(err)
	return b
}

// asMember calls f from where the engine calls a Rebuilder: the admission of a real member of the group. It returns the generation.
func (k *kafka) asMember(f func(context.Context, stream.Member)) (generation int32) {
	k.Helper()
	k.text(cancelledTopic, 0, "wake up")
	ctx, cancel := context.WithCancel(k.Context())
	engine, err := stream.New(stream.Config{
		Client: k.opts(), Group: group, Topics: []string{cancelledTopic}, TransactionalID: "engine", Logger: quietly,
		Handler: admission(func(ctx context.Context, m stream.Member) {
			generation = m.Generation
			f(ctx, m)
			cancel()
		}),
	})
	k.must(err)
	k.must(engine.Run(ctx))
	return generation
}

type admission func(context.Context, stream.Member)

func (a admission) Admit(ctx context.Context, m stream.Member, _ []*stream.Message) error {
	a(ctx, m)
	return nil
}

func (a admission) Process(_ context.Context, m *stream.Message) ([]*kgo.Record, error) {
	<-m.Draining()
	return nil, stream.ErrAbandoned
}

func TestRebuild(t *testing.T) {
	bubble(t, func(k *kafka) {
		expired := k.resultRecord(8, 1, at(8), group)
		expired.Timestamp = time.Now().Add(-25 * time.Hour)
		k.produce(
			expired,
			k.resultRecord(1, 1, at(1), group), k.resultRecord(2, 0, at(2), group), k.resultRecord(3, 1, at(3), "other"),
			&kgo.Record{Topic: resultTopic, Value: []byte("?"), Headers: k.resultRecord(9, 1, at(9), group).Headers},
			k.retry(shortRetry, 2, 1, at(2)), k.retry(longRetry, 2, 2, at(2)), &kgo.Record{Topic: longRetry, Value: []byte("?")},
			&kgo.Record{Topic: longRetry, Value: []byte("?"), Headers: k.retry(longRetry, 2, 3, at(2)).Headers},
			k.duplicate(4, at(14), at(4), events.VerdictDuplicate), k.duplicate(1, at(1), at(1), events.VerdictRedelivered),
			k.deadLetter(at(5), group),
		)
		s := &claimStore{}
		generation := k.asMember(func(ctx context.Context, m stream.Member) { k.must(k.rebuilder(s).Rebuild(ctx, m)) })
		owner := fmt.Sprintf("%x/0/", k.ids[requestedTopic])
		want := []string{
			"claimed 0000004 CHG0000000004 0  " + owner + "4",
			"settled 0000001 CHG0000000001 0 COMPLETED " + owner + "1",
			"waiting 0000002 CHG0000000002 1  " + owner + "2",
			"waiting 0000002 CHG0000000002 2  " + owner + "2",
		}
		wantValues(t, s.said(), want...)
		if s.finished != generation || generation <= 0 || s.abandoned != 0 {
			t.Errorf("finished generation %d, abandoned %d times; want generation %d and no abandoning", s.finished, s.abandoned, generation)
		}
	})
}

// What was committed, or could still commit, before the lease was taken is restored: the counterexamples of Rebuild.
func TestRebuildReadsWhatCommittedBeforeTheLease(t *testing.T) {
	bubble(t, func(k *kafka) {
		end := k.open("t", k.resultRecord(1, 1, at(1), group))
		s := &claimStore{begin: func() error {
			k.produce(k.resultRecord(2, 1, at(2), group))
			go func() {
				time.Sleep(10 * time.Second)
				end(kgo.TryCommit)
			}()
			return nil
		}}
		err := k.rebuilder(s).Rebuild(k.Context(), stream.Member{})
		if err == nil || len(s.restored) != 2 {
			t.Errorf("restored %q, error %v; want both results", s.said(), err)
		}
	})
}

// The proof comes after everything is restored and before the incarnation; without it there is none.
func TestRebuildNeedsAMember(t *testing.T) {
	bubble(t, func(k *kafka) {
		k.produce(k.resultRecord(1, 1, at(1), group))
		s := &claimStore{}
		err := k.rebuilder(s).Rebuild(k.Context(), stream.Member{Generation: 3})
		if err == nil || !strings.Contains(err.Error(), "prove membership") || s.finished != 0 || s.abandoned != 1 || len(s.restored) != 1 {
			t.Errorf("error %v, finished %d, abandoned %d times, restored %d; want no proof, 0, once, 1", err, s.finished, s.abandoned, len(s.restored))
		}
	})
}

func TestRebuildFails(t *testing.T) {
	lost := errors.New("lost")
	for name, tt := range map[string]struct {
		store     claimStore
		want      error
		abandoned int
	}{
		"another has the lease": {claimStore{begin: func() error { return processor.ErrRebuilding }}, processor.ErrRebuilding, 0},
		"restoring fails":       {claimStore{restoreErr: lost}, lost, 1},
		"the end fails":         {claimStore{finishErr: lost}, lost, 1},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(k *kafka) {
				k.produce(k.resultRecord(1, 1, at(1), group))
				var err error
				k.asMember(func(ctx context.Context, m stream.Member) { err = k.rebuilder(&tt.store).Rebuild(ctx, m) })
				if !errors.Is(err, tt.want) || tt.store.abandoned != tt.abandoned {
					t.Errorf("error %v, abandoned %d times; want %v, %d", err, tt.store.abandoned, tt.want, tt.abandoned)
				}
			})
		})
	}
}

func TestRebuildIsGivenUp(t *testing.T) {
	bubble(t, func(k *kafka) {
		ctx, cancel := context.WithCancel(k.Context())
		s := &claimStore{begin: func() error { cancel(); return nil }}
		err := k.rebuilder(s).Rebuild(ctx, stream.Member{})
		if !errors.Is(err, context.Canceled) || s.abandoned != 1 || s.ctxErr != nil {
			t.Errorf("error %v, abandoned %d times under a context with error %v; want once, under a live one", err, s.abandoned, s.ctxErr)
		}
	})
}

func TestRebuildInBatches(t *testing.T) {
	bubble(t, func(k *kafka) {
		var records []*kgo.Record
		for i := range 2500 {
			records = append(records, k.resultRecord(i, 1, at(int64(i)), group))
		}
		k.produce(records...)
		s := &claimStore{}
		_ = k.rebuilder(s).Rebuild(k.Context(), stream.Member{})
		if !slices.Equal(s.batches, []int{1000, 1000, 500}) {
			t.Errorf("batches of %v, want 1000, 1000, 500", s.batches)
		}
	})
}

// The lease is held for seconds, and an open transaction may be waited for longer.
func TestRebuildKeepsItsLease(t *testing.T) {
	bubble(t, func(k *kafka) {
		end := k.open("t", k.resultRecord(1, 1, at(1), group))
		go func() {
			time.Sleep(time.Minute)
			end(kgo.TryCommit)
		}()
		s := &claimStore{called: []time.Time{time.Now()}}
		_ = k.rebuilder(s).Rebuild(k.Context(), stream.Member{})
		for i, at := range s.called[1:] {
			if at.Sub(s.called[i]) > 5*time.Second {
				t.Errorf("nothing restored, be it nothing, for %v", at.Sub(s.called[i]))
			}
		}
		if len(s.restored) != 1 || len(s.called) < 10 {
			t.Errorf("restored %d in %d calls, want 1 in many", len(s.restored), len(s.called))
		}
	})
}

func TestConfigsNameWhatIsMissing(t *testing.T) {
	_, err := NewRebuilder(RebuildConfig{})
	for _, name := range []string{"Client", "Group", "Result", "Duplicates", "RetryPrefix", "TopicIDs", "TTL", "Decoder", "Claims"} {
		if err == nil || !strings.Contains(err.Error(), "rebuild: "+name) {
			t.Errorf("NewRebuilder: %v; want %s named", err, name)
		}
	}
	_, err = Reconcile(t.Context(), ReconcileConfig{})
	for _, name := range []string{"Client", "Group", "Inputs", "Result", "DeadLetter", "Duplicates", "RetryPrefix", "Decoder"} {
		if err == nil || !strings.Contains(err.Error(), "reconcile: "+name) {
			t.Errorf("Reconcile: %v; want %s named", err, name)
		}
	}
}
