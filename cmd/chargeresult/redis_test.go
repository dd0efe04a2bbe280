package main

import (
	"testing"

	"github.com/chargeresult/chargeresult/processor/dedup"
)

func TestRedisAddress(t *testing.T) {
	for url, want := range map[string]string{
		"redis://h":           "redis://:a%40b%2Fc@h",
		"redis://me:old@h/1":  "redis://me:a%40b%2Fc@h/1",
		"redis+cluster://h:1": "redis+cluster://:a%40b%2Fc@h:1",
		"redis+sentinel://s:sp@h:1?master_name=m": "redis+sentinel://s:sp@h:1?master_name=m&password=a%40b%2Fc",
	} {
		got := redisAddress(config{RedisURL: newSecret(url), RedisPassword: newSecret("a@b/c")})
		if got != want {
			t.Errorf("%s: %s, want %s", url, got, want)
		}
		if got := redisAddress(config{RedisURL: newSecret(url)}); got != url {
			t.Errorf("%s without a password of its own: %s", url, got)
		}
		if err := dedup.CheckURL(got); err != nil {
			t.Errorf("%s: %v", got, err)
		}
	}
}
