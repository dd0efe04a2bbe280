package main

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"
)

const (
	// retentionMargin is how much longer than the claims their records are kept: time to notice and rebuild.
	retentionMargin = 24 * time.Hour
	// deadLetterRetention is how long people have to redrive a dead letter, at least.
	deadLetterRetention = 30 * 24 * time.Hour
	// defaultMaxMessageBytes is what Kafka takes for max.message.bytes where nothing is said.
	defaultMaxMessageBytes = 1_048_588
)

// wantedTopic is a topic as the program wants it.
type wantedTopic struct {
	name  string
	rules []rule
}

// wantedTopics are all topics of the processor, the inputs included. What the dead letters must hold depends on the inputs found.
func wantedTopics(c config, found map[string]topicFacts) []wantedTopic {
	largest := int64(0)
	for _, input := range []string{c.TopicRequested, c.TopicCancelled} {
		n, _ := strconv.ParseInt(found[input].Configs["max.message.bytes"], 10, 64)
		largest = max(largest, n)
	}
	largest = cmp.Or(largest, defaultMaxMessageBytes)
	kept := keptFor(c.DedupTTL + retentionMargin)
	wanted := []wantedTopic{
		{c.TopicRequested, []rule{notCompacted(), kept}},
		{c.TopicCancelled, []rule{notCompacted(), kept}},
		{c.TopicResult, []rule{notCompacted(), kept}},
		{c.TopicDeadLetter, []rule{notCompacted(), keptFor(max(deadLetterRetention, c.DedupTTL+retentionMargin)), roomFor(2 * largest)}},
		{c.TopicDuplicates, []rule{notCompacted(), kept}},
	}
	waits := []rule{notCompacted(), keptFor(c.RetryDeadline + c.DedupTTL), roomFor(defaultMaxMessageBytes)}
	for _, name := range scheduledTopics(c) {
		wanted = append(wanted, wantedTopic{name, waits})
	}
	return wanted
}

// The states of a topic.
const (
	topicOK      = "ok"
	topicMissing = "missing"
	topicDiffers = "differs"
	topicCreated = "created"
)

// topicRow is one topic, as it is and as it should be.
type topicRow struct {
	Topic       string        `json:"topic"`
	State       string        `json:"state"` // ok, missing, differs or created
	Partitions  int           `json:"partitions,omitempty"`
	Replication int           `json:"replication,omitempty"`
	Settings    []settingDiff `json:"settings"`
	Do          string        `json:"do,omitempty"` // the command that would make it right
}

// settingDiff is one setting of a topic, as it is and as it should be.
type settingDiff struct {
	Key   string `json:"key"`
	Found string `json:"found,omitempty"`
	Want  string `json:"want"`
	OK    bool   `json:"ok"`
}

// topicSize is how many partitions and replicas are wanted; 0: what the broker's defaults say, and any number is right.
type topicSize struct{ partitions, replication int }

// planTopics compares the topics found with those wanted.
func planTopics(c config, size topicSize, found map[string]topicFacts) []topicRow {
	var rows []topicRow
	for _, w := range wantedTopics(c, found) {
		facts, exists := found[w.name]
		if !exists {
			rows = append(rows, missingTopic(c, size, w))
			continue
		}
		rows = append(rows, compareTopic(c, size, w, facts))
	}
	return rows
}

func missingTopic(c config, size topicSize, w wantedTopic) topicRow {
	row := topicRow{Topic: w.name, State: topicMissing, Do: kafkaTool("kafka-topics", c) + " --create --topic " + w.name}
	if size.partitions > 0 {
		row.Do += fmt.Sprintf(" --partitions %d", size.partitions)
	}
	if size.replication > 0 {
		row.Do += fmt.Sprintf(" --replication-factor %d", size.replication)
	}
	for _, r := range w.rules {
		row.Settings = append(row.Settings, settingDiff{Key: r.key, Want: r.want})
		row.Do += " --config " + r.key + "=" + r.set
	}
	return row
}

func compareTopic(c config, size topicSize, w wantedTopic, facts topicFacts) topicRow {
	row := topicRow{Topic: w.name, State: topicOK, Partitions: facts.Partitions, Replication: facts.Replication}
	var change, do []string
	for _, r := range w.rules {
		ok := facts.follows(r)
		row.Settings = append(row.Settings, settingDiff{Key: r.key, Found: facts.found(r), Want: r.want, OK: ok})
		if !ok {
			change = append(change, r.key+"="+r.set)
		}
	}
	if len(change) > 0 {
		do = append(do, kafkaTool("kafka-configs", c)+" --alter --entity-type topics --entity-name "+w.name+" --add-config "+strings.Join(change, ","))
	}
	if size.partitions > facts.Partitions {
		row.Settings = append(row.Settings, settingDiff{Key: "partitions", Found: strconv.Itoa(facts.Partitions), Want: "at least " + strconv.Itoa(size.partitions)})
		do = append(do, kafkaTool("kafka-topics", c)+fmt.Sprintf(" --alter --topic %s --partitions %d (moves keys to other partitions: their order is lost across the change)", w.name, size.partitions))
	}
	if size.replication > facts.Replication {
		row.Settings = append(row.Settings, settingDiff{Key: "replication", Found: strconv.Itoa(facts.Replication), Want: "at least " + strconv.Itoa(size.replication)})
		do = append(do, kafkaTool("kafka-reassign-partitions", c)+" --execute --reassignment-json-file FILE (a file that lists the new replicas)")
	}
	if len(do) > 0 {
		row.State, row.Do = topicDiffers, strings.Join(do, "; ")
	}
	return row
}

// kafkaTool is how one of Kafka's own tools is called for this cluster.
func kafkaTool(name string, c config) string {
	return name + ".sh --bootstrap-server " + strings.Join(c.KafkaBrokers, ",")
}
