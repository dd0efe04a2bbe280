package replay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/chargeresult/chargeresult/events"
)

const (
	anyZone   = 24 * time.Hour // how far a local time may be from the same in UTC, and an event from its ID
	clockSkew = time.Hour      // how much earlier than its event what came of it may seem to be: their clocks differ
)

// TimeOf is when a correlation ID of 20 characters (yyMMddHHmmss-xxxxxxx) says that it was made, as if its zone were UTC. It is false for any other ID.
func TimeOf(correlationID string) (time.Time, bool) {
	const layout = "060102150405"
	if len(correlationID) != len(layout)+len("-xxxxxxx") || correlationID[len(layout)] != '-' {
		return time.Time{}, false
	}
	for _, c := range []byte(correlationID[len(layout)+1:]) {
		if (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'f') {
			return time.Time{}, false
		}
	}
	t, err := time.Parse(layout, correlationID[:len(layout)])
	return t, err == nil
}

// window is when records are looked for. A zero time is no bound.
type window struct {
	from    time.Time
	until   time.Time // for input records
	outputs time.Time // for what came of them
}

// windowOf is around the owners' records, as far as they were found, and around the correlation ID's own time.
func (s *search) windowOf() (w window) {
	if !s.cfg.Since.IsZero() {
		return window{from: s.cfg.Since}
	}
	made, dated := TimeOf(s.id)
	charge := false
	for at, r := range s.found {
		back := anyZone // its charge came before
		if s.cfg.Inputs[at.Topic] == events.Charge {
			charge, back = true, clockSkew
		}
		w.widen(r.Timestamp.Add(-back), r.Timestamp.Add(anyZone))
	}
	switch {
	case dated && !charge:
		w.widen(made.Add(-anyZone), made.Add(anyZone))
	case dated:
		w.widen(w.from, made.Add(anyZone))
	}
	if w.from.Before(time.UnixMilli(0)) {
		w.from = time.Time{}
	}
	if !w.until.IsZero() {
		w.outputs = w.until.Add(s.cfg.Deadline)
	}
	return w
}

func (w *window) widen(from, until time.Time) {
	if w.from.IsZero() || from.Before(w.from) {
		w.from = from
	}
	if until.After(w.until) {
		w.until = until
	}
}

// order is in which order pieces are searched.
func (w window) order(a, b piece) int {
	if w.from.IsZero() {
		return cmp.Compare(a.behind, b.behind)
	}
	return cmp.Compare(a.before, b.before)
}

// reach is where a topic's partitions begin and end, and which offsets are within the window.
type reach struct{ start, from, until, end map[int32]int64 }

func (r reach) inTime(partition int32) span { return span{r.from[partition], r.until[partition]} }
func (r reach) late(partition int32) span   { return span{r.until[partition], r.end[partition]} }

// removed is up to where a partition is removed, if records of the window may have been below; else 0.
func (r reach) removed(partition int32) int64 {
	if start := r.start[partition]; r.from[partition] == start {
		return start
	}
	return 0
}

// topicsInOrder are the topics to search, those that tell most first.
func (s *search) topicsInOrder() []string {
	return slices.Concat([]string{s.cfg.Result}, s.retries, []string{s.cfg.DeadLetter}, slices.Sorted(maps.Keys(s.cfg.Inputs)), []string{s.cfg.Duplicates})
}

// until is up to when records of a topic are looked for. Duplicates may come as long as the claim lives, and a dead letter has its event's time, which
// others' are before and after.
func (s *search) until(topic string) time.Time {
	if _, input := s.cfg.Inputs[topic]; input {
		return s.window.until
	}
	if topic == s.cfg.DeadLetter || topic == s.cfg.Duplicates {
		return time.Time{}
	}
	return s.window.outputs
}

// listReach asks for the offsets of the window, of all topics at once.
func (s *search) listReach(ctx context.Context) error {
	var names []string
	byUntil := map[time.Time][]string{}
	for _, topic := range s.topicsInOrder() {
		if details, exists := s.sweeper.topics[topic]; !exists || errors.Is(details.Err, kerr.UnknownTopicOrPartition) {
			s.unread(topic + ": there is no such topic")
			continue
		}
		names = append(names, topic)
		byUntil[s.until(topic)] = append(byUntil[s.until(topic)], topic)
	}
	if s.reach = map[string]reach{}; len(names) == 0 {
		return nil // to be asked about no topic is, for an administrator, to be asked about all of them
	}
	admin := kadm.NewClient(s.cfg.Client)
	var asked errgroup.Group
	var starts, froms, ends kadm.ListedOffsets
	untils := make(map[time.Time]*kadm.ListedOffsets)
	ask := func(into *kadm.ListedOffsets, what listing, topics []string) {
		asked.Go(func() (err error) {
			*into, err = list(ctx, what, true, topics)
			return err
		})
	}
	ask(&starts, admin.ListStartOffsets, names)
	ask(&ends, admin.ListEndOffsets, names)
	ask(&froms, notBefore(admin, s.window.from, admin.ListStartOffsets), names)
	for until, topics := range byUntil {
		untils[until] = new(kadm.ListedOffsets)
		ask(untils[until], notBefore(admin, until, admin.ListEndOffsets), topics)
	}
	if err := asked.Wait(); err != nil {
		return fmt.Errorf("read where topics begin and end: %w", err)
	}
	for _, topic := range names {
		s.reach[topic] = reach{offsets(starts, topic), offsets(froms, topic), offsets(*untils[s.until(topic)], topic), offsets(ends, topic)}
	}
	return nil
}

// notBefore is where records of a time begin, or what is asked instead where there is no such bound.
func notBefore(admin *kadm.Client, t time.Time, unbounded listing) listing {
	if t.IsZero() {
		return unbounded
	}
	return since(admin, t)
}

func offsets(listed kadm.ListedOffsets, topic string) map[int32]int64 {
	at := map[int32]int64{}
	for partition, o := range listed[topic] {
		at[partition] = o.Offset
	}
	return at
}

// likely says whether a partition is one in which the keys that are known are, or all of whose keys are others.
func (s *search) likely(topic string, partition int32) bool {
	if topic == s.cfg.Duplicates {
		return true
	}
	for at := range s.found {
		if at.Topic == topic && at.Partition == partition {
			return true
		}
	}
	partitions := len(s.sweeper.topics[topic].Partitions)
	for key := range s.keys {
		if partitionOf(key, partitions) == partition {
			return true
		}
	}
	return false
}

func anywhere(string, int32) bool { return true }

// partitionOf is where the partitioner of Java's client, and ours, puts a key.
func partitionOf(key string, partitions int) int32 {
	return int32(kgo.StickyKeyPartitioner(nil).ForTopic("").Partition(&kgo.Record{Key: []byte(key)}, partitions))
}

// merged joins the gaps of pieces that follow on each other.
func merged(gaps []gap) (joined []gap) {
	slices.SortFunc(gaps, func(a, b gap) int {
		return cmp.Or(cmp.Compare(a.topic, b.topic), cmp.Compare(a.partition, b.partition), cmp.Compare(a.from, b.from))
	})
	for _, g := range gaps {
		if n := len(joined) - 1; n >= 0 {
			if last := &joined[n]; last.topic == g.topic && last.partition == g.partition && last.to == g.from && last.why == g.why {
				last.to = g.to
				continue
			}
		}
		joined = append(joined, g)
	}
	return joined
}
