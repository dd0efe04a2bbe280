package console

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/chargeresult/chargeresult/processor/replay"
)

// search is what the page of a correlation ID shows.
type search struct {
	frame
	replay.Timeline
	Error string
	Found []story
	Took  span
}

// story is one transaction.
type story struct {
	replay.Transaction
	Icon  string
	Begun moment
	Steps []step
	Lasts span // from its first record to its last
}

// step is one record of a story.
type step struct {
	replay.Step
	Kind  string // for people
	Tone  string // final, dead, wait or plain
	Lead  string // the result or the reason, if the text begins with it
	Rest  string // of the text
	When  moment
	After span // since the step before it; zero for the first, and at the same time
	Due   moment
	Link  link
}

func newSearch(cfg Config, now time.Time, id string, found replay.Timeline, err error) search {
	s := search{
		frame:    frame{Title: "Find a transaction", Icon: "plain", JSON: "/transactions.json", ID: id, now: now, traceURL: cfg.TraceURL},
		Timeline: found, Took: lasting(found.Took),
	}
	if id == "" {
		return s
	}
	s.JSON += "?" + url.Values{"id": {id}}.Encode()
	s.Title = id
	if err != nil {
		s.Error = err.Error()
		return s
	}
	for _, t := range found.Transactions {
		s.Found = append(s.Found, newStory(t, s.frame))
	}
	switch len(s.Found) {
	case 0:
		s.Title += " · nothing found"
	case 1:
		s.Title += fmt.Sprintf(" · %s %s", s.Found[0].Operation, s.Found[0].State)
	default:
		s.Title += fmt.Sprintf(" · %d transactions", len(s.Found))
	}
	return s
}

func newStory(t replay.Transaction, f frame) story {
	s := story{Transaction: t, Icon: map[replay.TransactionState]string{
		replay.IsFinal: "well", replay.IsDead: "stopped", replay.IsWaiting: "notdue", replay.IsOpen: "moving",
	}[t.State]}
	if s.Icon == "" {
		s.Icon = "nobody" // a state of a newer version
	}
	for i, of := range t.Steps {
		one := step{Step: of, Kind: string(of.Kind), Tone: "plain", When: f.When(of.At), Due: f.When(of.Due), Link: f.Trace(of.Trace)}
		if known, ok := stepKinds[of.Kind]; ok {
			one.Kind, one.Tone = known.name, known.tone
		}
		one.When.Clock += of.At.UTC().Format(".000")
		one.Lead, one.Rest = led(of)
		if i > 0 && of.At.After(t.Steps[i-1].At) {
			one.After = lasting(of.At.Sub(t.Steps[i-1].At))
		}
		s.Steps = append(s.Steps, one)
	}
	if n := len(t.Steps); n > 0 {
		s.Begun, s.Lasts = s.Steps[0].When, lasting(t.Steps[n-1].At.Sub(t.Steps[0].At))
	}
	return s
}

// led splits a step's text into the result or reason it begins with, which stands out on the page, and the rest.
func led(s replay.Step) (lead, rest string) {
	for _, lead := range []string{s.Result, s.Reason} {
		if rest, found := strings.CutPrefix(s.Text, lead); found && lead != "" {
			return lead, strings.TrimLeft(rest, " ,:;")
		}
	}
	return "", s.Text
}

// stepKinds are the kinds of steps for people.
var stepKinds = map[replay.StepKind]struct{ name, tone string }{
	replay.StepEvent:     {"Event", "plain"},
	replay.StepInterim:   {"Interim result", "plain"},
	replay.StepFinal:     {"Final result", "final"},
	replay.StepWait:      {"Waits", "wait"},
	replay.StepDuplicate: {"Duplicate", "plain"},
	replay.StepDead:      {"Dead letter", "dead"},
}
