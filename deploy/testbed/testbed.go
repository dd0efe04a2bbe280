// Package testbed starts real Kafka and Redis processes for integration tests and benchmarks.
//
// A [Broker] and a [RedisServer] are processes of their own, on free ports, with empty data; they can be killed and
// started again with the data they had, because that is what the tests are about. Their methods return errors. In tests,
// [StartKafka] and [StartRedis] wrap them: failures fail the test, and the end of the test ends the process.
//
// A broker takes about 4 s to start, 6 s after a kill. Tests that need none of their own share one: let TestMain be
//
//	func TestMain(m *testing.M) { os.Exit(testbed.Main(m)) }
//
// and ask for [SharedKafka] and [SharedRedis]. [Unique] keeps such tests apart.
//
// Nothing here skips a test: what is missing on the machine is an error that says what to install.
package testbed

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"testing"
)

// The environment variables that name the shared servers. Where they are set before the tests start, those servers are
// used and none are started; Main sets them, so that the tests and the processes they start find the servers.
const (
	KafkaEnv = "CHARGERESULT_TEST_KAFKA" // host:port
	RedisEnv = "CHARGERESULT_TEST_REDIS" // redis://host:port
)

// Main runs the tests of a package with one broker and one Redis for all of them, and returns the exit code for TestMain.
func Main(m *testing.M) int {
	code, err := runShared(context.Background(), m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

func runShared(ctx context.Context, m *testing.M) (code int, err error) {
	if os.Getenv(KafkaEnv) == "" {
		broker, err := StartBroker(ctx)
		if err != nil {
			return 0, err
		}
		defer broker.Close()
		if err := os.Setenv(KafkaEnv, broker.Addr); err != nil {
			return 0, err
		}
	}
	if os.Getenv(RedisEnv) == "" {
		server, err := StartRedisServer(ctx)
		if err != nil {
			return 0, err
		}
		defer server.Close()
		if err := os.Setenv(RedisEnv, server.URL); err != nil {
			return 0, err
		}
	}
	return m.Run(), nil
}

// SharedKafka returns the address of the broker that the tests of a package share.
func SharedKafka(t testing.TB) string { return shared(t, KafkaEnv) }

// SharedRedis returns the URL of the Redis that the tests of a package share. Flushing it disturbs other tests.
func SharedRedis(t testing.TB) string { return shared(t, RedisEnv) }

func shared(t testing.TB, env string) string {
	t.Helper()
	server := os.Getenv(env)
	if server == "" {
		t.Fatalf("%s is not set: the package's TestMain must call testbed.Main", env)
	}
	return server
}

// freePorts finds n ports that nothing listens on, below those that systems give to outgoing connections (from 32768 on
// Linux): one of those could be given away while its server is down between a kill and a restart.
func freePorts(n int) ([]int, error) {
	const first, count, tries = 20000, 10000, 100
	var ports []int
	for range tries {
		port := first + rand.IntN(count)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		defer l.Close() // at the end only, so that no port is found twice
		if ports = append(ports, port); len(ports) == n {
			return ports, nil
		}
	}
	return nil, fmt.Errorf("testbed: fewer than %d free ports among %d tried from %d to %d", n, tries, first, first+count-1)
}
