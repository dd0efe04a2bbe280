package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor/replay"
)

func reconcileCommand() command {
	var asJSON bool
	var limit int
	var since string
	return command{
		name:    "reconcile",
		summary: "account for every event the group has finished, from Kafka alone; exit code 1 if it does not add up, naming transactions",
		examples: []string{
			"chargeresult reconcile",
			"chargeresult reconcile --since 2026-11-22T00:00:00Z    # where the group began at the end of the topics, or was moved forward",
			"chargeresult reconcile --json | jq -r '.faults[] | [.kind, .correlationId] | @tsv'",
		},
		settings: true,
		needs:    []string{groupKafka},
		flags: func(fs *flag.FlagSet) {
			fs.BoolVar(&asJSON, "json", false, "print JSON")
			fs.StringVar(&since, "since", "", "don't call an event missing that is older than this `time` (RFC 3339, or a duration ago such as 72h)")
			fs.IntVar(&limit, "limit", 100, "name at most so `many` of what does not add up")
		},
		run: func(ctx context.Context, in invocation) error {
			var wrong faults
			if limit < 1 || limit > 1_000_000 {
				wrong = append(wrong, fault{Name: "--limit", Value: strconv.Itoa(limit), Problem: "expected 1 to 1000000"})
			}
			from, ok := instant(since, time.Now())
			if !ok {
				wrong = append(wrong, fault{Name: "--since", Value: since, Problem: "expected a time (RFC 3339) or a duration ago such as 72h"})
			}
			if len(wrong) > 0 {
				return wrong
			}
			account, err := reconcile(ctx, in.cfg, from, limit, progressLine(in.stderr))
			if err != nil {
				return err
			}
			write := writeAccount
			if asJSON {
				write = writeJSON[replay.Account]
			}
			return errors.Join(write(in.stdout, account), unbalanced(account))
		},
	}
}

// instant reads a time, or how long before now it was; empty is the zero time.
func instant(text string, now time.Time) (time.Time, bool) {
	if text == "" {
		return time.Time{}, true
	}
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return now.Add(-ago), true
	}
	t, err := time.Parse(time.RFC3339, text)
	return t, err == nil
}

func reconcile(ctx context.Context, c config, since time.Time, limit int, progress func(done, total int64)) (replay.Account, error) {
	decoder, err := events.NewDecoder(fieldsOf(c))
	if err != nil {
		return replay.Account{}, err
	}
	options, err := kafkaOptions(c)
	if err != nil {
		return replay.Account{}, err
	}
	if err := awaitKafka(ctx, c); err != nil {
		return replay.Account{}, err
	}
	return replay.Reconcile(ctx, replay.ReconcileConfig{
		Client: options, Group: c.KafkaGroup, Decoder: decoder, Since: since, Limit: limit, Progress: progress,
		Inputs: map[string]events.Operation{c.TopicRequested: events.Charge, c.TopicCancelled: events.Cancellation},
		Result: c.TopicResult, DeadLetter: c.TopicDeadLetter, Duplicates: c.TopicDuplicates, RetryPrefix: c.TopicRetryPrefix,
	})
}

// awaitKafka finds out whether there is a cluster. Reading the topics may take its time, and has no limit.
func awaitKafka(ctx context.Context, c config) error {
	ctx, cancel := context.WithTimeout(ctx, kafkaAnswerTimeout)
	defer cancel()
	admin, err := openAdmin(ctx, c)
	if err != nil {
		return err
	}
	admin.Close()
	return nil
}

// progressLine writes, on a terminal, a line that says how far a long reading has come; nowhere else.
func progressLine(w io.Writer) func(done, total int64) {
	const interval = 200 * time.Millisecond
	file, ok := w.(*os.File)
	if !ok {
		return nil
	}
	if info, err := file.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return nil
	}
	last, shown := time.Now(), false // what takes no longer than the interval shows nothing
	return func(done, total int64) {
		switch {
		case done == total && shown:
			fmt.Fprint(w, "\r\033[K")
		case done < total && time.Since(last) >= interval:
			fmt.Fprintf(w, "\rread %d of %d records (%d %%)\033[K", done, total, 100*done/total)
			last, shown = time.Now(), true
		}
	}
}

