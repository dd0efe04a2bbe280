package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"
	"time"

	"github.com/chargeresult/chargeresult/processor/replay"
)

func inspectCommand() command {
	var asJSON, all bool
	var since string
	var limit time.Duration
	return command{
		name:    "inspect",
		args:    "ID",
		summary: "tell the story of one correlation ID, from Kafka and Redis; exit code 1 if nothing of it is found",
		examples: []string{
			"chargeresult inspect 261122103000-00000a1",
			"chargeresult inspect 261122103000-00000a1 --all        # however long it takes, if it says that not everything was read",
			"chargeresult inspect 261122103000-00000a1 --since 72h  # where its event came on another day than the ID says",
			"chargeresult inspect 261122103000-00000a1 --json | jq -r '.transactions[] | [.operation, .state, .summary] | @tsv'",
		},
		settings: true,
		needs:    []string{groupKafka},
		flags: func(fs *flag.FlagSet) {
			fs.BoolVar(&asJSON, "json", false, "print JSON")
			fs.DurationVar(&limit, "limit", replay.DefaultLimit, "read for so `long` at most")
			fs.BoolVar(&all, "all", false, "read for as long as it takes")
			fs.StringVar(&since, "since", "", "read all from this `time` on (RFC 3339, or a duration ago such as 72h), whatever time the ID holds")
		},
		run: func(ctx context.Context, in invocation) error {
			from, wrong := inspectFlags(in, since, limit)
			if len(wrong) > 0 {
				return wrong
			}
			if all {
				limit = -1
			}
			line, err := inspect(ctx, in.cfg, in.args[0], from, limit)
			if err != nil {
				return err
			}
			if asJSON {
				return errors.Join(writeJSON(in.stdout, line), notFound(line))
			}
			if err := notFound(line); err != nil {
				return err
			}
			return writeTimeline(in.stdout, line)
		},
	}
}

func inspectFlags(in invocation, since string, limit time.Duration) (from time.Time, wrong faults) {
	if len(in.args) != 1 {
		wrong = append(wrong, fault{Name: "inspect", Value: strings.Join(in.args, " "), Problem: "expected one correlation ID"})
	} else if problem := malformedID(in.cfg, in.args[0]); problem != "" {
		wrong = append(wrong, fault{Name: "inspect", Value: in.args[0], Problem: problem})
	}
	if limit <= 0 {
		wrong = append(wrong, fault{Name: "--limit", Value: limit.String(), Problem: "expected a duration such as 10s, or --all instead"})
	}
	from, ok := instant(since, time.Now())
	if !ok {
		wrong = append(wrong, fault{Name: "--since", Value: since, Problem: "expected a time (RFC 3339) or a duration ago such as 72h"})
	}
	return from, wrong
}

func inspect(ctx context.Context, c config, id string, since time.Time, limit time.Duration) (replay.Timeline, error) {
	if err := awaitKafka(ctx, c); err != nil {
		return replay.Timeline{}, err
	}
	f, err := newFinder(c, since, limit)
	if err != nil {
		return replay.Timeline{}, err
	}
	defer f.close()
	return f.Find(ctx, id)
}

// notFound says what to try where there is no story.
func notFound(line replay.Timeline) error {
	if len(line.Transactions) > 0 {
		return nil
	}
	when := "since " + line.From.UTC().Format(time.RFC3339)
	if line.From.IsZero() {
		when = "in the topics"
	}
	text := fmt.Sprintf("nothing of %s was found %s, among %d records", line.CorrelationID, when, line.Scanned)
	if line.Complete {
		return errors.New(text + ": check the ID, and kafka-group and the topics (`chargeresult config`); " +
			"an event of another day than the ID says is found with --since, and one that retention removed is not")
	}
	return fmt.Errorf("%s, but not everything was read (--all reads for as long as it takes):%s", text, listed(line.Unread))
}
