//go:build integration

package main

import (
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/chargeresult/chargeresult/deploy/testbed"
	"github.com/chargeresult/chargeresult/processor"
)

// TestClaimsLost takes Redis's memory away under load with one event in five a duplicate. Intake stops within a second, for a named reason, and
// stays stopped; what was in flight is neither published twice nor lost, as the rest of the work shows once the claims are there again.
func TestClaimsLost(t *testing.T) {
	for name, lose := range map[string]func(*testbed.Redis){
		"wiped":           (*testbed.Redis).FlushAll,
		"restarted empty": func(r *testbed.Redis) { r.Kill(); r.Restart() },
	} {
		t.Run(name, func(t *testing.T) {
			redis := testbed.StartRedis(t)
			s := newSite(t, testbed.SharedKafka(t), redis.URL, 4, steady)
			var sent sending
			p := s.underLoad(&sent, beyondLookAhead, 0.2)
			lose(redis)
			held := p.awaitHeld(processor.ErrClaimsLost.Error(), soon)
			t.Logf("held %v after the loss: %s", held.Round(time.Millisecond), p.status().Engine.Held)
			if held > time.Second {
				t.Errorf("intake stopped %v after the loss, want within a second", held)
			}
			p.staysHeld(&sent, redis.Addr)
			t.Logf("SIGTERM while held: %v", p.stops(soon).Round(time.Millisecond))
			s.rebuild()
			s.startAndAwait("")
			s.awaitDone(eventually)
			s.judged(&sent)
		})
	}
}

// staysHeld fails the test if anything is claimed or committed while the claims are lost, or if anything was published twice.
func (p *program) staysHeld(sent *sending, redisAddr string) {
	p.Helper()
	before := p.status().Engine.Committed
	time.Sleep(3 * time.Second) // several tries to go on
	p.alive()
	after := p.status().Engine
	if !strings.Contains(after.Held, processor.ErrClaimsLost.Error()) || after.Committed != before {
		p.Errorf("held: %q; %d messages committed since", after.Held, after.Committed-before)
	}
	client := redis.NewClient(&redis.Options{Addr: redisAddr})
	defer client.Close()
	if keys, err := client.DBSize(p.Context()).Result(); err != nil || keys != 0 {
		p.Errorf("a store that was lost has %d keys (%v)", keys, err)
	}
	v := p.judge(sent)
	if len(v.missing) == 0 || v.unended == 0 {
		p.Error("everything was done before the claims were lost: the test shows nothing")
	}
	if len(v.twice)+len(v.repeated)+len(v.unordered)+v.letters > 0 {
		p.Errorf("while held: %v", v)
	}
}

// rebuild makes the claims again, from the results, as an operator's tool would; no process runs.
func (s *site) rebuild() {
	s.Helper()
	cfg, _, faults := load(nil, s.environment(""), everything())
	if len(faults) > 0 {
		s.Fatal(faults)
	}
	cluster, err := openCluster(s.Context(), cfg)
	if err != nil {
		s.Fatal(err)
	}
	defer cluster.close()
	claims, err := openClaims(s.Context(), cfg, cluster)
	if err != nil {
		s.Fatal(err)
	}
	defer claims.Close()
	if err := claims.Initialise(s.Context()); err != nil {
		s.Fatal(err)
	}
	if err := cluster.resettle(s.Context(), claims, slog.New(slog.NewTextHandler(io.Discard, nil))); err != nil {
		s.Fatal(err)
	}
}
