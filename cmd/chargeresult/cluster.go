package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// kafkaAnswerTimeout is how long a command waits for all that it asks the cluster.
const kafkaAnswerTimeout = 15 * time.Second

// metadataAge is how old what is said of topics may be: short, since the answer changes when topics have just been created.
const metadataAge = 100 * time.Millisecond

// topicFacts is what the cluster says of one topic.
type topicFacts struct {
	Partitions  int
	Replication int               // of the partition with the fewest replicas
	Configs     map[string]string // every setting of the topic, defaults included; nil if they could not be read
	ConfigsErr  error             // why Configs could not be read
}

// openAdmin connects an administrator and finds out whether any broker answers. Whoever opens it closes it.
func openAdmin(ctx context.Context, c config) (*kadm.Client, error) {
	options, err := kafkaOptions(c)
	if err != nil {
		return nil, err
	}
	client, err := kgo.NewClient(append(options, kgo.MetadataMinAge(metadataAge))...)
	if err != nil {
		return nil, fmt.Errorf("connecting to Kafka: %w", err)
	}
	if err := client.Ping(ctx); err != nil {
		client.Close()
		return nil, fmt.Errorf("no broker of %v answers: %w", c.KafkaBrokers, err)
	}
	return kadm.NewClient(client), nil
}

// describeTopics returns the facts of those of the named topics that exist.
func describeTopics(ctx context.Context, admin *kadm.Client, names ...string) (map[string]topicFacts, error) {
	details, err := admin.ListTopicsWithInternal(ctx, names...)
	if err != nil {
		return nil, fmt.Errorf("listing topics: %w", err)
	}
	found := map[string]topicFacts{}
	var wrong []error
	for _, t := range details.Sorted() {
		switch {
		case errors.Is(t.Err, kerr.UnknownTopicOrPartition):
		case t.Err != nil:
			wrong = append(wrong, fmt.Errorf("listing topic %s: %w", t.Topic, t.Err))
		default:
			found[t.Topic] = topicFacts{Partitions: len(t.Partitions), Replication: t.Partitions.NumReplicas()}
		}
	}
	if len(wrong) > 0 || len(found) == 0 {
		return found, errors.Join(wrong...)
	}
	return found, describeConfigs(ctx, admin, found)
}

// describeConfigs fills in the topics' settings.
func describeConfigs(ctx context.Context, admin *kadm.Client, topics map[string]topicFacts) error {
	var names []string
	for name := range topics {
		names = append(names, name)
	}
	resources, err := admin.DescribeTopicConfigs(ctx, names...)
	if err != nil {
		return fmt.Errorf("describing the settings of topics: %w", err)
	}
	for _, r := range resources {
		facts := topics[r.Name]
		facts.ConfigsErr = r.Err
		if r.Err == nil {
			facts.Configs = map[string]string{}
			for _, entry := range r.Configs {
				facts.Configs[entry.Key] = entry.MaybeValue()
			}
		}
		topics[r.Name] = facts
	}
	return nil
}

// rule is what a setting of a topic must be.
type rule struct {
	key  string // of the topic's setting
	want string // as people read it
	set  string // a value that fulfils it
	ok   func(found string) bool
}

func notCompacted() rule {
	return rule{"cleanup.policy", "delete", "delete", func(found string) bool { return found == "delete" }}
}

// keptFor wants records kept for at least d, or for ever.
func keptFor(d time.Duration) rule {
	ms := strconv.FormatInt(d.Milliseconds(), 10)
	return rule{"retention.ms", "at least " + ms + " (" + short(d) + "), or -1", ms, func(found string) bool {
		n, err := strconv.ParseInt(found, 10, 64)
		return err == nil && (n == -1 || n >= d.Milliseconds())
	}}
}

func roomFor(bytes int64) rule {
	text := strconv.FormatInt(bytes, 10)
	return rule{"max.message.bytes", "at least " + text, text, func(found string) bool {
		n, err := strconv.ParseInt(found, 10, 64)
		return err == nil && n >= bytes
	}}
}

// found is what the topic has under the rule's key, as people read it.
func (f topicFacts) found(r rule) string {
	if f.ConfigsErr != nil {
		return "unknown: " + f.ConfigsErr.Error()
	}
	return f.Configs[r.key]
}

// follows reports whether the topic is as the rule wants it. A topic whose settings could not be read is not: no rule takes nothing for an answer.
func (f topicFacts) follows(r rule) bool { return r.ok(f.Configs[r.key]) }
