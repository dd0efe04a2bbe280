package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Engine reads records, has them processed, and publishes what comes of them, exactly once.
type Engine struct {
	cfg    Config
	status status
	unsafe bool // whether the broker's transactions are of the old protocol; owned by Run
}

// New checks the configuration and reports all of its faults at once. It connects to nothing.
func New(cfg Config) (*Engine, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	return &Engine{cfg: cfg}, nil
}

// Status returns what the engine is doing.
func (e *Engine) Status() Status {
	now := e.status.snapshot()
	now.Holds = e.cfg.Intake.Holds()
	return now
}

// How long the engine waits before it starts over, at first and at most.
const (
	restartBackoff    = 100 * time.Millisecond
	restartBackoffMax = 5 * time.Second
)

// Run works until ctx ends; then it stops fetching, lets what is in flight finish within DrainTimeout, commits, leaves the group and
// returns nil. It returns an error only for what waiting can't mend: ErrFenced, ErrUnsafeBroker, a fault of the handler. Whatever else
// happens to the broker, the group or a transaction, it starts over from what is committed.
func (e *Engine) Run(ctx context.Context) error {
	defer e.cfg.Intake.Release(HeldByGroup)
	for wait := restartBackoff; ; wait = min(2*wait, restartBackoffMax) {
		before := e.Status().Committed
		err := e.live(ctx)
		var fault *handlerError
		switch {
		case errors.Is(err, ErrFenced), errors.Is(err, ErrUnsafeBroker), errors.As(err, &fault):
			return err
		case ctx.Err() != nil:
			return nil
		}
		if e.Status().Committed > before {
			wait = restartBackoff
		}
		e.cfg.Intake.Hold(HeldByGroup, fmt.Sprintf("starting over from what is committed: %v", err))
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

// live is one life: it goes on until ctx ends or something ends it.
func (e *Engine) live(ctx context.Context) error {
	if err := e.prepare(ctx); err != nil {
		return err
	}
	s, err := newSession(e.cfg, &e.status, e.unsafe)
	if err != nil {
		return err
	}
	return s.run(ctx)
}

// prepare checks the broker and, for a group that begins at the end of its topics, writes down where that is: a partition that gets its first record
// before its first commit would otherwise be taken for a new one, or its records for old ones.
func (e *Engine) prepare(ctx context.Context) error {
	client, err := kgo.NewClient(e.cfg.Client...)
	if err != nil {
		return fmt.Errorf("make an admin client: %w", err)
	}
	defer client.Close()
	err = CheckBroker(ctx, client)
	e.unsafe = errors.Is(err, ErrUnsafeBroker)
	if err != nil && !(e.unsafe && e.cfg.AllowUnsafeBroker) {
		return err
	}
	if !e.cfg.FromEnd {
		return nil
	}
	admin := kadm.NewClient(client)
	if known, err := HasCommits(ctx, admin, e.cfg.Group); err != nil || known {
		return err
	}
	return e.beginAtEnd(ctx, admin)
}

// CheckBroker returns ErrUnsafeBroker unless the cluster runs transactions of version 2 (KIP-890), which every 4.x cluster does unless told
// otherwise. Before that a delayed message could commit or abort the wrong transaction (KAFKA-17754).
func CheckBroker(ctx context.Context, client *kgo.Client) error {
	resp, err := kmsg.NewPtrApiVersionsRequest().RequestWith(ctx, client)
	if err != nil {
		return fmt.Errorf("ask the broker for its features: %w", err)
	}
	const feature, want = "transaction.version", 2
	var has int16
	for _, f := range resp.FinalizedFeatures {
		if f.Name == feature {
			has = f.MaxVersionLevel
		}
	}
	if has < want {
		return fmt.Errorf("%w: %s is %d, want %d: upgrade to Kafka 4.0 or later and set the feature with kafka-features.sh upgrade --feature %[2]s=%[4]d",
			ErrUnsafeBroker, feature, has, want)
	}
	return nil
}

// coordinatorBackoff is how long HasCommits waits for a group coordinator that is not there yet: a new cluster makes it at the first question.
const coordinatorBackoff = 250 * time.Millisecond

// HasCommits says whether the group has ever committed an offset. While the group's coordinator can't answer it asks again, until ctx ends.
func HasCommits(ctx context.Context, admin *kadm.Client, group string) (bool, error) {
	for {
		offsets, err := admin.FetchOffsets(ctx, group)
		switch {
		case err == nil, errors.Is(err, kerr.GroupIDNotFound):
			return holdsAny(offsets), nil
		case !kerr.IsRetriable(err):
			return false, fmt.Errorf("read the offsets of group %q: %w", group, err)
		}
		select {
		case <-ctx.Done():
			return false, fmt.Errorf("read the offsets of group %q: %w", group, err)
		case <-time.After(coordinatorBackoff):
		}
	}
}

func holdsAny(offsets kadm.OffsetResponses) bool {
	for _, partitions := range offsets {
		for _, o := range partitions {
			if o.At >= 0 {
				return true
			}
		}
	}
	return false
}

func (e *Engine) beginAtEnd(ctx context.Context, admin *kadm.Client) error {
	meta, err := admin.Metadata(ctx, e.cfg.Topics...)
	if err != nil {
		return fmt.Errorf("read topic IDs: %w", err)
	}
	ends, err := admin.ListEndOffsets(ctx, e.cfg.Topics...)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return fmt.Errorf("read where the logs end: %w", err)
	}
	var offsets kadm.Offsets
	ends.Each(func(l kadm.ListedOffset) {
		mark := commitMark{cluster: meta.Cluster, topicID: meta.Topics[l.Topic].ID, base: l.Offset}
		offsets.Add(kadm.Offset{Topic: l.Topic, Partition: l.Partition, At: l.Offset, LeaderEpoch: -1, Metadata: mark.encode()})
	})
	// The group is empty, so this plain commit meets no transaction; once it has a member the broker refuses it, and the member knows better.
	resp, err := admin.CommitOffsets(ctx, e.cfg.Group, offsets)
	if err == nil {
		err = resp.Error()
	}
	if err != nil && !errors.Is(err, kerr.UnknownMemberID) {
		return fmt.Errorf("write down the end of the topics for group %q: %w", e.cfg.Group, err)
	}
	return nil
}
