package dedup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor"
)

// lookupTimeout bounds a look-up if Config says nothing: somebody waits for it, and can do without.
const lookupTimeout = time.Second

// Lookup shows what is stored, to whoever wants to know and not to claim. It reads keys and nothing else: the condition of the store does not matter to
// it, and it changes nothing. Its methods may be called by many goroutines at once.
type Lookup struct {
	store Store // without an identity, and without scripts
}

// OpenLookup returns a Lookup of the server and the group that cfg names: of it, only URL, TLS, Group, OperationTimeout (0: a second) and Dialer count.
// It does not connect before the first question. An error is a fault in cfg. Close it after its last question.
func OpenLookup(cfg Config) (*Lookup, error) {
	cfg.OperationTimeout = cmp.Or(cfg.OperationTimeout, lookupTimeout)
	if cfg.Group == "" {
		return nil, errors.New("dedup: Group must name the consumer group")
	}
	client, server, err := newClient(cfg)
	if err != nil {
		return nil, err
	}
	return &Lookup{Store{cfg: cfg, client: client, server: "redis " + server, keys: keysOf(cfg.Group)}}, nil
}

// Close closes the connections.
func (l *Lookup) Close() error { return l.store.Close() }

// Lookup implements replay.ClaimReader.
func (l *Lookup) Lookup(ctx context.Context, correlationID string) ([]processor.Settlement, error) {
	s := &l.store
	bounded, cancel := s.bound(ctx)
	defer cancel()
	claims := claimsOf(correlationID)
	values := make([]*redis.StringCmd, len(claims))
	_, err := s.client.Pipelined(bounded, func(p redis.Pipeliner) error {
		for i, c := range claims {
			values[i] = p.Get(bounded, s.keys.claim(c))
		}
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, s.unavailable(ctx, "look up claims", err)
	}
	var found []processor.Settlement
	for i, c := range claims {
		value, err := values[i].Result()
		switch {
		case errors.Is(err, redis.Nil):
			continue
		case err != nil:
			return nil, s.unavailable(ctx, "look up claims", err)
		}
		r, err := s.stored(c, value)
		if err != nil {
			return nil, fmt.Errorf("look up claims: %w: %w", processor.ErrClaimsUnavailable, err)
		}
		found = append(found, r.settlement(c))
	}
	return found, nil
}

// Lookup implements replay.ClaimReader.
func (f *Fake) Lookup(ctx context.Context, correlationID string) (found []processor.Settlement, err error) {
	err = f.call(ctx, "look up claims", func() error {
		for _, c := range claimsOf(correlationID) {
			if r, ok := f.live(f.keys.claim(c)); ok {
				found = append(found, r.settlement(c))
			}
		}
		return nil
	})
	return found, err
}

// FailLookups gives faults to the next calls of Lookup, one each.
func (f *Fake) FailLookups(faults ...Fault) { f.fail("look up claims", faults) }

// claimsOf are the claims that a correlation ID may have.
func claimsOf(correlationID string) []processor.Claim {
	return []processor.Claim{
		{Operation: events.Charge, CorrelationID: correlationID},
		{Operation: events.Cancellation, CorrelationID: correlationID},
	}
}

// settlement is the record as the settlement that would write it.
func (r record) settlement(c processor.Claim) processor.Settlement {
	c.Fingerprint, c.Owner = r.fingerprint, r.owner
	return processor.Settlement{Claim: c, State: r.state, Hop: r.hop, Result: r.result}
}
