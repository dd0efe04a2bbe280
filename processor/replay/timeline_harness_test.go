package replay

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor"
)

// claimsOf is a claim store that holds what it is.
type claimsOf []processor.Settlement

func (c claimsOf) Lookup(_ context.Context, correlationID string) (found []processor.Settlement, _ error) {
	for _, s := range c {
		if strings.EqualFold(s.Claim.CorrelationID, correlationID) {
			found = append(found, s)
		}
	}
	return found, nil
}

// noClaims is a claim store that is down.
type noClaims struct{}

func (noClaims) Lookup(context.Context, string) ([]processor.Settlement, error) {
	return nil, fmt.Errorf("look up claims: %w: redis h:6379", processor.ErrClaimsUnavailable)
}

// find finds transaction i, with an empty claim store unless something else is said.
func (k *kafka) find(i int, changes ...func(*FindConfig)) Timeline {
	k.Helper()
	return k.findID(correlationID(i), changes...)
}

func (k *kafka) findID(id string, changes ...func(*FindConfig)) Timeline {
	k.Helper()
	cfg := FindConfig{
		Client: k.client, Claims: claimsOf{}, Group: group, Result: resultTopic, DeadLetter: deadTopic, Duplicates: duplicatesTopic,
		RetryPrefix: events.TopicRetryPrefix, Decoder: decoder(k.T), Deadline: 24 * time.Hour,
		Inputs: map[string]events.Operation{requestedTopic: events.Charge, cancelledTopic: events.Cancellation},
	}
	for _, change := range changes {
		change(&cfg)
	}
	line, err := Find(k.Context(), cfg, id)
	k.must(err)
	return line
}

// noon is the time that the correlation IDs of these tests name.
var noon = time.Date(2026, 11, 22, 10, 30, 0, 0, time.UTC)

func atNoon(t *testing.T, f func(k *kafka)) {
	t.Helper()
	bubbleAt(t, noon, f)
}

// sent produces records where their keys belong, and returns where they are.
func (k *kafka) sent(records ...*kgo.Record) (at []events.Source) {
	k.Helper()
	for _, r := range records {
		if r.Key != nil {
			r.Partition = partitionOf(string(r.Key), 2)
		}
		k.produce(r)
		at = append(at, sourceOf(r))
	}
	return at
}

func keyed(r *kgo.Record, key string) *kgo.Record {
	r.Key = []byte(key)
	return r
}

func event(topic string, i int) *kgo.Record {
	return keyed(&kgo.Record{Topic: topic, Value: eventJSON(i)}, correlationID(i))
}

func (k *kafka) claim(i int, operation events.Operation, owner events.Source, state processor.State, hop int, result string) processor.Settlement {
	return processor.Settlement{Claim: processor.Claim{
		Operation: operation, CorrelationID: correlationID(i), Fingerprint: sequenceID(i),
		Owner: processor.Owner{TopicID: k.ids[owner.Topic], Partition: owner.Partition, Offset: owner.Offset},
	}, State: state, Hop: hop, Result: result}
}

// brief is a timeline in one line a transaction: operation, state, kinds of steps.
func brief(line Timeline) string {
	var all []string
	for _, t := range line.Transactions {
		text := fmt.Sprintf("%s %s:", t.Operation, t.State)
		for _, s := range t.Steps {
			text += " " + string(s.Kind)
		}
		all = append(all, text)
	}
	return strings.Join(all, "; ")
}

func (k *kafka) want(line Timeline, complete bool, want string) {
	k.Helper()
	if got := brief(line); got != want || line.Complete != complete || complete != (len(line.Unread) == 0) {
		k.Errorf("got %s, complete %t (unread: %q)\nwant %s, complete %t", got, line.Complete, line.Unread, want, complete)
	}
}

func (k *kafka) wantSummary(line Timeline, want string) {
	k.Helper()
	if len(line.Transactions) == 0 || !strings.Contains(line.Transactions[0].Summary, want) {
		k.Errorf("got %+v, want the summary %q", line.Transactions, want)
	}
}

// noise is other transactions, all around.
func (k *kafka) noise() {
	k.Helper()
	for i := 100; i < 120; i++ {
		at := k.sent(event(requestedTopic, i))[0]
		k.sent(keyed(k.resultRecord(i, 1, at, group), correlationID(i)))
	}
}
