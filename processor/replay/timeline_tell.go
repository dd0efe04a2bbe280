package replay

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor"
	"github.com/chargeresult/chargeresult/processor/stream"
)

// story is what is known of one operation's transaction.
type story struct {
	operation events.Operation
	entries   []entry               // by time
	claim     *processor.Settlement // nil: none is known
	owner     events.Source         // that the claim names
}

// stories are those of the operations, the oldest first.
func (s *search) stories() []story {
	byOperation := map[events.Operation]*story{}
	of := func(operation events.Operation) *story {
		if byOperation[operation] == nil {
			byOperation[operation] = &story{operation: operation}
		}
		return byOperation[operation]
	}
	for _, record := range s.found {
		e, _ := s.read(record)
		one := of(e.operation)
		one.entries = append(one.entries, e)
	}
	for _, c := range s.claims {
		one := of(c.Claim.Operation)
		one.claim, one.owner = &c, s.sourceOf(c.Claim.Owner)
	}
	var all []story
	for _, one := range byOperation {
		slices.SortFunc(one.entries, inTime)
		all = append(all, *one)
	}
	slices.SortFunc(all, func(a, b story) int {
		return cmp.Or(a.began().Compare(b.began()), cmp.Compare(b.operation, a.operation)) // a charge before its cancellation
	})
	return all
}

func (t story) began() time.Time {
	if len(t.entries) == 0 {
		return time.Time{}
	}
	return t.entries[0].step.At
}

// inTime is the order of a story: by time, and of one moment as they follow from each other.
func inTime(a, b entry) int {
	order := []StepKind{StepEvent, StepDuplicate, StepWait, StepInterim, StepDead, StepFinal} // a retry record is made before its interim result
	return cmp.Or(
		a.step.At.Compare(b.step.At),
		cmp.Compare(slices.Index(order, a.step.Kind), slices.Index(order, b.step.Kind)),
		cmp.Compare(a.step.Attempt, b.step.Attempt),
		cmp.Compare(a.step.Record.String(), b.step.Record.String()),
	)
}

// last is the last entry of a kind, of an input record, or of any if that is zero.
func (t story) last(kind StepKind, source events.Source) (e entry, ok bool) {
	for _, one := range slices.Backward(t.entries) {
		if one.step.Kind == kind && (source == events.Source{} || source == one.source) {
			return one, true
		}
	}
	return entry{}, false
}

// final is the final result that counts: the one of the highest revision.
func (t story) final() (final entry, ok bool) {
	for _, e := range t.entries {
		if e.step.Kind == StepFinal && e.result.Revision >= final.result.Revision {
			final, ok = e, true
		}
	}
	return final, ok
}

// main is the input record that the transaction is about, where others are duplicates, or in conflict.
func (t story) main() events.Source {
	if t.owner != (events.Source{}) {
		return t.owner
	}
	for _, kind := range []StepKind{StepFinal, StepWait, StepInterim} {
		if e, ok := t.last(kind, events.Source{}); ok {
			return e.source
		}
	}
	for _, e := range t.entries {
		if _, dead := t.last(StepDead, e.source); e.step.Kind == StepEvent && !dead {
			return e.source
		}
	}
	if len(t.entries) > 0 {
		return t.entries[0].source
	}
	return events.Source{}
}

// state is how far the transaction has come.
func (t story) state() TransactionState {
	_, final := t.final()
	_, dead := t.last(StepDead, t.main())
	_, waits := t.last(StepWait, t.main())
	settled := t.claim != nil && t.claim.State == processor.StateSettled
	switch {
	case final, settled && t.claim.Result != "":
		return IsFinal
	case dead, settled:
		return IsDead
	case waits, t.claim != nil && t.claim.State == processor.StateWaiting:
		return IsWaiting
	}
	return IsOpen
}

// unanswered says whether there is a transaction of which no outcome was found.
func (s *search) unanswered() bool {
	return slices.ContainsFunc(s.stories(), func(t story) bool {
		_, final := t.final()
		_, dead := t.last(StepDead, t.main())
		return !final && !dead
	})
}