func unbalanced(a replay.Account) error {
	if a.Balanced {
		return nil
	}
	return fmt.Errorf("the account of group %s is %w: %d events missing, %d in two places, %d transactions with two final results, %d with two interim results",
		a.Group, errDiffers, a.Total.Missing, a.Total.Twice, a.TwoFinals, a.TwoInterims)
}

func writeAccount(w io.Writer, a replay.Account) error {
	table := newTable(w)
	fmt.Fprintln(table, "TOPIC\tPARTITION\tACCEPTED\tFINAL\tDEAD\tDUPLICATE\tWAITING\tMISSING\tTWICE\tTOO OLD\tUNFINISHED")
	row := func(topic, partition string, t replay.Tally) {
		fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\n", topic, partition,
			t.Accepted, t.Final, t.Dead, t.Duplicate, t.Waiting, t.Missing, t.Twice, t.BeyondHorizon, t.Unfinished)
	}
	for _, p := range a.Partitions {
		row(p.Topic, strconv.Itoa(int(p.Partition)), p.Tally)
	}
	row("total", "", a.Total)
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%s, group %s: accepted = final + dead + duplicate + waiting: %s.\n", a.Cut.UTC().Format(time.RFC3339), a.Group, balance(a))
	note := func(n int64, text string) {
		if n > 0 {
			fmt.Fprintf(w, text+"\n", n)
		}
	}
	note(a.Total.BeyondHorizon, "%d events are older than what the output topics still hold (from "+a.Horizon.UTC().Format(time.RFC3339)+" on): nothing can be said of them.")
	note(a.Strays, "%d outcomes belong to no event of the input topics, such as dead letters of a damaged retry record.")
	note(a.Unreadable, "%d records of this group in output topics can't be read: a newer version wrote them, or another program.")
	return writeFaults(w, a)
}

func balance(a replay.Account) string {
	switch {
	case !a.Balanced:
		return "it does not add up"
	case !a.Complete:
		return "it adds up as far as it can be seen"
	}
	return "it adds up"
}

// remedies are what to do about each kind of fault.
var remedies = []struct {
	kind replay.Kind
	what string
	do   string
}{
	{replay.Missing, "accepted, but nowhere", "stop the processor, move its group's offset of the partition back to the event with a Kafka tool, and start it with --accept-offsets: " +
		"what has a result or waits is recognised, if no older than the claims' time to live, and what has none is asked about; dead letters between come out a second time"},
	{replay.Twice, "in more than one place", "a final result counts, whatever else there is; without one, ask Konaplate which place is right; " +
		"keep the topics and report it, for either the processor is at fault or another program writes to them"},
	{replay.TwoFinals, "with more than one final result of one revision", "they have one ce_id, and subscribers that heed it saw one; where the results differ, ask Konaplate; keep the topics, and report it"},
	{replay.TwoInterims, "with more than one interim result", "harmless to who reads final results; report it"},
}

func writeFaults(w io.Writer, a replay.Account) error {
	var b strings.Builder
	for _, r := range remedies {
		head := fmt.Sprintf("\n%s: %s. To do: %s.\n", r.kind, r.what, r.do)
		for _, f := range a.Faults {
			if f.Kind != r.kind {
				continue
			}
			fmt.Fprintf(&b, "%s  %s %s %s%s\n", head, f.Operation, orDash(f.CorrelationID), orDash(f.SequenceID), whereOf(f))
			head = ""
		}
	}
	if a.Unnamed > 0 {
		fmt.Fprintf(&b, "\nand %d more: --limit names more of them\n", a.Unnamed)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// whereOf is where the event of a fault is, and what stands for it.
func whereOf(f replay.Fault) string {
	var b strings.Builder
	if f.Source != (events.Source{}) {
		b.WriteString(" " + f.Source.String())
	}
	for _, place := range f.Places {
		b.WriteString("\n    " + place)
	}
	return b.String()
}
