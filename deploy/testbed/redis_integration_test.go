//go:build integration

package testbed_test

import (
	"bufio"
	"context"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/chargeresult/chargeresult/deploy/testbed"
)

const patience = 10 * time.Second // for what must happen soon

func TestRedisKillAndRestart(t *testing.T) {
	for _, test := range []struct {
		name string
		args []string
		want int64
	}{
		{name: "in memory", want: 0},
		{name: "durable", args: []string{"--appendonly", "yes", "--appendfsync", "always"}, want: 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := testbed.StartRedis(t, test.args...)
			set(t, r.URL, "key")
			r.Kill()
			if c, err := net.Dial("tcp", r.Addr); err == nil {
				c.Close()
				t.Error("the killed Redis's port is open")
			}
			r.Restart()
			if got := keys(t, r.URL); got != test.want {
				t.Errorf("%d keys after kill and restart, want %d", got, test.want)
			}
		})
	}
}

func TestRedisFreezeThawFlush(t *testing.T) {
	r := testbed.StartRedis(t)
	set(t, r.URL, "key")
	r.Freeze()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := redisClient(t, r.URL).Ping(ctx).Err(); err == nil {
		t.Error("a frozen Redis answered")
	}
	r.Thaw()
	if got := keys(t, r.URL); got != 1 {
		t.Errorf("%d keys after the thaw, want 1", got)
	}
	r.FlushAll()
	if got := keys(t, r.URL); got != 0 {
		t.Errorf("%d keys after the flush, want none", got)
	}
}

func TestSharedRedis(t *testing.T) {
	set(t, testbed.SharedRedis(t), testbed.Unique(t))
}

func TestStartRedisServerSaysWhyItFailed(t *testing.T) {
	_, err := testbed.StartRedisServer(t.Context(), "--maxmemory-policy", "sometimes")
	if err == nil || !strings.Contains(err.Error(), "ended while starting") {
		t.Errorf("error %v, want that it ended while starting", err)
	}
	t.Setenv("PATH", "")
	_, err = testbed.StartRedisServer(t.Context())
	if err == nil || !strings.Contains(err.Error(), "apt-get install redis-server") {
		t.Errorf("error %v does not say what to install", err)
	}
}

// A test process that is killed takes its servers with it.
func TestServersEndWithTheirProcess(t *testing.T) {
	const role = "TESTBED_ROLE_START_AND_HANG"
	if os.Getenv(role) != "" {
		r := testbed.StartRedis(t)
		os.Stdout.WriteString("addr " + r.Addr + "\n")
		select {}
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestServersEndWithTheirProcess$")
	cmd.Env = append(os.Environ(), role+"=1")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	addr := strings.TrimSpace(strings.TrimPrefix(line, "addr "))
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed
	for deadline := time.Now().Add(patience); ; <-time.After(10 * time.Millisecond) {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			return
		}
		c.Close()
		if time.Now().After(deadline) {
			t.Fatalf("Redis at %s still runs", addr)
		}
	}
}

func set(t *testing.T, url, key string) {
	t.Helper()
	if err := redisClient(t, url).Set(t.Context(), key, "", 0).Err(); err != nil {
		t.Fatal(err)
	}
}

func keys(t *testing.T, url string) int64 {
	t.Helper()
	n, err := redisClient(t, url).DBSize(t.Context()).Result()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func redisClient(t *testing.T, url string) *redis.Client {
	t.Helper()
	options, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	options.ContextTimeoutEnabled = true
	c := redis.NewClient(options)
	t.Cleanup(func() { c.Close() })
	return c
}
