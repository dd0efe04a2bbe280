package dedup

import (
	"context"
	"errors"
	"maps"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chargeresult/chargeresult/processor"
	"github.com/chargeresult/chargeresult/processor/dedup/deduptest"
)

// serve starts a server in memory, and returns a Config of it.
func serve(t testing.TB) (*deduptest.Server, Config) {
	server := deduptest.Start()
	t.Cleanup(server.Close)
	cfg := testConfig()
	cfg.Dialer = server.Dial
	return server, cfg
}

// F2: the very connection that claimed before finds that its server is another now. No new connection is needed to notice.
func TestServerReplacedBehindOpenConnection(t *testing.T) {
	server, cfg := serve(t)
	store := mustOpen(t, cfg)
	mustRebuild(t, store, 0)
	connections := server.TotalConnectionCount()
	stored := server.HGet(store.keys.sentinel(), "run_id")
	server.Restart()
	_, err := store.Claim(t.Context(), 1, []processor.Claim{claimOf(1, "a")})
	var loss *Loss
	if !errors.As(err, &loss) || loss.Field != "run_id" || loss.Stored != stored || loss.Found == stored {
		t.Errorf("got %v, want a Loss of run_id %s", err, stored)
	}
	if got := server.TotalConnectionCount(); got != connections {
		t.Errorf("%d new connections", got-connections)
	}
	if keys := server.Keys(); len(keys) != 1 {
		t.Errorf("the replaced server holds %v", keys)
	}
}

// A replica knows less than its master, and a loss may not be concluded from it.
func TestReplicaIsNoLoss(t *testing.T) {
	server, cfg := serve(t)
	store := mustOpen(t, cfg)
	for _, situation := range []func(){
		func() {}, // the sentinel has not arrived yet
		func() {
			server.HSet(store.keys.sentinel(), "incarnation", "i", "run_id", "the master", "generation", "0")
		},
	} {
		situation()
		server.Demote()
		_, err := store.Incarnation(t.Context())
		if !errors.Is(err, processor.ErrClaimsUnavailable) || errors.Is(err, processor.ErrClaimsLost) {
			t.Errorf("got %v, want unavailable", err)
		}
	}
}

func TestForeignIdentity(t *testing.T) {
	server, cfg := serve(t)
	mustRebuild(t, mustOpen(t, cfg), 0)
	cluster, topic := cfg, cfg
	cluster.ClusterID = "another"
	topic.TopicIDs = map[string][16]byte{"charge-cancelled": {9}, "charge-requested": {7}}
	for _, test := range []struct {
		cfg                  Config
		field, stored, found string
	}{
		{cluster, "cluster_id", cfg.ClusterID, "another"},
		{topic, "topic:charge-requested", "5f0c0000000000000000000000000001", "07000000000000000000000000000000"},
	} {
		store := mustOpen(t, test.cfg)
		_, err := store.Claim(t.Context(), 1, []processor.Claim{claimOf(1, "a")})
		var loss *Loss
		if !errors.As(err, &loss) || loss.Field != test.field || loss.Stored != test.stored || loss.Found != test.found {
			t.Errorf("got %v, want a Loss of %s", err, test.field)
		}
		if !errors.Is(err, processor.ErrClaimsForeign) || !errors.Is(err, processor.ErrClaimsLost) || !strings.Contains(err.Error(), "accept-offsets") {
			t.Errorf("got %v, want a foreign loss that names accept-offsets", err)
		}
		for _, name := range []string{test.field, test.stored, test.found} {
			if err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%v does not name %s", err, name)
			}
		}
		if keys := server.Keys(); len(keys) != 1 {
			t.Errorf("a foreigner left %v", keys)
		}
		if got := server.HGet(store.keys.sentinel(), "topic:charge-cancelled"); got != "" {
			t.Errorf("a foreigner added topic %s", got)
		}
	}
}

