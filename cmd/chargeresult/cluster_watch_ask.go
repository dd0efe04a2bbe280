package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"golang.org/x/sync/errgroup"

	"github.com/chargeresult/chargeresult/processor/console"
)

// clusterFacts is what the cluster said in one round. Where an answer is missing, the rest is there.
type clusterFacts struct {
	asOf         time.Time
	logs         map[partitionID]logFacts // of input and retry topics
	committed    map[partitionID]int64    // the group's offsets
	members      map[partitionID]string   // who has it
	transactions []console.OpenTransaction
	deadLetters  int64
	missing      error // what could not be found out
}

// logFacts is how far a partition reaches.
type logFacts struct {
	start, end int64 // end is the last stable offset
	err        error // why that is not known
}

// askCluster puts all questions of a round at once. Only where the logs end and what the group has committed is indispensable.
func askCluster(ctx context.Context, c *cluster, transactionalID string) (clusterFacts, error) {
	var facts clusterFacts
	var noLogs, errLogs, errCommitted, errMembers, errTransactions error
	topics := topicsOf(c.cfg)
	read := slices.Concat(topics.Input(), c.waiting)
	var all errgroup.Group
	all.Go(func() error {
		facts.logs, facts.deadLetters, errLogs = askLogs(ctx, c.admin, read, topics.DeadLetter)
		if len(facts.logs) == 0 {
			noLogs, errLogs = errLogs, nil
		}
		return nil
	})
	all.Go(func() error { facts.committed, errCommitted = askCommitted(ctx, c.admin, c.cfg.KafkaGroup); return nil })
	all.Go(func() error { facts.members, errMembers = askMembers(ctx, c.admin, c.cfg.KafkaGroup); return nil })
	all.Go(func() error {
		written := append(read, topics.Result, topics.DeadLetter, topics.Duplicates)
		facts.transactions, errTransactions = askTransactions(ctx, c.admin, written, transactionalID)
		return nil
	})
	_ = all.Wait()
	facts.missing = errors.Join(errLogs, errMembers, errTransactions)
	return facts, errors.Join(noLogs, errCommitted)
}

// askLogs returns how far the partitions of topics reach, and how many records there are in the topic of dead letters. With an error it returns
// those that answered.
func askLogs(ctx context.Context, admin *kadm.Client, topics []string, deadLetter string) (map[partitionID]logFacts, int64, error) {
	asked := append(slices.Clone(topics), deadLetter)
	starts, errStarts := admin.ListStartOffsets(ctx, asked...)
	ends, errEnds := admin.ListCommittedOffsets(ctx, asked...)
	logs, deadLetters := map[partitionID]logFacts{}, int64(0)
	ends.Each(func(end kadm.ListedOffset) {
		start, answered := starts.Lookup(end.Topic, end.Partition)
		switch facts := (logFacts{start.Offset, end.Offset, cmp.Or(end.Err, start.Err)}); {
		case end.Partition < 0 || !answered: // the topic does not exist, or the leader is away
		case end.Topic != deadLetter:
			logs[partitionID{end.Topic, end.Partition}] = facts
		case facts.err == nil:
			deadLetters += end.Offset - start.Offset
		}
	})
	if err := cmp.Or(errEnds, errStarts); err != nil {
		return logs, deadLetters, fmt.Errorf("how far partitions reach: %w", err)
	}
	return logs, deadLetters, nil
}

func askCommitted(ctx context.Context, admin *kadm.Client, group string) (map[partitionID]int64, error) {
	offsets, err := admin.FetchOffsets(ctx, group)
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		return nil, fmt.Errorf("what group %s has committed: %w", group, err)
	}
	committed := map[partitionID]int64{}
	offsets.Each(func(o kadm.OffsetResponse) {
		if o.Err == nil {
			committed[partitionID{o.Topic, o.Partition}] = o.At
		}
	})
	return committed, nil
}

// askMembers returns who has which partition.
func askMembers(ctx context.Context, admin *kadm.Client, group string) (map[partitionID]string, error) {
	groups, err := admin.DescribeGroups(ctx, group)
	if err == nil {
		err = groups[group].Err
	}
	if errors.Is(err, kerr.GroupIDNotFound) {
		err = nil
	}
	if err != nil {
		return nil, fmt.Errorf("who is in group %s: %w", group, err)
	}
	members := map[partitionID]string{}
	for _, m := range groups[group].Members {
		assigned, ok := m.Assigned.AsConsumer()
		if !ok {
			continue
		}
		name := m.ClientID
		if m.InstanceID != nil {
			name += " " + *m.InstanceID
		}
		name += " at " + strings.TrimPrefix(m.ClientHost, "/")
		for _, t := range assigned.Topics {
			for _, number := range t.Partitions {
				members[partitionID{t.Topic, number}] = name
			}
		}
	}
	return members, nil
}

// askTransactions returns the transactions on the topics that have not ended, the oldest first. With an error it returns what it could find out.
func askTransactions(ctx context.Context, admin *kadm.Client, topics []string, ours string) ([]console.OpenTransaction, error) {
	var set kadm.TopicsSet
	for _, topic := range topics {
		set.Add(topic)
	}
	producers, err := admin.DescribeProducers(ctx, set)
	if err != nil {
		err = fmt.Errorf("which transactions are open: %w", err)
	}
	open := map[int64]*console.OpenTransaction{}
	for _, p := range producers.SortedProducers() {
		if p.CurrentTxnStartOffset < 0 {
			continue
		}
		t := open[p.ProducerID]
		if t == nil {
			t = &console.OpenTransaction{ProducerID: p.ProducerID}
			open[p.ProducerID] = t
		}
		t.Partitions = append(t.Partitions, fmt.Sprintf("%s/%d", p.Topic, p.Partition))
		t.Since = earlier(t.Since, p.LastTimestamp)
	}
	if len(open) == 0 {
		return nil, err
	}
	if unnamed := nameTransactions(ctx, admin, open, ours); unnamed != nil {
		err = errors.Join(err, fmt.Errorf("whose transactions are open: %w", unnamed))
	}
	list := make([]console.OpenTransaction, 0, len(open))
	for _, t := range open {
		list = append(list, *t)
	}
	slices.SortFunc(list, func(a, b console.OpenTransaction) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.ProducerID, b.ProducerID))
	})
	return list, err
}

// nameTransactions asks the coordinators whose the transactions are and since when. One that a coordinator knows nothing of, though a
// partition does, is one that hangs: it stays without a name.
func nameTransactions(ctx context.Context, admin *kadm.Client, open map[int64]*console.OpenTransaction, ours string) error {
	listed, errList := admin.ListTransactions(ctx, slices.Collect(maps.Keys(open)), nil)
	if len(listed) == 0 {
		return errList // to describe none is to describe all
	}
	for _, l := range listed {
		if t := open[l.ProducerID]; t != nil {
			t.TransactionalID, t.Ours = l.TxnID, l.TxnID == ours
		}
	}
	described, errDescribe := admin.DescribeTransactions(ctx, listed.TransactionalIDs()...)
	for _, d := range described {
		if t := open[d.ProducerID]; t != nil && d.Err == nil {
			t.Since = earlier(t.Since, d.StartTimestamp)
		}
	}
	return cmp.Or(errList, errDescribe)
}

// earlier returns the earlier of a time and one in milliseconds since 1970; what is not above 0, or zero, is none.
func earlier(t time.Time, ms int64) time.Time {
	if at := time.UnixMilli(ms).UTC(); ms > 0 && (t.IsZero() || at.Before(t)) {
		return at
	}
	return t
}
