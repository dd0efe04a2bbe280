package replay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor"
)

// ClaimReader shows what the claim store holds.
//
// Lookup returns what is stored of the transactions of a correlation ID, one Settlement for each operation that has a claim, in whatever condition the
// store is: lost, replaced, being rebuilt. It changes nothing, not even for how long a claim lives. It returns within a timeout of its own even
// if ctx has none, and wraps processor.ErrClaimsUnavailable, or ctx's error, when it fails. Many goroutines may call it at once.
type ClaimReader interface {
	Lookup(ctx context.Context, correlationID string) ([]processor.Settlement, error)
}

// DefaultLimit is how long Find reads if nobody says otherwise.
const DefaultLimit = 2 * time.Second

// FindConfig is what it takes to find a transaction. All but Claims, Since and Limit is needed.
type FindConfig struct {
	Client      *kgo.Client                 // of the cluster; what it consumes or produces is not touched
	Claims      ClaimReader                 // nil: there is no claim store to ask, and Timeline.Unread says so
	Group       string                      // the consumer group whose results, dead letters and offsets count
	Inputs      map[string]events.Operation // the input topics, with what their events are about
	Result      string                      // the topic of results
	DeadLetter  string                      // the topic of dead letters
	Duplicates  string                      // the topic of duplicates
	RetryPrefix string                      // what the names of the retry topics begin with; all that exist are searched
	Decoder     *events.Decoder             // reads input records
	Deadline    time.Duration               // for how long a transaction is asked about: results are looked for that much longer than events
	Since       time.Time                   // search from here to the end, whatever the correlation ID says; zero: around its time
	Limit       time.Duration               // for reading; 0: DefaultLimit; negative: none
}

func (c FindConfig) validate() error {
	return needs("find a transaction", map[string]bool{
		"Client": c.Client != nil, "Group": c.Group != "", "Inputs": len(c.Inputs) > 0, "Result": c.Result != "", "DeadLetter": c.DeadLetter != "",
		"Duplicates": c.Duplicates != "", "RetryPrefix": c.RetryPrefix != "", "Decoder": c.Decoder != nil, "Deadline": c.Deadline > 0,
	})
}

// Find tells the story of a correlation ID. That nothing is found is no error, and neither is what can't be read: Timeline.Complete and
// Timeline.Unread say it. An error means that the cluster does not answer, or that ctx ended.
//
// Where records are looked for, the likeliest first, until there is no more or the limit is over:
//
//  1. The record that the claim store names as the owner. Its key tells in which partition everything is that was published for it, and its time from
//     when on. Without a claim the key is taken to be the correlation ID, and the time to be the one in it, of unknown zone: a day on either side.
//  2. That partition of each topic, and all of the duplicates, which have keys of their own. Input records up to that day, results and retry records for
//     Deadline more, or to the end if there is no outcome by then.
//  3. Input records that what was found names, wherever they are; where their key is another one, its partitions.
//  4. All other partitions, but only if nothing is found so far, or what is found has no key.
//
// So it is taken for granted that all events of a correlation ID have one key. An ID that holds no time, and has no claim, is looked for from
// the end of the topics backwards, unless Since says from when on.
func Find(ctx context.Context, cfg FindConfig, correlationID string) (Timeline, error) {
	if err := cfg.validate(); err != nil {
		return Timeline{}, err
	}
	began := time.Now()
	s := &search{
		cfg: cfg, id: strings.ToLower(correlationID), group: []byte(events.ResultSource(cfg.Group)),
		found: map[events.Source]*kgo.Record{}, keys: map[string]bool{}, swept: map[topicPartition]bool{}, named: map[events.Source]bool{},
	}
	s.line = Timeline{CorrelationID: correlationID, Transactions: []Transaction{}}
	if err := s.run(ctx); err != nil {
		return Timeline{}, fmt.Errorf("find %s: %w", correlationID, err)
	}
	s.line.Transactions = s.transactions(ctx, time.Now())
	s.line.Complete = len(s.line.Unread) == 0
	s.line.Took = time.Since(began)
	return s.line, nil
}

type topicPartition struct {
	topic     string
	partition int32
}

// search is one Find. It is used by one goroutine.
type search struct {
	cfg     FindConfig
	id      string // in lower case
	group   []byte // the source of our group's results
	line    Timeline
	sweeper *sweeper
	retries []string            // the retry topics
	names   map[[16]byte]string // of topics, by ID

	claims []processor.Settlement
	window window
	reach  map[string]reach // by topic

	found     map[events.Source]*kgo.Record
	named     map[events.Source]bool  // input records that something names, and that were looked up
	keys      map[string]bool         // of records that were found
	scattered bool                    // a record without a key was found: what comes of it may be anywhere
	swept     map[topicPartition]bool // what was searched, or could not be
}

func (s *search) run(ctx context.Context) error {
	if err := s.prepare(ctx); err != nil {
		return err
	}
	reading, cancel := s.limited(ctx)
	defer cancel()
	for _, c := range s.claims {
		s.lookUp(reading, s.sourceOf(c.Claim.Owner))
	}
	s.window = s.windowOf()
	s.line.From, s.line.Until = s.window.from, cmp.Or(s.window.until, time.Now())
	if err := s.listReach(ctx); err != nil {
		return err
	}
	if len(s.keys) == 0 {
		s.keys[s.line.CorrelationID] = true
	}
	for s.sweep(reading, s.likely) {
	}
	if len(s.found) == 0 || s.scattered {
		s.sweep(reading, anywhere)
	}
	if s.unanswered() {
		s.sweepLate(reading)
	}
	return context.Cause(ctx)
}

