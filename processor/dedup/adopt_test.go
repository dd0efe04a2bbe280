package dedup

import (
	"errors"
	"testing"

	"github.com/chargeresult/chargeresult/processor"
)

// A topic that was recreated on purpose is adopted: what was settled stays settled, generations begin anew, and whoever claimed before must claim again.
func TestAdoptRecreatedTopic(t *testing.T) {
	server, cfg := serve(t)
	before := mustOpen(t, cfg)
	if err := before.Initialise(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := claimOf(1, "a")
	claimed, err := before.Claim(t.Context(), 7, []processor.Claim{c})
	if err != nil {
		t.Fatal(err)
	}
	if err := before.Settle(t.Context(), []processor.Settlement{settled(c, 0, "COMPLETED")}); err != nil {
		t.Fatal(err)
	}
	cfg.TopicIDs = map[string][16]byte{"charge-requested": {0xbb}}
	store := mustOpen(t, cfg)
	if _, err := store.Claim(t.Context(), 1, []processor.Claim{c}); !errors.Is(err, processor.ErrClaimsLost) {
		t.Fatalf("before it is adopted: %v", err)
	}
	if err := store.Adopt(t.Context()); err != nil {
		t.Fatal(err)
	}
	again := c
	again.Owner.TopicID = [16]byte{0xbb}
	got, err := store.Claim(t.Context(), 1, []processor.Claim{again})
	if err != nil || got[0].Verdict != processor.Duplicate || got[0].Incarnation == claimed[0].Incarnation {
		t.Errorf("after it is adopted: %+v, %v", got, err)
	}
	if _, err := before.Incarnation(t.Context()); !errors.Is(err, processor.ErrClaimsLost) {
		t.Errorf("a process that knows the old topic: %v", err)
	}
	for name, lose := range map[string]func(){"replaced": server.Restart, "wiped": server.FlushAll} {
		lose()
		if err := store.Adopt(t.Context()); !errors.Is(err, processor.ErrClaimsLost) {
			t.Errorf("a store that was %s: %v", name, err)
		}
	}
}

// Another cluster's claims are never adopted: the same topic IDs may live on both.
func TestAdoptKeepsToItsCluster(t *testing.T) {
	_, cfg := serve(t)
	if err := mustOpen(t, cfg).Initialise(t.Context()); err != nil {
		t.Fatal(err)
	}
	cfg.ClusterID = "another"
	var loss *Loss
	if err := mustOpen(t, cfg).Adopt(t.Context()); !errors.As(err, &loss) || loss.Field != "cluster_id" {
		t.Errorf("got %v", err)
	}
}