// transactions tells the stories.
func (s *search) transactions(ctx context.Context, now time.Time) []Transaction {
	all := []Transaction{}
	for _, story := range s.stories() {
		t := Transaction{Operation: story.operation, State: story.state(), Steps: []Step{}}
		for _, e := range story.entries {
			t.SequenceID = cmp.Or(t.SequenceID, e.sequenceID)
			t.Steps = append(t.Steps, e.step)
		}
		if c := story.claim; c != nil {
			t.SequenceID = c.Claim.Fingerprint
			t.Claim = &Claim{State: string(c.State), Hop: c.Hop, Result: c.Result, Owner: story.owner.String()}
		}
		if t.State == IsOpen {
			t.Summary = s.open(ctx, story)
		} else {
			t.Summary = story.summary(t.State, now)
		}
		all = append(all, t)
	}
	return all
}

// summary says where a transaction is that has come further than open.
func (t story) summary(state TransactionState, now time.Time) string {
	final, found := t.final()
	dead, letter := t.last(StepDead, t.main())
	wait, waits := t.last(StepWait, t.main())
	switch {
	case found:
		return fmt.Sprintf("%s, %s after the event", endOf(final.result), short(final.result.DecidedAt.Sub(final.result.RequestedAt)))
	case state == IsFinal:
		return t.claim.Result + ", says the claim store; the result itself was not found"
	case letter:
		return "dead letter: " + dead.step.Text
	case state == IsDead:
		return "dead letter, says the claim store; the letter itself was not found"
	case waits:
		return waiting(wait.retry, now)
	}
	return fmt.Sprintf("waits, says the claim store (retry record %d); the record itself was not found", t.claim.Hop)
}

// waiting says when it is asked about next.
func waiting(r events.Retry, now time.Time) string {
	text := fmt.Sprintf("waits: %s, next ask at %s (in %s)", r.Reason, clock(r.Due, now), short(r.Due.Sub(now)))
	if !now.Before(r.Due) {
		text = fmt.Sprintf("waits: %s, was due at %s (%s ago): it is being asked about now, or the group is held, behind or not running",
			r.Reason, clock(r.Due, now), short(now.Sub(r.Due)))
	}
	if r.Attempts == 0 {
		return text + ", has not been asked yet"
	}
	return fmt.Sprintf("%s, has been asked %s since %s", text, times(r.Attempts, "time"), clock(r.FirstAsked, now))
}

// clock is a time of day, with its date if that is not today's.
func clock(t, now time.Time) string {
	t, now = t.UTC(), now.UTC()
	if t.YearDay() == now.YearDay() && t.Year() == now.Year() {
		return t.Format("15:04:05Z")
	}
	return t.Format("2006-01-02 15:04:05Z")
}

// positionsTimeout bounds the question how far the group has come.
const positionsTimeout = time.Second

// open says where a transaction is that has no outcome, by how far the group has come.
func (s *search) open(ctx context.Context, t story) string {
	at := t.main()
	if _, input := s.cfg.Inputs[at.Topic]; !input {
		return fmt.Sprintf("has no outcome yet; its event %s is in no topic that is read now", at)
	}
	ctx, cancel := context.WithTimeout(ctx, positionsTimeout)
	defer cancel()
	positions, err := stream.CommittedPositions(ctx, s.cfg.Client, s.cfg.Group, at.Topic)
	if err != nil {
		s.unread("offsets of group " + s.cfg.Group + ": " + because(ctx, err))
		return "has no outcome yet; whether it was read can't be said"
	}
	i := slices.IndexFunc(positions, func(p stream.Position) bool { return p.Partition == at.Partition })
	where := fmt.Sprintf("%s[%d]", at.Topic, at.Partition)
	switch {
	case i < 0 || positions[i].Offset < 0:
		return fmt.Sprintf("was not read yet, or is the first: the group has no offset of %s, the event's is %d", where, at.Offset)
	case !positions[i].Finished(at.Offset):
		return fmt.Sprintf("is being worked on, or was not read yet: the group's offset of %s is %d, the event's is %d", where, positions[i].Offset, at.Offset)
	case len(s.line.Unread) > 0:
		return fmt.Sprintf("the group has finished %s; its outcome must be in what was not read", at)
	}
	return fmt.Sprintf("the group has finished %s, but there is no outcome: see `chargeresult reconcile`", at)
}

// short is a duration as people say it.
func short(d time.Duration) string {
	switch {
	case d < time.Minute:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
	case d < 48*time.Hour:
		return d.Round(time.Second).String()
	}
	return strconv.Itoa(int(d/(24*time.Hour))) + " days"
}
