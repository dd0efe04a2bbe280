package processor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor/stream"
	"github.com/chargeresult/chargeresult/processor/telemetry"
)

// Processor finds out how charges and cancellations ended. It is the handler and the ledger of a stream.Engine, which calls its four
// methods in this order: Admit, for the messages of a poll; Process, for each; Confirm and Settle, for those of a transaction.
type Processor struct {
	cfg         Config
	decoder     *events.Decoder
	guard       *guard
	counts      counts
	working     working
	mustRebuild bool // before the next claim; owned by Admit, which the engine calls one at a time
}

// Config says what a processor works with. All fields are required, but for Fields, AlwaysRebuild, Telemetry and Log.
type Config struct {
	Group     string        // the consumer group, as results and dead letters name it
	Topics    Topics        // where to read and to publish
	Fields    events.Fields // where events keep their fields
	Policy    Policy        // when to ask again
	Guards    Guards        // when to halt
	Claims    Claims
	Rebuilder Rebuilder
	Inquirer  Inquirer
	Intake    *stream.Intake // of the engine: held while claims are rebuilt, or halted

	// AlwaysRebuild rebuilds the claims before the first of them is made: whoever accepts offsets that were moved must know
	// what is settled or waiting.
	AlwaysRebuild bool

	Telemetry *telemetry.Telemetry // default: none
	Log       *slog.Logger         // gets a line for each message, at debug level; default: none
}

// Topics names the topics.
type Topics struct {
	Requested, Cancelled           string // input
	Result, DeadLetter, Duplicates string // output
	RetryPrefix                    string // of the retry topics: see events.RetryTopic
}

// Input returns what upstreams write.
func (t Topics) Input() []string { return []string{t.Requested, t.Cancelled} }

