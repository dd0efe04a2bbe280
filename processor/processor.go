package processor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor/stream"
)

// Processor finds out how charges and cancellations ended. It is the handler and the ledger of a stream.Engine, which calls its four
// methods in this order: Admit, for the messages of a poll; Process, for each; Confirm and Settle, for those of a transaction.
type Processor struct {
	cfg     Config
	decoder *events.Decoder
	counts  counts
}

// Config says what a processor works with. All fields are required, but for Fields.
type Config struct {
	Group    string        // the consumer group, as results and dead letters name it
	Topics   Topics        // where to read and to publish
	Fields   events.Fields // where events keep their fields
	Claims   Claims
	Inquirer Inquirer
}

// Topics names the topics.
type Topics struct {
	Requested, Cancelled           string // input
	Result, DeadLetter, Duplicates string // output
}

// Input returns what the engine reads.
func (t Topics) Input() []string { return []string{t.Requested, t.Cancelled} }

// New returns a processor, or an error if Fields holds no JSON pointer where it should.
func New(cfg Config) (*Processor, error) {
	decoder, err := events.NewDecoder(cfg.Fields)
	if err != nil {
		return nil, fmt.Errorf("processor: %w", err)
	}
	return &Processor{cfg: cfg, decoder: decoder}, nil
}

// work is what the processor knows of one message: the event, or why it is none; the claim and its verdict; in the end, the outcome.
type work struct {
	event   events.Event
	fault   *events.DecodeError
	claim   Claim
	claimed Claimed
	outcome outcome
}

// Admit decodes the messages of one poll and claims their transactions, all in one round trip. Validation comes before
// the claim, so that nothing that can't be answered ever owns a transaction.
func (p *Processor) Admit(ctx context.Context, member stream.Member, messages []*stream.Message) error {
	var claims []Claim
	var claimants []*work
	for _, m := range messages {
		w := p.decode(m)
		m.Work = w
		if w.fault == nil {
			claims, claimants = append(claims, w.claim), append(claimants, w)
		}
	}
	if len(claims) == 0 {
		return nil
	}
	claimed, err := p.cfg.Claims.Claim(ctx, member.Generation, claims)
	if err != nil {
		return fmt.Errorf("claim: %w", err)
	}
	for i, w := range claimants {
		w.claimed = claimed[i]
	}
	return nil
}

// Process is the flow: what is no event, in conflict, or a duplicate is recorded as such; everything else is asked about until there is
// an answer to publish.
func (p *Processor) Process(ctx context.Context, m *stream.Message) ([]*kgo.Record, error) {
	w := m.Work.(*work)
	switch {
	case w.fault != nil:
		return p.deadLetter(m, w, w.fault.Reason, w.fault.Error())
	case w.claimed.Verdict == Conflict:
		return p.deadLetter(m, w, events.ReasonConflict, conflict(w))
	case w.claimed.Verdict != Ours:
		return p.acknowledge(m, w)
	}
	for attempt := 1; ; attempt++ {
		answer, err := p.cfg.Inquirer.Inquire(ctx, m.Draining(), w.event)
		if err != nil {
			return nil, err
		}
		decision := decide(answer, attempt)
		if decision.final {
			return p.publish(m, w, decision, time.Now())
		}
		if err := pause(ctx, m, decision.askAgainIn); err != nil {
			return nil, err
		}
	}
}

// Confirm compares the claim store's incarnation with the one each verdict of the transaction was given in. If the store was lost in
// between, a claim may have been given twice: everything in flight is claimed again before anything commits.
func (p *Processor) Confirm(ctx context.Context, messages []*stream.Message) error {
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
	var settled []Settlement
	for _, m := range messages {
		w := m.Work.(*work)
		p.counts.add(w.outcome)
		if w.claimed.Verdict == Ours {
			settled = append(settled, Settlement{Claim: w.claim, State: StateSettled, Result: w.outcome.result})
		}
	}
	for len(settled) > 0 {
		err := p.cfg.Claims.Settle(ctx, settled)
		if err == nil || errors.Is(err, ErrClaimsLost) {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(settleBackoff):
		}
	}
}

// decode reads the event and prepares its claim.
func (p *Processor) decode(m *stream.Message) *work {
	r := m.Record
	operation := events.Charge
	if r.Topic == p.cfg.Topics.Cancelled {
		operation = events.Cancellation
	}
	event, err := p.decoder.Decode(operation, events.Message{Value: r.Value, Headers: eventHeaders(r.Headers), Timestamp: r.Timestamp})
	if err != nil {
		var fault *events.DecodeError
		errors.As(err, &fault) // Decode returns no other
		return &work{fault: fault}
	}
	return &work{event: event, claim: Claim{
		Operation: operation, CorrelationID: event.CorrelationID, Fingerprint: event.SequenceID,
		Owner: Owner{TopicID: m.TopicID, Partition: r.Partition, Offset: r.Offset},
	}}
}

// pause waits before the next question, unless the partition is wanted elsewhere.
func pause(ctx context.Context, m *stream.Message, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-m.Draining():
		return stream.ErrAbandoned
	case <-ctx.Done():
		return ctx.Err()
	}
}
