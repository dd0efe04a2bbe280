package main

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/chargeresult/chargeresult/processor"
	"github.com/chargeresult/chargeresult/processor/stream"
)

// cluster is what the processor has to know of Kafka beside what it reads: which cluster it is, which topics, and whether this group ever worked here.
type cluster struct {
	cfg      config
	admin    *kadm.Client
	id       string
	topicIDs map[string][16]byte   // of the input topics
	existing map[[16]byte]struct{} // the IDs of all topics that we may see
	waiting  []string              // the retry topics, those of earlier schedules included
}

func openCluster(ctx context.Context, c config) (*cluster, error) {
	ctx, cancel := context.WithTimeout(ctx, kafkaAnswerTimeout)
	defer cancel()
	admin, err := openAdmin(ctx, c)
	if err != nil {
		return nil, err
	}
	inputs := topicsOf(c).Input()
	meta, err := admin.Metadata(ctx) // of all topics
	var waiting []string
	if err == nil {
		waiting, err = retryTopics(ctx, admin, c)
	}
	if err != nil {
		admin.Close()
		return nil, fmt.Errorf("read the cluster's topics: %w", err)
	}
	cl := &cluster{cfg: c, admin: admin, id: meta.Cluster, topicIDs: map[string][16]byte{}, existing: map[[16]byte]struct{}{}, waiting: waiting}
	for _, topic := range meta.Topics {
		cl.existing[topic.ID] = struct{}{}
	}
	for _, topic := range inputs {
		cl.topicIDs[topic] = meta.Topics[topic].ID
	}
	return cl, nil
}

func (c *cluster) close() { c.admin.Close() }

// firstStart says whether the group has never committed anything.
func (c *cluster) firstStart(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, kafkaAnswerTimeout)
	defer cancel()
	known, err := stream.HasCommits(ctx, c.admin, c.cfg.KafkaGroup)
	return !known, err
}

// gone says whether a record can never be read again, because its topic was deleted. A record of a topic that another instance may still
// read is not gone, and neither is one that retention removed: whoever fetched it before may be at work on it, and whoever took it
// over would publish a second result.
func (c *cluster) gone(o processor.Owner) bool {
	_, exists := c.existing[o.TopicID]
	return !exists
}
