package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

func topicsCommand() command {
	var size topicSize
	var execute, asJSON bool
	return command{
		name:    "topics",
		summary: "show the topics against what they should be, inputs included; with --execute create what is missing",
		examples: []string{
			"chargeresult topics",
			"chargeresult topics --partitions 12 --replication 3 --execute",
			"chargeresult topics --json | jq -r '.[] | select(.state != \"ok\") | .do'",
		},
		settings: true,
		needs:    []string{groupKafka},
		flags: func(fs *flag.FlagSet) {
			fs.BoolVar(&execute, "execute", false, "create the missing topics; nothing is ever altered or deleted (without it: a dry run)")
			fs.BoolVar(&asJSON, "json", false, "print JSON")
			fs.IntVar(&size.partitions, "partitions", 0, "at least so `many` partitions (0: the broker's default to create, any number otherwise)")
			fs.IntVar(&size.replication, "replication", 0, "at least so `many` replicas (0: the broker's default to create, any number otherwise)")
		},
		run: func(ctx context.Context, in invocation) error {
			if wrong := size.faults(); len(wrong) > 0 {
				return wrong
			}
			rows, err := reviewTopics(ctx, in.cfg, size, execute)
			if rows == nil {
				return err
			}
			write := writeTopics
			if asJSON {
				write = writeJSON[[]topicRow]
			}
			return errors.Join(err, write(in.stdout, rows), notAllRight(rows))
		},
	}
}

func (s topicSize) faults() (wrong faults) {
	if s.partitions < 0 || s.partitions > 100_000 {
		wrong = append(wrong, fault{Name: "--partitions", Value: strconv.Itoa(s.partitions), Problem: "expected 0 to 100000"})
	}
	if s.replication < 0 || s.replication > 100 {
		wrong = append(wrong, fault{Name: "--replication", Value: strconv.Itoa(s.replication), Problem: "expected 0 to 100"})
	}
	return wrong
}

// reviewTopics compares the topics with what they should be and, if execute is true, creates the missing ones. Rows are complete even
// if some could not be created.
func reviewTopics(ctx context.Context, c config, size topicSize, execute bool) ([]topicRow, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, kafkaAnswerTimeout, errors.New("Kafka did not answer within "+kafkaAnswerTimeout.String()))
	defer cancel()
	admin, err := openAdmin(ctx, c)
	if err != nil {
		return nil, err
	}
	defer admin.Close()
	found, err := describeTopics(ctx, admin, topicNames(c)...)
	if err != nil {
		return nil, err
	}
	rows := planTopics(c, size, found)
	if !execute {
		return rows, nil
	}
	wanted := wantedTopics(c, found)
	var failed []error
	for i := range rows {
		if rows[i].State != topicMissing {
			continue
		}
		if err := createTopic(ctx, admin, size, wanted[i]); err != nil {
			failed = append(failed, err)
			continue
		}
		rows[i].State, rows[i].Do = topicCreated, ""
	}
	if len(failed) > 0 {
		return rows, errors.Join(failed...)
	}
	return rows, awaitTopics(ctx, admin, topicNames(c))
}

// awaitTopics waits until a broker knows the topics. The controller confirms a topic before the brokers have heard of it, so that
// what is run next might miss it.
func awaitTopics(ctx context.Context, admin *kadm.Client, names []string) error {
	again := time.NewTicker(metadataAge)
	defer again.Stop()
	for {
		found, err := describeTopics(ctx, admin, names...)
		if err != nil || len(found) == len(names) {
			return err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return fmt.Errorf("waiting for brokers to know the topics that were created: %w", context.Cause(ctx))
		}
	}
}

func createTopic(ctx context.Context, admin *kadm.Client, size topicSize, w wantedTopic) error {
	partitions, replication := int32(-1), int16(-1) // the broker's defaults
	if size.partitions > 0 {
		partitions = int32(size.partitions)
	}
	if size.replication > 0 {
		replication = int16(size.replication)
	}
	configs := map[string]*string{}
	for _, r := range w.rules {
		configs[r.key] = kadm.StringPtr(r.set)
	}
	if _, err := admin.CreateTopic(ctx, partitions, replication, configs, w.name); err != nil {
		return fmt.Errorf("creating topic %s: %w", w.name, err)
	}
	return nil
}

// topicNames are all topics of the processor.
func topicNames(c config) []string {
	return append([]string{c.TopicRequested, c.TopicCancelled, c.TopicResult, c.TopicDeadLetter, c.TopicDuplicates}, scheduledTopics(c)...)
}

func notAllRight(rows []topicRow) error {
	var wrong []string
	for _, r := range rows {
		if r.State == topicMissing || r.State == topicDiffers {
			wrong = append(wrong, r.Topic+" "+r.State)
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	hint := ""
	if slices.ContainsFunc(rows, func(r topicRow) bool { return r.State == topicMissing }) {
		hint = "; --execute creates what is missing"
	}
	return fmt.Errorf("topics %w: %s%s", errDiffers, strings.Join(wrong, ", "), hint)
}

func writeTopics(w io.Writer, rows []topicRow) error {
	table := newTable(w)
	fmt.Fprintln(table, "TOPIC\tSTATE\tPARTITIONS\tREPLICAS\tSETTING\tFOUND\tWANTED")
	for _, r := range rows {
		head := fmt.Sprintf("%s\t%s\t%s\t%s", r.Topic, r.State, count(r.Partitions), count(r.Replication))
		for _, s := range r.Settings {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", head, s.Key, orDash(s.Found), s.Want)
			head = "\t\t\t"
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, r := range rows {
		if r.Do != "" {
			fmt.Fprintf(w, "\n%s %s. To mend it by hand:\n  %s\n", r.Topic, r.State, r.Do)
		}
	}
	return nil
}

func count(n int) string {
	if n == 0 {
		return "-"
	}
	return strconv.Itoa(n)
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
