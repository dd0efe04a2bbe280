//go:build integration

package dedup

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/chargeresult/chargeresult/processor"
)

// startTimeout bounds the wait for a server that was started.
const startTimeout = 10 * time.Second

// realServer is a redis-server process, found in PATH.
type realServer struct {
	t    testing.TB
	addr string
	args []string
	dir  string
	cmd  *exec.Cmd
}

// startRedis starts a server on a free port of this machine.
func startRedis(t testing.TB, args ...string) *realServer {
	dir, err := os.MkdirTemp("", "dedup")
	if err != nil {
		t.Fatal(err)
	}
	s := &realServer{t: t, addr: freeAddr(t), args: args, dir: dir}
	t.Cleanup(func() {
		s.kill()
		os.RemoveAll(dir)
	})
	s.start()
	return s
}

// freeAddr is an address that nothing listens on now.
func freeAddr(t testing.TB) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// start starts the process, on the data that its folder holds, and waits until it answers.
func (s *realServer) start() {
	s.t.Helper()
	_, port, _ := net.SplitHostPort(s.addr)
	args := append([]string{"--port", port, "--bind", "127.0.0.1", "--dir", s.dir, "--save", "", "--loglevel", "warning"}, s.args...)
	s.cmd = exec.Command("redis-server", args...)
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	await(s.t, func(ctx context.Context) bool { return s.admin().Ping(ctx).Err() == nil })
}

// kill ends the process as a crash does.
func (s *realServer) kill() {
	s.cmd.Process.Kill()
	s.cmd.Wait()
}

// restart kills the process, and starts another one on the same port: with the data, or empty.
func (s *realServer) restart(keepData bool) {
	s.t.Helper()
	if keepData {
		if err := s.admin().Save(s.t.Context()).Err(); err != nil {
			s.t.Fatal(err)
		}
	}
	s.kill()
	if !keepData {
		os.Remove(s.dir + "/dump.rdb")
	}
	s.start()
}

