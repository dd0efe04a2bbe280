package testbed

import (
	"testing"
)

// Kafka is a [Broker] for one test: what fails fails the test. It is meant for the goroutine of the test.
type Kafka struct {
	*Broker
	t testing.TB
}

// StartKafka starts a broker that ends with the test.
func StartKafka(t testing.TB, options ...Option) *Kafka {
	t.Helper()
	b, err := StartBroker(t.Context(), options...)
	must(t, err)
	t.Cleanup(func() { must(t, b.Close()) })
	return &Kafka{Broker: b, t: t}
}

// Kill kills the broker as a crash would (SIGKILL).
func (k *Kafka) Kill() {
	k.t.Helper()
	must(k.t, k.Broker.Kill())
}

// Stop stops the broker cleanly.
func (k *Kafka) Stop() {
	k.t.Helper()
	must(k.t, k.Broker.Stop(k.t.Context()))
}

// Restart starts the broker again after [Kafka.Kill] or [Kafka.Stop], with the data it had.
func (k *Kafka) Restart() {
	k.t.Helper()
	must(k.t, k.Broker.Restart(k.t.Context()))
}

// Tool runs one of Kafka's admin tools and returns what it printed.
func (k *Kafka) Tool(args ...string) (string, error) { return k.Broker.Tool(k.t.Context(), args...) }

// Redis is a [RedisServer] for one test: what fails fails the test. It is meant for the goroutine of the test.
type Redis struct {
	*RedisServer
	t testing.TB
}

// StartRedis starts a Redis that ends with the test; args go to redis-server.
func StartRedis(t testing.TB, args ...string) *Redis {
	t.Helper()
	s, err := StartRedisServer(t.Context(), args...)
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return &Redis{RedisServer: s, t: t}
}

// Kill kills Redis as a crash would (SIGKILL).
func (r *Redis) Kill() {
	r.t.Helper()
	must(r.t, r.RedisServer.Kill())
}

// Restart starts Redis again after [Redis.Kill]: empty, unless its arguments made it durable.
func (r *Redis) Restart() {
	r.t.Helper()
	must(r.t, r.RedisServer.Restart(r.t.Context()))
}

// Freeze stops Redis without ending it (SIGSTOP): connections stay, nothing is answered.
func (r *Redis) Freeze() {
	r.t.Helper()
	must(r.t, r.RedisServer.Freeze())
}

// Thaw lets a frozen Redis go on.
func (r *Redis) Thaw() {
	r.t.Helper()
	must(r.t, r.RedisServer.Thaw())
}

// FlushAll removes all keys.
func (r *Redis) FlushAll() {
	r.t.Helper()
	must(r.t, r.RedisServer.FlushAll(r.t.Context()))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
