package dedup

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chargeresult/chargeresult/processor"
	"github.com/chargeresult/chargeresult/processor/dedup/deduptest"
)

// A store of other topics or another cluster is rebuilt like any other, by whoever says that it is meant: what was settled stays settled,
// what a gone record merely claimed is taken over, and the processes that know the old topic are the foreigners now.
func TestRebuildOfForeignStore(t *testing.T) {
	for field, change := range map[string]func(*Config){
		"cluster_id":             func(cfg *Config) { cfg.ClusterID = "another" },
		"topic:charge-requested": func(cfg *Config) { cfg.TopicIDs = map[string][16]byte{"charge-requested": {0xbb}} },
	} {
		server, cfg := serve(t)
		before := mustOpen(t, cfg)
		answered, unfinished := claimOf(1, "a"), claimOf(2, "b")
		mustRebuild(t, before, 7)
		if _, err := before.Claim(t.Context(), 7, []processor.Claim{answered, unfinished}); err != nil {
			t.Fatal(err)
		}
		if err := before.Settle(t.Context(), []processor.Settlement{settled(answered, 0, "COMPLETED")}); err != nil {
			t.Fatal(err)
		}
		server.HSet(before.keys.sentinel(), "topic:removed", "aa")

		change(&cfg)
		cfg.Gone = func(o processor.Owner) bool { return o.TopicID == testTopic }
		store := mustOpen(t, cfg)
		mustRebuild(t, store, 1)
		again, taken := answered, unfinished
		again.Owner.TopicID, taken.Owner.TopicID = [16]byte{0xbb}, [16]byte{0xbb}
		got, err := store.Claim(t.Context(), 1, []processor.Claim{again, taken})
		if err != nil || got[0].Verdict != processor.Duplicate || got[1].Verdict != processor.Ours {
			t.Errorf("%s: after the rebuild: %+v, %v", field, got, err)
		}
		var loss *Loss
		if _, err := before.Incarnation(t.Context()); !errors.As(err, &loss) || loss.Field != field || !loss.Foreign() {
			t.Errorf("%s: a process of the old configuration: %v", field, err)
		}
		if got := server.HGet(store.keys.sentinel(), "topic:removed"); got != "" {
			t.Errorf("%s: the sentinel names %q still", field, got)
		}
	}
}

// A server that restarted and holds another's claims is foreign first: a rebuild that starts by itself would make them ours.
func TestForeignIsNotRebuiltForARestart(t *testing.T) {
	server, cfg := serve(t)
	mustRebuild(t, mustOpen(t, cfg), 0)
	server.Restart()
	cfg.ClusterID = "another"
	_, err := mustOpen(t, cfg).Incarnation(t.Context())
	if !errors.Is(err, processor.ErrClaimsForeign) {
		t.Errorf("got %v, want foreign", err)
	}
	server.Demote()
	if _, err := mustOpen(t, cfg).Incarnation(t.Context()); !errors.Is(err, processor.ErrClaimsUnavailable) {
		t.Errorf("a replica: %v", err)
	}
}

// A replica says nothing of a rebuild either.
func TestRebuildOnReplica(t *testing.T) {
	for name, meanwhile := range map[string]func(*deduptest.Server, keys){
		"another run":   func(server *deduptest.Server, _ keys) { server.Restart() },
		"lease expired": func(server *deduptest.Server, k keys) { server.Del(k.lease()) },
		"another's":     func(server *deduptest.Server, k keys) { server.Set(k.lease(), leaseValue("t", time.Now(), "h")) },
		"finished": func(server *deduptest.Server, k keys) {
			server.Del(k.lease())
			server.HSet(k.sentinel(), "incarnation", "i")
		},
	} {
		server, cfg := serve(t)
		store := mustOpen(t, cfg)
		rebuild := mustBegin(t, store)
		meanwhile(server, store.keys)
		server.Demote()
		for _, err := range []error{rebuild.Restore(t.Context(), nil), rebuild.Finish(t.Context(), 0)} {
			if !errors.Is(err, processor.ErrClaimsUnavailable) || errors.Is(err, processor.ErrClaimsLost) {
				t.Errorf("%s: got %v, want unavailable", name, err)
			}
		}
	}
}