func (s *realServer) signal(sig syscall.Signal) {
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// admin is a client that may do anything.
func (s *realServer) admin() *redis.Client {
	client := redis.NewClient(&redis.Options{Addr: s.addr, DisableIdentity: true})
	s.t.Cleanup(func() { client.Close() })
	return client
}

// config is a Config of the server.
func (s *realServer) config() Config {
	cfg := testConfig()
	cfg.URL = "redis://" + s.addr
	cfg.Dialer = (&net.Dialer{}).DialContext
	return cfg
}

// await waits until a condition holds.
func await(t testing.TB, condition func(context.Context) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(context.Background(), startTimeout, errors.New("start timeout"))
	defer cancel()
	for tick := time.Tick(20 * time.Millisecond); !condition(ctx); {
		select {
		case <-tick:
		case <-ctx.Done():
			t.Fatal(context.Cause(ctx))
		}
	}
}

// contractOn runs the contract suite on a server, by a Config of it.
func contractOn(t *testing.T, server *realServer, cfg Config) {
	testContract(t, func(t *testing.T) subject {
		admin := redis.NewClient(&redis.Options{Addr: server.addr, DisableIdentity: true})
		t.Cleanup(func() { admin.Close() })
		if err := admin.FlushAll(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		return storeSubject(t, cfg, admin, func() { server.restart(true) })
	})
}

// leastPrivilege gives a user exactly the permissions that the package's documentation names.
const leastPrivilege = "--user claims on >secret ~chargeresult:{charge-result}:* +info +eval +evalsha +get +set +del +hgetall +hset"

func TestContractOnRedis(t *testing.T) {
	server := startRedis(t)
	contractOn(t, server, server.config())
}

func TestContractOnRedisByLeastPrivilege(t *testing.T) {
	server := startRedis(t, strings.Fields(leastPrivilege)...)
	cfg := server.config()
	cfg.URL = "redis://claims:secret@" + server.addr
	contractOn(t, server, cfg)
}

func TestContractOnCluster(t *testing.T) {
	server := startRedis(t, strings.Fields(leastPrivilege+" +cluster|slots --cluster-enabled yes")...)
	admin := server.admin()
	if err := admin.ClusterAddSlotsRange(t.Context(), 0, 16383).Err(); err != nil {
		t.Fatal(err)
	}
	await(t, func(ctx context.Context) bool {
		// Writes are refused until the cluster knows that it is whole.
		return admin.Set(ctx, "probe", "", 0).Err() == nil
	})
	cfg := server.config()
	cfg.URL = "redis+cluster://claims:secret@" + server.addr
	testContract(t, func(t *testing.T) subject {
		admin := server.admin()
		if err := admin.FlushAll(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		return storeSubject(t, cfg, admin, func() {
			server.restart(true)
			await(t, func(ctx context.Context) bool { return admin.Set(ctx, "probe", "", 0).Err() == nil })
		})
	})
}

func TestContractOnSentinel(t *testing.T) {
	server := startRedis(t)
	host, port, _ := net.SplitHostPort(server.addr)
	sentinel := &realServer{t: t, addr: freeAddr(t), dir: t.TempDir()}
	_, sentinelPort, _ := net.SplitHostPort(sentinel.addr)
	file := sentinel.dir + "/sentinel.conf"
	conf := "port " + sentinelPort + "\nbind 127.0.0.1\ndir " + sentinel.dir + "\nsentinel monitor m " + host + " " + port + " 1\nsentinel down-after-milliseconds m 60000\n"
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	sentinel.cmd = exec.Command("redis-server", file, "--sentinel")
	if err := sentinel.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sentinel.kill)
	await(t, func(ctx context.Context) bool { return sentinel.admin().Ping(ctx).Err() == nil })

	cfg := server.config()
	cfg.URL = "redis+sentinel://" + sentinel.addr + "?master_name=m"
	contractOn(t, server, cfg)
}

// What makes a rebuild last: 100,000 states in well under the time that a lease lasts.
func BenchmarkRestoreOnRedis(b *testing.B) {
	const n = 100_000
	store := mustOpen(b, startRedis(b).config())
	committed := make([]processor.Settlement, n)
	for i := range committed {
		committed[i] = settled(claimOf(int64(i), fmt.Sprintf("261122103000-%07x", i)), 1, "COMPLETED")
	}
	for b.Loop() {
		mustRebuild(b, store, 1, committed...)
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "µs/state")
}

// What a settlement costs, of a batch that was claimed before. The server's part of it is what the scripts cost.
func BenchmarkSettleOnRedis(b *testing.B) {
	server := startRedis(b)
	store := mustOpen(b, server.config())
	mustRebuild(b, store, 0)
	claims, settlements := make([]processor.Claim, benchBatch), make([]processor.Settlement, benchBatch)
	offset := int64(0)
	for b.Loop() {
		for i := range claims {
			offset++
			claims[i] = claimOf(offset, fmt.Sprintf("261122103000-%07x", offset))
			settlements[i] = settled(claims[i], 0, "COMPLETED")
		}
		if _, err := store.Claim(b.Context(), 1, claims); err != nil {
			b.Fatal(err)
		}
		if err := store.Settle(b.Context(), settlements); err != nil {
			b.Fatal(err)
		}
	}
	used, err := server.admin().Info(b.Context(), "cpu").Result()
	if err != nil {
		b.Fatal(err)
	}
	var cpu float64
	for line := range strings.Lines(used) {
		if seconds, found := strings.CutPrefix(line, "used_cpu_user:"); found {
			if cpu, err = strconv.ParseFloat(strings.TrimSpace(seconds), 64); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(cpu*1e6/float64(offset), "server-µs/claim+settlement")
}

func BenchmarkClaimOnRedis(b *testing.B) {
	benchmarkClaim(b, startRedis(b).config())
}
