package main

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"github.com/chargeresult/chargeresult/processor/replay"
)

// writeTimeline prints a story for people: of each transaction what became of it, and a line for each of its records.
func writeTimeline(w io.Writer, line replay.Timeline) error {
	for _, t := range line.Transactions {
		fmt.Fprintf(w, "%s %s %s: %s\n  %s\n", orDash(string(t.Operation)), line.CorrelationID, orDash(printable(t.SequenceID)), t.State, printable(t.Summary))
		if c := t.Claim; c != nil {
			fmt.Fprintf(w, "  claim: %s%s by %s\n", c.State, spaced(c.Result), c.Owner)
		}
		if err := writeSteps(w, t.Steps); err != nil {
			return err
		}
	}
	fmt.Fprintf(w, "%d records searched in %s.\n", line.Scanned, line.Took.Round(time.Millisecond))
	if line.Complete {
		return nil
	}
	_, err := fmt.Fprintf(w, "There may be more, for not everything was read:%s\n", listed(line.Unread))
	return err
}

func writeSteps(w io.Writer, steps []replay.Step) error {
	if len(steps) == 0 {
		_, err := fmt.Fprintln(w)
		return err
	}
	table := newTable(w)
	fmt.Fprintln(table, "\n  TIME\tAFTER\tWHAT\tWHERE\tASKED\tDUE\tTRACE\t")
	for _, s := range steps {
		due := ""
		if !s.Due.IsZero() {
			due = s.Due.UTC().Format(time.RFC3339)
		}
		fmt.Fprintf(table, "  %s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\n", s.At.UTC().Format("2006-01-02T15:04:05.000Z"), after(s.At.Sub(steps[0].At)),
			s.Kind, s.Record, s.Attempt, orDash(due), orDash(s.Trace), printable(s.Text+spaced(replayed(s))))
	}
	fmt.Fprintln(table)
	return table.Flush()
}

// after is how long after the first step another one was.
func after(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("+%.1fs", d.Seconds())
	}
	return "+" + d.Round(time.Second).String()
}

func replayed(s replay.Step) string {
	if s.Replay == "" {
		return ""
	}
	return "(replay " + s.Replay + ")"
}

func spaced(text string) string {
	if text == "" {
		return ""
	}
	return " " + text
}

// printable keeps what others wrote into records from steering a terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// listed is a list, a line each, of what would fill the screen otherwise.
func listed(all []string) string {
	const most = 12
	var b strings.Builder
	for i, one := range all {
		if i == most {
			fmt.Fprintf(&b, "\n  and %d more: --json lists them", len(all)-most)
			break
		}
		b.WriteString("\n  " + printable(one))
	}
	return b.String()
}
