//go:build integration

package dedup

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chargeresult/chargeresult/processor"
)

// claimedOn is a store on a real server, with a claim of record 1 for transaction "a".
func claimedOn(t *testing.T, cfg Config) *Store {
	store := mustOpen(t, cfg)
	mustRebuild(t, store, 0)
	wantOwner(t, store, claimOf(1, "a"), 1)
	return store
}

// wantOwner claims, and checks who owns the transaction.
func wantOwner(t *testing.T, store *Store, c processor.Claim, owner int64) {
	t.Helper()
	claimed, err := store.Claim(t.Context(), 1, []processor.Claim{c})
	if err != nil || claimed[0].Owner.Offset != owner {
		t.Errorf("%+v, %v, want owner %d", claimed, err, owner)
	}
}

// errOf is the error of a BeginRebuild.
func errOf(_ processor.Rebuild, err error) error { return err }

func wantError(t *testing.T, store *Store, want error, text string) {
	t.Helper()
	_, err := store.Claim(t.Context(), 1, []processor.Claim{claimOf(2, "a")})
	if !errors.Is(err, want) || !strings.Contains(err.Error(), text) {
		t.Errorf("got %v, want %v with %q", err, want, text)
	}
}

// F2, for real: the server comes back on its port, without the last claims or with nothing at all.
func TestFailover(t *testing.T) {
	server := startRedis(t)
	store := claimedOn(t, server.config())
	server.restart(true)
	wantError(t, store, processor.ErrClaimsLost, "restarted or failed over")
	server.restart(false)
	wantError(t, store, processor.ErrClaimsLost, "wiped")
	server.kill()
	wantError(t, store, processor.ErrClaimsUnavailable, "connection refused")
	server.start()
}

// F2, the long way: a server is demoted, copies its successor, and is promoted again, all behind one open connection.
func TestFailoverAndBack(t *testing.T) {
	server, successor := startRedis(t), startRedis(t)
	store := claimedOn(t, server.config())
	onSuccessor := claimedOn(t, successor.config())
	wantOwner(t, onSuccessor, claimOf(7, "b"), 7)

	rebuild := mustBegin(t, store)
	host, port, _ := net.SplitHostPort(successor.addr)
	admin := server.admin()
	if err := admin.ReplicaOf(t.Context(), host, port).Err(); err != nil {
		t.Fatal(err)
	}
	wantError(t, store, processor.ErrClaimsUnavailable, "") // a replica, loading or in sync
	key := store.keys.claim(claimOf(7, "b"))
	for deadline := time.Now().Add(startTimeout); admin.Exists(t.Context(), key).Val() == 0; {
		if time.Now().After(deadline) {
			t.Fatal("the replica did not catch up")
		}
	}
	wantError(t, store, processor.ErrClaimsUnavailable, "replica")
	for _, err := range []error{rebuild.Restore(t.Context(), nil), rebuild.Finish(t.Context(), 0), errOf(store.BeginRebuild(t.Context()))} {
		if !errors.Is(err, processor.ErrClaimsUnavailable) || !strings.Contains(err.Error(), "replica") {
			t.Errorf("a rebuild on a replica: %v", err)
		}
	}
	if err := admin.ReplicaOf(t.Context(), "NO", "ONE").Err(); err != nil {
		t.Fatal(err)
	}
	wantError(t, store, processor.ErrClaimsLost, "restarted or failed over")
	wantOwner(t, onSuccessor, claimOf(8, "b"), 7)
}

// A frozen server costs the operation timeout. What it does when it thaws is found to be one's own.
func TestFrozenRedis(t *testing.T) {
	server := startRedis(t)
	cfg := server.config()
	cfg.OperationTimeout = 200 * time.Millisecond
	store := claimedOn(t, cfg)
	server.signal(syscall.SIGSTOP)
	start := time.Now()
	_, err := store.Claim(t.Context(), 1, []processor.Claim{claimOf(3, "b")})
	if !errors.Is(err, processor.ErrClaimsUnavailable) || !strings.Contains(err.Error(), "200ms") || time.Since(start) > 2*time.Second {
		t.Errorf("after %v: %v", time.Since(start), err)
	}
	server.signal(syscall.SIGCONT)
	wantOwner(t, store, claimOf(3, "b"), 3)
	wantOwner(t, store, claimOf(2, "a"), 1)

	rebuild := mustBegin(t, store)
	server.signal(syscall.SIGSTOP)
	if err := rebuild.Finish(t.Context(), 0); !errors.Is(err, processor.ErrClaimsUnavailable) {
		t.Errorf("finished on a frozen server: %v", err)
	}
	server.signal(syscall.SIGCONT)
	if err := rebuild.Finish(t.Context(), 0); err != nil {
		t.Errorf("finished again: %v", err)
	}
	wantOwner(t, store, claimOf(3, "b"), 3)
}

func TestFullMemory(t *testing.T) {
	server := startRedis(t)
	store := claimedOn(t, server.config())
	admin := server.admin()
	if err := admin.ConfigSet(t.Context(), "maxmemory", "1").Err(); err != nil {
		t.Fatal(err)
	}
	wantError(t, store, processor.ErrClaimsUnavailable, "maxmemory")
	err := store.Settle(t.Context(), []processor.Settlement{settled(claimOf(1, "a"), 0, "FAILED")})
	if !errors.Is(err, processor.ErrClaimsUnavailable) {
		t.Error(err)
	}
	if err := errOf(store.BeginRebuild(t.Context())); !errors.Is(err, processor.ErrClaimsUnavailable) {
		t.Error(err)
	}
	if err := admin.ConfigSet(t.Context(), "maxmemory", "0").Err(); err != nil {
		t.Fatal(err)
	}
	wantOwner(t, store, claimOf(2, "a"), 1)
}

func TestRealFacts(t *testing.T) {
	server := startRedis(t, "--maxmemory-policy", "allkeys-lru", "--appendonly", "yes")
	store := mustOpen(t, server.config())
	f, err := store.Facts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if f.Version == "" || f.RunID == "" || f.Role != "master" || f.MaxMemoryPolicy != "allkeys-lru" || !f.AOF {
		t.Errorf("facts are %+v", f)
	}
	if err := CheckPolicy(f); err == nil {
		t.Error("allkeys-lru was accepted")
	}
}

// The size that the package's documentation gives to plan by.
func TestMemoryPerClaim(t *testing.T) {
	server := startRedis(t)
	store := claimedOn(t, server.config())
	used := func() int64 {
		used, err := server.admin().InfoMap(t.Context(), "memory").Result()
		if err != nil {
			t.Fatal(err)
		}
		var n int64
		fmt.Sscan(used["Memory"]["used_memory"], &n)
		return n
	}
	const n = 1 << 16 // a full hash table
	before := used()
	var claims []processor.Claim
	var settlements []processor.Settlement
	for i := range int64(n) {
		c := claimOf(1_000_000+i, fmt.Sprintf("261122103000-%07x", i))
		claims, settlements = append(claims, c), append(settlements, settled(c, 1, "COMPLETED"))
	}
	if _, err := store.Claim(t.Context(), 1, claims); err != nil {
		t.Fatal(err)
	}
	if err := store.Settle(t.Context(), settlements); err != nil {
		t.Fatal(err)
	}
	perClaim := (used() - before) / n
	t.Logf("%d bytes per claim", perClaim)
	if perClaim < 150 || perClaim > 320 {
		t.Errorf("%d bytes per claim, the documentation says about 250", perClaim)
	}
}
