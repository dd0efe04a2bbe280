package dedup

import (
	"strings"
	"testing"
)

func TestFacts(t *testing.T) {
	server, cfg := serve(t)
	got, err := mustOpen(t, cfg).Facts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got.RunID == "" || got.Role != "master" || got.MaxMemoryPolicy != "noeviction" {
		t.Errorf("facts are %+v", got)
	}
	server.Demote()
	if got, err := mustOpen(t, cfg).Facts(t.Context()); err != nil || got.Role != "slave" {
		t.Errorf("a replica's facts are %+v, %v", got, err)
	}
}

func TestParseInfo(t *testing.T) {
	info := "# Server\r\nredis_version:7.0.15\r\nrun_id:0d6f\r\n\r\n# Memory\r\nmaxmemory_policy:allkeys-lru\r\n" +
		"# Persistence\r\naof_enabled:1\r\n# Stats\r\nevicted_keys:42\r\n# Replication\r\nrole:slave\r\n"
	want := Facts{Version: "7.0.15", RunID: "0d6f", Role: "slave", MaxMemoryPolicy: "allkeys-lru", AOF: true, EvictedKeys: 42}
	if got := parseInfo(info); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := parseInfo(""); got != (Facts{}) {
		t.Errorf("nothing said is read as %+v", got)
	}
}

func TestCheckPolicy(t *testing.T) {
	if err := CheckPolicy(Facts{MaxMemoryPolicy: "noeviction"}); err != nil {
		t.Error(err)
	}
	for _, policy := range []string{"allkeys-lru", "volatile-ttl", ""} {
		err := CheckPolicy(Facts{MaxMemoryPolicy: policy})
		if err == nil || !strings.Contains(err.Error(), `"`+policy+`"`) || !strings.Contains(err.Error(), "noeviction") {
			t.Errorf("policy %q: %v, want an error that names it and what to set", policy, err)
		}
	}
}