// A dead rebuilder is waited for no longer than its lease, and a slow one keeps it by restoring nothing.
func TestLeaseInTime(t *testing.T) {
	for name, open := range map[string]func(*testing.T) subject{
		"fake": fakeSubject,
		"miniredis": func(t *testing.T) subject {
			s, server := miniSubject(t, testConfig())
			server.ClockTTL(true)
			return s
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := open(t)
				mustBegin(t, s.claims) // and dies
				time.Sleep(rebuildLease + time.Second)
				rebuild := mustBegin(t, s.claims)
				for range 3 {
					time.Sleep(rebuildLease - time.Second)
					if err := rebuild.Restore(t.Context(), nil); err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(rebuildLease - time.Second)
				if _, err := s.claims.BeginRebuild(t.Context()); !errors.Is(err, processor.ErrRebuilding) {
					t.Errorf("the lease is held: %v", err)
				}
				time.Sleep(2 * time.Second)
				if err := mustBegin(t, s.claims).Finish(t.Context(), 0); err != nil {
					t.Error(err)
				}
				if err := rebuild.Finish(t.Context(), 0); !errors.Is(err, processor.ErrRebuilding) {
					t.Errorf("the slow one finished: %v", err)
				}
			})
		})
	}
}

// A script cache that is flushed between two calls is filled again by the next, under the same lease.
func TestScriptsForgottenWhileRebuilding(t *testing.T) {
	_, cfg := serve(t)
	store := mustOpen(t, cfg)
	flush := func() {
		if err := store.client.ScriptFlush(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
	}
	flush()
	rebuild := mustBegin(t, store)
	flush()
	c := claimOf(1, "a")
	if err := rebuild.Restore(t.Context(), []processor.Settlement{settled(c, 0, "FAILED")}); err != nil {
		t.Fatal(err)
	}
	flush()
	if err := rebuild.Finish(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	claimed, err := store.Claim(t.Context(), 1, []processor.Claim{c})
	if err != nil || claimed[0].Verdict != processor.Redelivered {
		t.Errorf("%+v, %v", claimed, err)
	}
}

// What cannot be stored is a fault of the caller, and renews no lease in passing.
func TestRestoreOfNonsense(t *testing.T) {
	_, cfg := serve(t)
	rebuild := mustBegin(t, mustOpen(t, cfg))
	err := rebuild.Restore(t.Context(), []processor.Settlement{waiting(claimOf(1, "a"), 0)})
	if err == nil || errors.Is(err, processor.ErrClaimsUnavailable) || errors.Is(err, processor.ErrClaimsLost) {
		t.Errorf("got %v, want a fault of the settlement", err)
	}
}

// The Fake tells losses apart as a Store does, and a rebuild ends each.
func TestLossesOfFake(t *testing.T) {
	for name, test := range map[string]struct {
		lose    func(*Fake)
		foreign bool
	}{
		"wiped":             {(*Fake).Wipe, false},
		"replaced":          {(*Fake).Replace, false},
		"recreated":         {(*Fake).Recreate, true},
		"wiped, recreated":  {func(f *Fake) { f.Wipe(); f.Recreate() }, false},
		"recreated, failed": {func(f *Fake) { f.Recreate(); f.Replace() }, true},
	} {
		f := NewFake(testConfig())
		test.lose(f)
		_, err := f.Incarnation(t.Context())
		if !errors.Is(err, processor.ErrClaimsLost) || errors.Is(err, processor.ErrClaimsForeign) != test.foreign {
			t.Errorf("%s: got %v, want foreign: %v", name, err, test.foreign)
		}
		mustRebuild(t, f, 0)
		if _, err := f.Incarnation(t.Context()); err != nil {
			t.Errorf("%s: after a rebuild: %v", name, err)
		}
		test.lose(f)
		f.Revive()
		if _, err := f.Incarnation(t.Context()); err != nil {
			t.Errorf("%s: revived: %v", name, err)
		}
	}
}