// limited is ctx with the limit on reading.
func (s *search) limited(ctx context.Context) (context.Context, context.CancelFunc) {
	limit := cmp.Or(s.cfg.Limit, DefaultLimit)
	if limit < 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, limit)
}

// prepare asks the cluster for its topics, and the claim store for claims, at the same time.
func (s *search) prepare(ctx context.Context) error {
	var meta kadm.Metadata
	var unclaimed error
	var both errgroup.Group
	both.Go(func() (err error) {
		meta, err = kadm.NewClient(s.cfg.Client).Metadata(ctx)
		return err
	})
	both.Go(func() error {
		if s.cfg.Claims == nil {
			unclaimed = errors.New("none is configured")
			return nil
		}
		s.claims, unclaimed = s.cfg.Claims.Lookup(ctx, s.line.CorrelationID)
		return nil
	})
	if err := both.Wait(); err != nil {
		return fmt.Errorf("list topics: %w", err)
	}
	if unclaimed != nil {
		s.unread("claim store: " + unclaimed.Error())
	}
	s.names = map[[16]byte]string{}
	for _, topic := range meta.Topics.Sorted() {
		s.names[topic.ID] = topic.Topic
		if _, is := events.RetryDelay(s.cfg.RetryPrefix, topic.Topic); is {
			s.retries = append(s.retries, topic.Topic)
		}
	}
	s.sweeper = &sweeper{
		client: s.cfg.Client, topics: meta.Topics, needle: newNeedle(s.line.CorrelationID), decompressor: kgo.DefaultDecompressor(),
	}
	return nil
}

func (s *search) unread(what ...string) { s.line.Unread = append(s.line.Unread, what...) }

// sourceOf is where an owner's record is; its topic's ID stands for the name of a topic that was deleted.
func (s *search) sourceOf(owner processor.Owner) events.Source {
	name := cmp.Or(s.names[owner.TopicID], fmt.Sprintf("%x", owner.TopicID))
	return events.Source{Topic: name, Partition: owner.Partition, Offset: owner.Offset}
}

// lookUp fetches an input record that something names.
func (s *search) lookUp(ctx context.Context, at events.Source) {
	if _, input := s.cfg.Inputs[at.Topic]; !input || s.named[at] || s.found[at] != nil {
		return
	}
	s.named[at] = true
	record, err := s.sweeper.record(ctx, at)
	switch {
	case err != nil:
		s.unread(at.String() + ": " + because(ctx, err))
	case record != nil:
		s.keep(record)
	}
}

// keep takes a record into the story, if it is about the correlation ID, and learns its key.
func (s *search) keep(record *kgo.Record) {
	e, ours := s.read(record)
	if !ours {
		return
	}
	s.found[sourceOf(record)] = record
	switch {
	case e.step.Kind == StepDuplicate || header(record, events.HeaderKeySize) != "": // a key of its own, or one that was cut
	case record.Key != nil:
		s.keys[string(record.Key)] = true
	default:
		s.scattered = true
	}
}

// sweep searches, within the window, the partitions that are wanted and were not searched before, and looks up the input records that
// what it finds names. It returns false if there was nothing to search.
func (s *search) sweep(ctx context.Context, wanted func(topic string, partition int32) bool) bool {
	var pieces []piece
	searched := false
	for _, topic := range s.topicsInOrder() {
		for _, partition := range s.sweeper.topics[topic].Partitions.Numbers() {
			at := topicPartition{topic, partition}
			if s.swept[at] || !wanted(topic, partition) {
				continue
			}
			s.swept[at], searched = true, true
			pieces = append(pieces, piece{topic: topic, partition: partition, span: s.reach[topic].inTime(partition)}.cut()...)
			if removed := s.reach[topic].removed(partition); removed > 0 {
				s.unread(fmt.Sprintf("%s[%d] below offset %d: removed by retention", topic, partition, removed))
			}
		}
	}
	s.take(ctx, pieces)
	return searched
}

// sweepLate searches what came after the deadline of what was published for events, where that was searched before.
func (s *search) sweepLate(ctx context.Context) {
	var pieces []piece
	for at := range s.swept {
		if _, input := s.cfg.Inputs[at.topic]; !input {
			pieces = append(pieces, piece{topic: at.topic, partition: at.partition, span: s.reach[at.topic].late(at.partition)}.cut()...)
		}
	}
	s.take(ctx, pieces)
}

// take sweeps pieces and keeps what they hold: of every partition the first piece first, or the last if it is not known when the ID was made.
func (s *search) take(ctx context.Context, pieces []piece) {
	slices.SortStableFunc(pieces, s.window.order)
	result := s.sweeper.sweep(ctx, pieces)
	s.line.Scanned += result.scanned
	for _, g := range merged(result.gaps) {
		s.unread(g.String())
	}
	for _, record := range result.found {
		s.keep(record)
	}
	for _, record := range result.found {
		if e, ours := s.read(record); ours {
			s.lookUp(ctx, e.source)
			s.lookUp(ctx, e.owner)
		}
	}
}