// New returns a processor, or an error if Fields holds no JSON pointer where it should.
func New(cfg Config) (*Processor, error) {
	decoder, err := events.NewDecoder(cfg.Fields)
	if err != nil {
		return nil, fmt.Errorf("processor: %w", err)
	}
	if cfg.Telemetry == nil {
		if cfg.Telemetry, err = telemetry.New(telemetry.Config{}); err != nil {
			return nil, fmt.Errorf("processor: %w", err)
		}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Processor{cfg: cfg, decoder: decoder, guard: newGuard(cfg.Guards, cfg.Intake), mustRebuild: cfg.AlwaysRebuild}, nil
}

// Admit decodes the messages of one poll and claims their transactions, all in one round trip. Validation comes before
// the claim, so that nothing that can't be answered ever owns a transaction.
func (p *Processor) Admit(ctx context.Context, member stream.Member, messages []*stream.Message) error {
	claims, claimants := make([]Claim, 0, len(messages)), make([]*work, 0, len(messages))
	for _, m := range messages {
		w := p.decode(m)
		m.Work = w
		if w.fault == nil {
			claims, claimants = append(claims, w.claim), append(claimants, w)
		}
	}
	ctx, admitted := p.beginAdmission(ctx, messages)
	claimed, err := p.claim(ctx, member, claims)
	admitted(err)
	if err != nil {
		return fmt.Errorf("claim: %w", err)
	}
	for i, w := range claimants {
		w.claimed = claimed[i]
	}
	return nil
}

// Process finds out what becomes of a message, and follows it with a span, a measurement and a line in the log.
func (p *Processor) Process(ctx context.Context, m *stream.Message) ([]*kgo.Record, error) {
	w := m.Work.(*work)
	ctx, span := p.begin(ctx, m, w)
	records, err := p.process(ctx, m, w)
	p.end(ctx, span, m, w, records, err)
	return records, err
}

// process is the flow: what is no event, in conflict, or a duplicate is recorded as such; everything else is asked about, and the answer is
// either published or waits in a retry topic for the next question.
func (p *Processor) process(ctx context.Context, m *stream.Message, w *work) ([]*kgo.Record, error) {
	dead := w.fault != nil || w.claimed.Verdict == Conflict
	if err := p.guard.end(ctx, m.Draining(), w.origin.Source, dead); err != nil {
		return nil, err
	}
	switch {
	case w.fault != nil:
		return p.deadLetter(m, w, w.fault.Reason, w.fault.Error())
	case w.claimed.Verdict == Conflict:
		return p.deadLetter(m, w, events.ReasonConflict, conflict(w))
	case w.claimed.Verdict != Ours:
		return p.acknowledge(w)
	case w.history.hop == 0 && p.cfg.Policy.FirstAskDelay > 0:
		return p.park(m, w, decision{wait: events.WaitFirstAsk, delay: p.cfg.Policy.FirstAskDelay}, time.Now())
	}
	d, err := p.ask(ctx, m, w)
	switch {
	case err != nil:
		return nil, err
	case d.result != "":
		return p.final(m, w, d, time.Now())
	default:
		return p.park(m, w, d, time.Now())
	}
}

// ask puts the question, when its turn has come, and decides what follows. An event that the guard won't have spent on that is asked about again.
func (p *Processor) ask(ctx context.Context, m *stream.Message, w *work) (decision, error) {
	done, err := p.guard.turn(ctx, m.Draining())
	if err != nil {
		return decision{}, err
	}
	defer done()
	asked := time.Now()
	answer, err := p.cfg.Inquirer.Inquire(ctx, m.Draining(), w.event)
	if err != nil {
		return decision{}, err
	}
	w.history.attempts++
	w.answer = answer
	if w.history.firstAsked.IsZero() {
		w.history.firstAsked = asked
	}
	d := decide(p.cfg.Policy, w.history, answer, time.Now())
	if !p.guard.spend(w.event.Identity(), answer, d) {
		d = again(p.cfg.Policy, w.history, events.WaitHalted)
	}
	return d, nil
}

// Confirm compares the claim store's incarnation with the one each verdict of the transaction was given in. If the store was lost in
// between, a claim may have been given twice: everything in flight is claimed again before anything commits. What claimed nothing, because it is
// no event, need not wait for claims.
func (p *Processor) Confirm(ctx context.Context, messages []*stream.Message) error {
	if !slices.ContainsFunc(messages, func(m *stream.Message) bool { return m.Work.(*work).fault == nil }) {
		return nil
	}
	now, err := p.cfg.Claims.Incarnation(ctx)
	if errors.Is(err, ErrClaimsLost) {
		return fmt.Errorf("%w: %w", stream.ErrNotAdmitted, err)
	}
	if err != nil {
		return fmt.Errorf("read the claim store's incarnation: %w", err)
	}
	for _, m := range messages {
		if w := m.Work.(*work); w.fault == nil && w.claimed.Incarnation != now {
			return fmt.Errorf("%w: claimed in incarnation %s, the store is in %s", stream.ErrNotAdmitted, w.claimed.Incarnation, now)
		}
	}
	return nil
}

// settleBackoff is how long Settle waits before it writes a state again that was not written.
const settleBackoff = 250 * time.Millisecond

// Settle writes down what became of the claims. It is a courtesy: the truth is in the topics.
func (p *Processor) Settle(ctx context.Context, messages []*stream.Message) {
	p.published(messages)
	settled := make([]Settlement, 0, len(messages))
	for _, m := range messages {
		w := m.Work.(*work)
		p.counts.add(w)
		switch {
		case w.claimed.Verdict != Ours:
		case w.outcome.wait != "":
			settled = append(settled, Settlement{Claim: w.claim, State: StateWaiting, Hop: w.history.hop + 1})
		default:
			settled = append(settled, Settlement{Claim: w.claim, State: StateSettled, Hop: w.history.hop, Result: w.outcome.result})
		}
	}
	for len(settled) > 0 {
		if err := p.cfg.Claims.Settle(ctx, settled); !errors.Is(err, ErrClaimsUnavailable) {
			return // done, or no use
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(settleBackoff):
		}
	}
}