// A topic that is added has no claims yet, and joins; from then on its ID is held to like the others.
func TestAddedTopic(t *testing.T) {
	_, cfg := serve(t)
	first := mustOpen(t, cfg)
	mustRebuild(t, first, 0)
	cfg.TopicIDs = maps.Clone(cfg.TopicIDs)
	cfg.TopicIDs["charge-cancelled"] = [16]byte{1}
	if _, err := mustOpen(t, cfg).Incarnation(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := first.Incarnation(t.Context()); err != nil {
		t.Errorf("an instance that does not know the topic yet: %v", err)
	}
	cfg.TopicIDs["charge-cancelled"] = [16]byte{2}
	if _, err := mustOpen(t, cfg).Incarnation(t.Context()); !errors.Is(err, processor.ErrClaimsLost) {
		t.Errorf("the topic was recreated: %v", err)
	}
}

// A new server, and SCRIPT FLUSH, know no script: the call brings it along.
func TestScriptsForgotten(t *testing.T) {
	_, cfg := serve(t)
	store := mustOpen(t, cfg)
	mustRebuild(t, store, 0)
	for i := range int64(3) {
		if err := store.client.ScriptFlush(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		claimed, err := store.Claim(t.Context(), 1, []processor.Claim{claimOf(i, "a")})
		if err != nil || claimed[0].Owner.Offset != 0 {
			t.Errorf("%+v, %v", claimed, err)
		}
	}
}

func TestGroupsApart(t *testing.T) {
	_, cfg := serve(t)
	for i, group := range []string{"a", "b", "{a}"} {
		cfg.Group = group
		store := mustOpen(t, cfg)
		mustRebuild(t, store, 0)
		claimed, err := store.Claim(t.Context(), 1, []processor.Claim{claimOf(int64(i), "a")})
		if err != nil || claimed[0].Verdict != processor.Ours {
			t.Errorf("group %s: %+v, %v", group, claimed, err)
		}
	}
}

// A value that this version cannot read stops intake until somebody looks: neither a duplicate nor a free key may be concluded from it.
func TestUnreadableClaim(t *testing.T) {
	server, cfg := serve(t)
	store := mustOpen(t, cfg)
	mustRebuild(t, store, 0)
	c := claimOf(1, "a")
	for _, value := range unreadable[1:] {
		server.Set(store.keys.claim(c), value)
		if _, err := store.Claim(t.Context(), 1, []processor.Claim{c}); !errors.Is(err, processor.ErrClaimsUnavailable) || !strings.Contains(err.Error(), store.keys.claim(c)) {
			t.Errorf("%q: %v", value, err)
		}
	}
}

func TestTimeToLive(t *testing.T) {
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
				s, c := open(t), claimOf(1, "a")
				mustClaim(t, s, c)
				time.Sleep(DefaultTTL - time.Second)
				wantVerdict(t, s, other(c, 2), processor.Duplicate, 1) // renews nothing
				mustSettle(t, s, settled(c, 0, "FAILED"))              // renews
				time.Sleep(DefaultTTL - time.Second)
				mustSettle(t, s, waiting(c, 1)) // lowers nothing, and renews
				time.Sleep(DefaultTTL - time.Second)
				wantVerdict(t, s, other(c, 2), processor.Duplicate, 1)
				time.Sleep(2 * time.Second)
				wantVerdict(t, s, other(c, 2), processor.Ours, 2)
			})
		})
	}
}

// A server that accepts connections and never answers costs the operation timeout, and no more.
func TestFrozenServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, cfg := serve(t)
		cfg.OperationTimeout = 0 // the default
		store := mustOpen(t, cfg)
		cfg.Dialer = func(context.Context, string, string) (net.Conn, error) {
			time.Sleep(DefaultOperationTimeout / 4) // all of a call shares one timeout, connecting included
			client, end := net.Pipe()
			t.Cleanup(func() { end.Close() })
			return client, nil
		}
		start := time.Now()
		_, err := Open(t.Context(), cfg)
		if !errors.Is(err, processor.ErrClaimsUnavailable) || time.Since(start) != DefaultOperationTimeout {
			t.Errorf("after %v: %v", time.Since(start), err)
		}

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := Open(ctx, cfg); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, processor.ErrClaimsUnavailable) {
			t.Errorf("the caller's own deadline: %v", err)
		}
		server.Close()
		if _, err := store.Incarnation(t.Context()); !errors.Is(err, processor.ErrClaimsUnavailable) {
			t.Errorf("after the server is gone: %v", err)
		}
	})
}

// Whatever the server refuses with is no loss, and the error says what to do.
func TestRefusals(t *testing.T) {
	server, cfg := serve(t)
	store := mustOpen(t, cfg)
	mustRebuild(t, store, 0)
	rebuild := mustBegin(t, store)
	for message, want := range map[string]string{
		"LOADING Redis is loading the dataset in memory":                                     "wait",
		"READONLY You can't write against a read only replica.":                              "replica",
		"OOM command not allowed when used memory > 'maxmemory'.":                            "maxmemory",
		"MISCONF Redis is configured to save RDB snapshots, but it's currently unable to":    "disk",
		"NOAUTH Authentication required.":                                                    "credentials",
		"NOPERM this user has no permissions to run the 'evalsha' command":                   "permission",
		"MOVED 1234 127.0.0.1:6381":                                                          "redis+cluster",
		"CLUSTERDOWN The cluster is down":                                                    "shard",
		"NOREPLICAS Not enough good replicas to write.":                                      "min-replicas",
		"MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.":   "failover",
		"BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NO.": "SCRIPT KILL",
		"ERR something new": "something new",
	} {
		server.Refuse(message)
		_, claimErr := store.Claim(t.Context(), 1, []processor.Claim{claimOf(1, "a")})
		settleErr := store.Settle(t.Context(), []processor.Settlement{settled(claimOf(1, "a"), 0, "")})
		_, incarnationErr := store.Incarnation(t.Context())
		_, factsErr := store.Facts(t.Context())
		_, beginErr := store.BeginRebuild(t.Context())
		restoreErr, finishErr := rebuild.Restore(t.Context(), nil), rebuild.Finish(t.Context(), 0)
		for _, err := range []error{claimErr, settleErr, incarnationErr, factsErr, beginErr, restoreErr, finishErr} {
			if !errors.Is(err, processor.ErrClaimsUnavailable) || errors.Is(err, processor.ErrClaimsLost) || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v, want unavailable, and %q", message, err, want)
			}
		}
	}
	server.Refuse("")
	if err := rebuild.Finish(t.Context(), 0); err != nil {
		t.Error(err)
	}
}
