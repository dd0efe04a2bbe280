package dedup

import (
	"crypto/tls"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor"
)

func TestKeys(t *testing.T) {
	c := processor.Claim{Operation: events.Cancellation, CorrelationID: "261122103000-00000A1"}
	for group, want := range map[string]string{
		"charge-result": "chargeresult:{charge-result}:",
		"team.charge_1": "chargeresult:{team.charge_1}:",
		"}{":            "chargeresult:{%7D%7B}:",
		"{a}":           "chargeresult:{%7Ba%7D}:",
		"%7Ba%7D":       "chargeresult:{%257Ba%257D}:",
		"a b\n":         "chargeresult:{a%20b%0A}:",
	} {
		k := keysOf(group)
		if got := k.claim(c); got != want+"cancellation:261122103000-00000a1" {
			t.Errorf("group %q claims under %q", group, got)
		}
		if got := k.sentinel(); got != want+"sentinel" {
			t.Errorf("group %q has sentinel %q", group, got)
		}
	}
}

func TestConfigFaults(t *testing.T) {
	bad := testConfig()
	bad.Group, bad.ClusterID, bad.TTL, bad.OperationTimeout = "", "", -1, -1
	bad.TopicIDs = map[string][16]byte{"charge-cancelled": {}}
	_, err := Open(t.Context(), bad)
	if err == nil || errors.Is(err, processor.ErrClaimsUnavailable) {
		t.Fatalf("got %v, want a configuration error", err)
	}
	for _, field := range []string{"Group", "ClusterID", "TTL", "OperationTimeout", "topic charge-cancelled"} {
		if !strings.Contains(err.Error(), field) {
			t.Errorf("%q does not name %s", err, field)
		}
	}
	bad = testConfig()
	bad.TopicIDs = nil
	if _, err := Open(t.Context(), bad); err == nil || !strings.Contains(err.Error(), "TopicIDs") {
		t.Errorf("without topics: %v", err)
	}
	bad = testConfig()
	bad.TLS = &tls.Config{}
	if _, err := Open(t.Context(), bad); err == nil || !strings.Contains(err.Error(), "rediss") {
		t.Errorf("TLS with a redis URL: %v", err)
	}
}

func TestURL(t *testing.T) {
	for raw, want := range map[string]redis.UniversalOptions{
		"redis://u:p%40@h:1/2": {Addrs: []string{"h:1"}, Username: "u", Password: "p@", DB: 2},
		"rediss://h":           {Addrs: []string{"h:6379"}, TLSConfig: &tls.Config{}},
		"redis+sentinel://su:sp@s1:26379/1?addr=s2:26379&master_name=m&username=u&password=p": {
			Addrs: []string{"s1:26379", "s2:26379"}, MasterName: "m", DB: 1,
			Username: "u", Password: "p", SentinelUsername: "su", SentinelPassword: "sp",
		},
		"rediss+cluster://u:p@c1:1?addr=c2:2": {Addrs: []string{"c1:1", "c2:2"}, IsClusterMode: true, Username: "u", Password: "p", TLSConfig: &tls.Config{}},
	} {
		got, _, err := parseURL(raw)
		if err != nil {
			t.Errorf("%s: %v", raw, err)
			continue
		}
		if (got.TLSConfig != nil) != (want.TLSConfig != nil) {
			t.Errorf("%s: TLS: %v", raw, got.TLSConfig != nil)
		}
		got.TLSConfig, want.TLSConfig = nil, nil
		if !reflect.DeepEqual(*got, want) {
			t.Errorf("%s is read as %+v, want %+v", raw, *got, want)
		}
	}
}

// A URL's error says what is wrong, and shows no password.
func TestURLFaults(t *testing.T) {
	for raw, want := range map[string]string{
		"":                                    "scheme",
		"http://u:hunter2@h":                  "scheme",
		"redis://u:hunter2#/@h:1":             "%XX",
		"redis://u:hunter2@h:port":            "%XX",
		"redis+ring://u:hunter2@h":            "ring",
		"redis://u:hunter2@h?pool_size=3":     "pool_size",
		"rediss://u:hunter2@h?skip_verify=1":  "skip_verify",
		"redis://u:hunter2@h/zero":            "database",
		"redis+sentinel://u:hunter2@h":        "master_name",
		"redis+cluster://u:hunter2@h?addr=h2": "addr",
	} {
		cfg := testConfig()
		cfg.URL = raw
		_, err := Open(t.Context(), cfg)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v, want an error that names %s", raw, err, want)
		}
	}
}

func TestClientOptions(t *testing.T) {
	cfg := testConfig().withDefaults()
	cfg.URL = "rediss://h"
	cfg.TLS = &tls.Config{MinVersion: tls.VersionTLS10}
	client, where, err := newClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	o := client.(*redis.Client).Options()
	if !o.ContextTimeoutEnabled || o.MaxRetries != 0 || !o.DisableIdentity {
		t.Errorf("options are %+v: want context timeouts, no retries, no identity", o)
	}
	if o.TLSConfig.MinVersion != tls.VersionTLS12 || cfg.TLS.MinVersion != tls.VersionTLS10 {
		t.Error("TLS below 1.2, or the caller's configuration changed")
	}
	if where != "h" {
		t.Errorf("server is %q", where)
	}
}
