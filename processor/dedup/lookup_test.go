package dedup

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor"
)

// lookup is what replay.ClaimReader demands.
type lookup interface {
	Lookup(ctx context.Context, correlationID string) ([]processor.Settlement, error)
}

// reader is a store to write on, and what reads it from outside.
type reader struct {
	subject
	lookup lookup
}

// testLookups runs the suite that every implementation of replay.ClaimReader must pass.
func testLookups(t *testing.T, open func(*testing.T) reader) {
	for name, run := range map[string]func(*testing.T, reader){
		"states":     testLookupOfStates,
		"operations": testLookupOfOperations,
		"conditions": testLookupInEveryCondition,
		"no trace":   testLookupChangesNothing,
		"context":    testLookupEnds,
	} {
		t.Run(name, func(t *testing.T) { run(t, open(t)) })
	}
}

func (r reader) want(t *testing.T, correlationID string, want ...processor.Settlement) {
	t.Helper()
	got, err := r.lookup.Lookup(t.Context(), correlationID)
	for i := range want {
		want[i].Claim.CorrelationID, want[i].Claim.Hop = correlationID, 0
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%s: %+v, %v; want %+v", correlationID, got, err, want)
	}
}

func testLookupOfStates(t *testing.T, r reader) {
	c := claimOf(1, "261122103000-00000a1")
	r.want(t, c.CorrelationID)
	mustClaim(t, r.subject, c)
	r.want(t, c.CorrelationID, processor.Settlement{Claim: c, State: processor.StateClaimed})
	mustSettle(t, r.subject, waiting(c, 2))
	r.want(t, c.CorrelationID, waiting(c, 2))
	r.want(t, strings.ToUpper(c.CorrelationID), waiting(c, 2))
	mustSettle(t, r.subject, settled(c, 2, "COMPLETED"))
	r.want(t, c.CorrelationID, settled(c, 2, "COMPLETED"))
	r.forget(c)
	r.want(t, c.CorrelationID)
}

func testLookupOfOperations(t *testing.T, r reader) {
	charge := claimOf(1, "shared")
	cancellation := other(charge, 2)
	cancellation.Operation, cancellation.Fingerprint = events.Cancellation, "with a space"
	mustClaim(t, r.subject, cancellation, charge)
	mustSettle(t, r.subject, settled(cancellation, 0, ""))
	r.want(t, "shared", processor.Settlement{Claim: charge, State: processor.StateClaimed}, settled(cancellation, 0, ""))
}

// Whoever looks for a transaction is told what there is while nobody may claim on it.
func testLookupInEveryCondition(t *testing.T, r reader) {
	c := claimOf(1, "a")
	mustClaim(t, r.subject, c)
	stands := processor.Settlement{Claim: c, State: processor.StateClaimed}
	r.replace()
	r.want(t, "a", stands)
	rebuild := mustBegin(t, r.claims)
	r.want(t, "a", stands)
	rebuild.Abandon(t.Context())
	r.wipe()
	r.want(t, "a")
}

func testLookupChangesNothing(t *testing.T, r reader) {
	c := claimOf(1, "a")
	mustClaim(t, r.subject, c)
	before := r.stored(c)
	r.want(t, "a", processor.Settlement{Claim: c, State: processor.StateClaimed})
	r.want(t, "b")
	if after := r.stored(c); after != before || r.stored(claimOf(1, "b")) != "" {
		t.Errorf("stored %q, and %q after it was looked at", before, after)
	}
	wantVerdict(t, r.subject, claimOf(2, "b"), processor.Ours, 2)
}

func testLookupEnds(t *testing.T, r reader) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.lookup.Lookup(ctx, "a"); !errors.Is(err, context.Canceled) || errors.Is(err, processor.ErrClaimsUnavailable) {
		t.Errorf("got %v, want only that the context ended", err)
	}
}

func openLookup(t testing.TB, cfg Config) *Lookup {
	t.Helper()
	l, err := OpenLookup(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func TestLookupOfFake(t *testing.T) {
	testLookups(t, func(t *testing.T) reader {
		s := fakeSubject(t)
		return reader{s, s.claims.(*Fake)}
	})
}

func TestLookupOfMiniredis(t *testing.T) {
	testLookups(t, func(t *testing.T) reader {
		cfg := testConfig()
		s, server := miniSubject(t, cfg)
		cfg.Dialer = server.Dial
		return reader{s, lookedUpAgain{openLookup(t, cfg)}}
	})
}

// lookedUpAgain asks once more where the server was replaced behind open connections, as people do.
type lookedUpAgain struct{ once *Lookup }

func (l lookedUpAgain) Lookup(ctx context.Context, correlationID string) ([]processor.Settlement, error) {
	found, err := l.once.Lookup(ctx, correlationID)
	for range poolSize {
		if !errors.Is(err, processor.ErrClaimsUnavailable) {
			break
		}
		found, err = l.once.Lookup(ctx, correlationID)
	}
	return found, err
}

// A look-up leaves the claim its time to live.
func TestLookupRenewsNothing(t *testing.T) {
	server, cfg := serve(t)
	store := mustOpen(t, cfg)
	mustRebuild(t, store, 0)
	c := claimOf(1, "a")
	if _, err := store.Claim(t.Context(), 1, []processor.Claim{c}); err != nil {
		t.Fatal(err)
	}
	server.FastForward(time.Hour)
	before := server.TTL(store.keys.claim(c))
	if found, err := openLookup(t, cfg).Lookup(t.Context(), "a"); err != nil || len(found) != 1 {
		t.Fatalf("%+v, %v", found, err)
	}
	if after := server.TTL(store.keys.claim(c)); after != before {
		t.Errorf("%v to live, and %v after a look-up", before, after)
	}
}

func TestLookupThatFails(t *testing.T) {
	server, cfg := serve(t)
	l := openLookup(t, cfg)
	if err := server.Set(l.store.keys.claim(claimOf(1, "a")), "9 of a later layout"); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Lookup(t.Context(), "a"); !errors.Is(err, processor.ErrClaimsUnavailable) || !strings.Contains(err.Error(), "newer version") {
		t.Errorf("a claim that can't be read: %v", err)
	}
	server.Close()
	if _, err := l.Lookup(t.Context(), "a"); !errors.Is(err, processor.ErrClaimsUnavailable) {
		t.Errorf("no server: %v", err)
	}
	fake := NewFake(testConfig())
	fake.FailLookups(Fails)
	if _, err := fake.Lookup(t.Context(), "a"); !errors.Is(err, processor.ErrClaimsUnavailable) {
		t.Errorf("the fake: %v", err)
	}
	for _, wrong := range []func(*Config){func(c *Config) { c.Group = "" }, func(c *Config) { c.URL = "http://x" }} {
		cfg := testConfig()
		wrong(&cfg)
		if _, err := OpenLookup(cfg); err == nil {
			t.Errorf("%+v is accepted", cfg)
		}
	}
}

// A server that does not answer costs a second.
func TestLookupOfFrozenServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := testConfig()
		cfg.OperationTimeout = 0
		cfg.Dialer = func(context.Context, string, string) (net.Conn, error) {
			here, _ := net.Pipe() // nobody is at the other end
			return here, nil
		}
		l, began := openLookup(t, cfg), time.Now()
		_, err := l.Lookup(t.Context(), "a")
		if took := time.Since(began); !errors.Is(err, processor.ErrClaimsUnavailable) || took != lookupTimeout {
			t.Errorf("%v after %v, want unavailable after %v", err, took, lookupTimeout)
		}
	})
}
