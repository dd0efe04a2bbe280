package replay

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chargeresult/chargeresult/events"
)

// ReconcileConfig is what an accounting has to know. All but Since, Limit and Progress is needed.
type ReconcileConfig struct {
	Client      []kgo.Opt                   // how to connect: brokers, TLS, SASL
	Group       string                      // the consumer group to account for
	Inputs      map[string]events.Operation // the input topics, with what their events are about
	Result      string                      // the topic of results
	DeadLetter  string                      // the topic of dead letters
	Duplicates  string                      // the topic of duplicates
	RetryPrefix string                      // what the names of the retry topics begin with; all that exist are read
	Decoder     *events.Decoder             // reads the input records that do not add up
	Since       time.Time                   // an older event that is nowhere is not called missing: the group may have begun after it; zero: none is
	Limit       int                         // how many faults are named; less than 1: 100
	Progress    func(done, total int64)     // told how many offsets are read; may be nil
}

func (c ReconcileConfig) validate() error {
	return needs("reconcile", map[string]bool{
		"Client": len(c.Client) > 0, "Group": c.Group != "", "Inputs": len(c.Inputs) > 0, "Result": c.Result != "", "DeadLetter": c.DeadLetter != "",
		"Duplicates": c.Duplicates != "", "RetryPrefix": c.RetryPrefix != "", "Decoder": c.Decoder != nil,
	})
}

// Reconcile accounts for every record that a group has finished, from Kafka alone and while the group is at work. That something does not add up is
// no error: Account.Balanced says it. Offsets that are not the group's own work are one: stream.ErrForeignCommit, stream.ErrRecreatedTopic.
//
// It reads in this order, each step seeing at least what the one before saw:
//
//	C1  the group's offsets: what is finished, and which retry records are not
//	    the output topics, up to their high watermarks and past the transactions open there: what C1 calls finished has its outcome there
//	C2  the offsets of the retry topics again: which of those retry records are still unfinished
//	    the input topics: each record that C1 calls finished must be in exactly one place
//
// A record's places are a final result, a dead letter, a duplicate, and a retry record that C2 calls unfinished. A retry record that only C1 does is
// progress: whatever it became is a place, if it was published before the reading, and else the record counts as waiting, which it was at C1.
//
// Memory: one byte for each offset of the input topics, eight for each of the result topic, 48 for each retry record that waits, and
// what Read takes.
func Reconcile(ctx context.Context, cfg ReconcileConfig) (Account, error) {
	if cfg.Limit < 1 {
		cfg.Limit = 100
	}
	if err := cfg.validate(); err != nil {
		return Account{}, err
	}
	r := &reconciliation{cfg: cfg, source: []byte(events.ResultSource(cfg.Group))}
	if err := r.run(ctx); err != nil {
		return Account{}, fmt.Errorf("reconcile group %s: %w", cfg.Group, err)
	}
	return r.account, nil
}

// reconciliation is one accounting. It is used by one goroutine.
type reconciliation struct {
	cfg    ReconcileConfig
	source []byte // of our group's results

	retries         []string // the retry topics
	topicIDs        map[string][16]byte
	before, after   cut   // C1 and C2
	inputs, outputs spans // what is read
	truncated       spans // output partitions that don't begin at 0 and of which no record was read yet
	ledgers         ledgers
	waiting         []retryRecord // those that are unfinished in C1
	results         *hashes
	account         Account
}

// retryRecord is one that waits, and the input record that it stands for.
type retryRecord struct {
	at     events.Source
	ledger *ledger
	offset int64
}

func (r *reconciliation) run(ctx context.Context) error {
	if err := r.readBefore(ctx); err != nil {
		return err
	}
	// Another client: what is finished by now may wait in a retry topic, or a partition, that was made since, and a client that has
	// heard of the topics does not ask again for seconds.
	client, err := kgo.NewClient(r.cfg.Client...)
	if err != nil {
		return fmt.Errorf("connect to Kafka: %w", err)
	}
	defer client.Close()
	if err := r.listTopics(ctx, kadm.NewClient(client)); err != nil {
		return err
	}
	if err := read(ctx, r.cfg.Client, r.outputs, r.progress(0), r.enter); err != nil {
		return err
	}
	if err := r.readAfter(ctx, client); err != nil {
		return err
	}
	if err := read(ctx, r.cfg.Client, r.inputs, r.progress(r.outputs.size()), r.judge); err != nil {
		return err
	}
	return r.close(ctx)
}

// listTopics finds out from where to where to read.
func (r *reconciliation) listTopics(ctx context.Context, admin *kadm.Client) (err error) {
	if r.retries, r.topicIDs, err = retryTopics(ctx, admin, r.cfg.RetryPrefix); err != nil {
		return err
	}
	outputs := append([]string{r.cfg.Result, r.cfg.DeadLetter, r.cfg.Duplicates}, r.retries...)
	if r.outputs, err = listSpans(ctx, admin.ListStartOffsets, admin.ListEndOffsets, false, outputs...); err != nil {
		return err
	}
	// An upstream's open transaction is above everything that is finished, and not waited for.
	if r.inputs, err = listSpans(ctx, admin.ListStartOffsets, admin.ListCommittedOffsets, false, r.inputTopics()...); err != nil {
		return err
	}
	r.ledgers = newLedgers(r.inputs)
	r.results = newHashes(spans{"": r.outputs[r.cfg.Result]}.size())
	r.truncated = spans{}
	for _, topic := range []string{r.cfg.Result, r.cfg.DeadLetter, r.cfg.Duplicates} {
		for partition, of := range r.outputs[topic] {
			if of.from > 0 {
				r.truncated.add(topic, partition, of)
			}
		}
	}
	return nil
}

func (r *reconciliation) inputTopics() []string { return slices.Sorted(maps.Keys(r.cfg.Inputs)) }

// progress tells of the reading of topics, as a part of all that is to be read.
func (r *reconciliation) progress(before int64) func(done, total int64) error {
	total := r.outputs.size() + r.inputs.size()
	return func(done, _ int64) error { return told(r.cfg.Progress)(before+done, total) }
}
