//go:build integration

package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/chargeresult/chargeresult/deploy/testbed"
)

// What preflight reads is what real servers say: the release from the versions of EndTxn, the finalized feature, the topics' settings, INFO.
func TestPreflightOnRealServers(t *testing.T) {
	environ := complete("CHARGERESULT_KAFKA_BROKERS="+testbed.SharedKafka(t), "CHARGERESULT_REDIS_URL="+testbed.SharedRedis(t))
	name := testbed.Unique(t)
	for _, setting := range []string{"REQUESTED", "CANCELLED", "RESULT", "DEAD_LETTER", "DUPLICATES"} {
		environ = append(environ, "CHARGERESULT_TOPIC_"+setting+"="+name+"."+strings.ToLower(setting))
	}
	if got := runProgram(t, environ, "topics", "--execute", "--partitions", "3", "--replication", "1"); got.code != exitDone {
		t.Fatalf("%+v", got)
	}
	if got := runProgram(t, environ, "topics", "--partitions", "3", "--replication", "1"); got.code != exitDone {
		t.Fatalf("created, and yet not as it should be: %+v", got)
	}
	got := runProgram(t, environ, "preflight")
	if got.code != exitDone || !strings.Contains(got.stdout, "broker 1: v4.") {
		t.Errorf("%+v", got)
	}
	evicting := testbed.StartRedis(t, "--maxmemory-policy", "allkeys-lru")
	refusals := refusalsOf(preflight(t.Context(), mustLoad(t, append(environ, "CHARGERESULT_REDIS_URL="+evicting.URL)...)))
	if !slices.Equal(refusals, []string{"redis maxmemory_policy"}) {
		t.Errorf("a Redis that evicts: %v", refusals)
	}
}
