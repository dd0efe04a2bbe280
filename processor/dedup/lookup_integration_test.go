//go:build integration

package dedup

import (
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// TestLookupOfRedis runs the suite on a real server, by a user who has no permission but those that the package's documentation names.
func TestLookupOfRedis(t *testing.T) {
	server := startRedis(t, strings.Fields(leastPrivilege)...)
	cfg := server.config()
	cfg.URL = "redis://claims:secret@" + server.addr
	testLookups(t, func(t *testing.T) reader {
		admin := redis.NewClient(&redis.Options{Addr: server.addr, DisableIdentity: true})
		t.Cleanup(func() { admin.Close() })
		if err := admin.FlushAll(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		return reader{storeSubject(t, cfg, admin, func() { server.restart(true) }), lookedUpAgain{openLookup(t, cfg)}}
	})
}
