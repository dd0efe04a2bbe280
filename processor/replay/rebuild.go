package replay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor"
	"github.com/chargeresult/chargeresult/processor/stream"
)

// RebuildConfig is what a rebuild has to know. All but Progress and Logger is needed.
type RebuildConfig struct {
	Client      []kgo.Opt           // how to connect: brokers, TLS, SASL
	Group       string              // the consumer group whose claims are restored
	Result      string              // the topic of results
	Duplicates  string              // the topic of duplicates
	RetryPrefix string              // what the names of the retry topics begin with; all that exist are read
	TopicIDs    map[string][16]byte // of the input topics, by name
	TTL         time.Duration       // how long a claim lives: what is older is not restored
	Decoder     *events.Decoder     // reads the events that wait in retry topics
	Claims      interface {
		// BeginRebuild takes the lease, or fails with processor.ErrRebuilding where another process has it.
		BeginRebuild(ctx context.Context) (processor.Rebuild, error)
	}
	Progress func(done, total int64) // told how many offsets are read; may be nil
	Logger   *slog.Logger            // default slog.Default()
}

// Rebuilder restores claims from Kafka: it is a processor.Rebuilder.
type Rebuilder struct {
	cfg RebuildConfig
}

var _ processor.Rebuilder = (*Rebuilder)(nil)

// NewRebuilder returns a Rebuilder. It fails if something is missing in cfg, and names all of that.
func NewRebuilder(cfg RebuildConfig) (*Rebuilder, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	return &Rebuilder{cfg}, needs("rebuild", map[string]bool{
		"Client": len(cfg.Client) > 0, "Group": cfg.Group != "", "Result": cfg.Result != "", "Duplicates": cfg.Duplicates != "",
		"RetryPrefix": cfg.RetryPrefix != "", "TopicIDs": len(cfg.TopicIDs) > 0, "TTL": cfg.TTL > 0, "Decoder": cfg.Decoder != nil, "Claims": cfg.Claims != nil,
	})
}

// abandonTimeout is how long giving the lease back may take; else it expires by itself.
const abandonTimeout = 5 * time.Second

// Rebuild restores the claims, as processor.Rebuilder says. It fails with whatever went wrong, after it gave the lease back.
//
// The order of its steps is what makes it safe. Below, A and B are instances, rec0 and rec1 two records of one transaction.
//
//  1. The lease comes first: with it the store is in no incarnation, so that no transaction that had not been confirmed before
//     can commit any more. Taken after the high watermarks:
//     B, which has a loss to mend, notes the high watermarks; A's result is produced above them and confirmed by an incarnation that
//     another instance has begun; the store is wiped; B takes the lease, restores without the result and finishes; B claims rec1: ours. Two finals.
//  2. Then the high watermarks, and what is below them once the transactions open there are over. Not waiting for them:
//     A's result is produced and confirmed; the store is wiped; B reads what is committed, which it is not; A's transaction commits; B
//     claims rec1: ours. Two finals.
//  3. Then, of everything restored, the proof of membership, and last the new incarnation. Without the proof:
//     B was expelled and does not know; it holds rec1, which A, who has its partition now, acknowledged as a duplicate of rec0. The store is wiped;
//     B restores, finishes, and claims rec1: ours. It can't commit that. A claims rec0 again: a duplicate of rec1. Both are acknowledged, and nobody asks.
func (b *Rebuilder) Rebuild(ctx context.Context, member stream.Member) error {
	began := time.Now()
	lease, err := b.cfg.Claims.BeginRebuild(ctx)
	if err != nil {
		return fmt.Errorf("begin to rebuild claims: %w", err)
	}
	restored, err := b.rebuild(ctx, lease, member)
	if err != nil {
		brief, cancel := context.WithTimeout(context.WithoutCancel(ctx), abandonTimeout)
		defer cancel()
		lease.Abandon(brief)
		return fmt.Errorf("rebuild claims: %w", err)
	}
	b.cfg.Logger.Info("claims rebuilt", "restored", restored.count, "unreadable", restored.unreadable, "took", time.Since(began).Round(time.Millisecond))
	return nil
}

func (b *Rebuilder) rebuild(ctx context.Context, lease processor.Rebuild, member stream.Member) (*restoring, error) {
	restored := &restoring{
		lease: lease, cfg: b.cfg, source: []byte(events.ResultSource(b.cfg.Group)),
		batch: make([]processor.Settlement, 0, restoreBatch), renewed: time.Now(),
	}
	if err := b.read(ctx, restored); err != nil {
		return nil, err
	}
	if err := restored.flush(ctx); err != nil {
		return nil, err
	}
	generation, err := prove(ctx, member, restored)
	if err != nil {
		return nil, fmt.Errorf("prove membership of the group: %w", err)
	}
	if err := lease.Finish(ctx, generation); err != nil {
		return nil, fmt.Errorf("begin a new incarnation: %w", err)
	}
	return restored, nil
}

// How long a rebalance is waited for before a rebuild is given up, and how often it is asked whether it is over.
const (
	rebalanceLimit   = 2 * time.Minute
	rebalanceBackoff = 200 * time.Millisecond
)

// prove proves the membership. A rebalance that comes to its end meanwhile is no reason to read everything again: the lease is kept.
func prove(ctx context.Context, member stream.Member, restored *restoring) (generation int32, err error) {
	for began := time.Now(); ; {
		generation, err = member.Prove(ctx)
		if !errors.Is(err, stream.ErrRebalancing) || time.Since(began) > rebalanceLimit {
			return generation, err
		}
		select {
		case <-ctx.Done():
			return 0, errors.Join(ctx.Err(), err)
		case <-time.After(rebalanceBackoff):
		}
		if err := restored.renew(ctx); err != nil {
			return 0, err
		}
	}
}

func (b *Rebuilder) read(ctx context.Context, into *restoring) error {
	admin, err := connect(b.cfg.Client)
	if err != nil {
		return err
	}
	defer admin.Close()
	// A retry topic that is made after this holds nothing that was committed before the lease was taken.
	retries, _, err := retryTopics(ctx, admin, b.cfg.RetryPrefix)
	if err != nil {
		return err
	}
	what, err := Reading{
		Client: b.cfg.Client, Topics: append(retries, b.cfg.Result, b.cfg.Duplicates), Since: time.Now().Add(-b.cfg.TTL),
	}.spans(ctx)
	if err != nil {
		return err
	}
	return read(ctx, b.cfg.Client, what, func(done, total int64) error {
		return errors.Join(told(b.cfg.Progress)(done, total), into.renew(ctx))
	}, func(r *kgo.Record) error { return into.visit(ctx, r) })
}

// needs names everything that is missing in a configuration.
func needs(of string, given map[string]bool) error {
	var missing []error
	for name, ok := range given {
		if !ok {
			missing = append(missing, fmt.Errorf("replay: %s: %s is missing", of, name))
		}
	}
	return errors.Join(missing...)
}
