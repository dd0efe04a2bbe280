package testbed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	redisStartLimit = 30 * time.Second      // until a started Redis answers: it may have to load its data
	redisPoll       = 10 * time.Millisecond // between two looks at a starting Redis
)

// A RedisServer is a Redis of one node. One goroutine at a time may use it.
type RedisServer struct {
	Addr string // host:port; the same after a restart
	URL  string // redis://host:port

	args   []string
	dir    string // holds the data, the log and the pid file
	reaper *reaper

	cmd    *exec.Cmd     // the process started last
	exited chan struct{} // closed when that process has ended
}

// StartRedisServer starts a Redis and returns when it answers. It evicts nothing and writes nothing to disk, so that a
// restart empties it; args go to redis-server after that, such as "--appendonly", "yes".
// ctx is for the start only; [RedisServer.Close] ends the server.
func StartRedisServer(ctx context.Context, args ...string) (*RedisServer, error) {
	if _, err := exec.LookPath("redis-server"); err != nil {
		return nil, fmt.Errorf("testbed: redis-server is missing: apt-get install redis-server: %w", err)
	}
	ports, err := freePorts(1)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "testbed-redis-")
	if err != nil {
		return nil, fmt.Errorf("testbed: %w", err)
	}
	reaper, err := newReaper(`! [ -e "$1/pid" ] || kill -KILL "$(cat "$1/pid")"; rm -rf "$1"`, dir)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	addr := fmt.Sprintf("127.0.0.1:%d", ports[0])
	s := &RedisServer{Addr: addr, URL: "redis://" + addr, dir: dir, reaper: reaper}
	s.args = append([]string{
		"--bind", "127.0.0.1", "--port", strconv.Itoa(ports[0]), "--dir", dir,
		"--pidfile", filepath.Join(dir, "pid"), "--logfile", filepath.Join(dir, "log"),
		"--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction",
	}, args...)
	if err := s.Restart(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Restart starts Redis again after [RedisServer.Kill], at the same address, and returns when it answers. Its data is
// gone, unless the server's arguments made it durable.
func (s *RedisServer) Restart(ctx context.Context) error {
	cmd := exec.Command("redis-server", s.args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C in the terminal is for the reaper to handle
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("testbed: start redis-server: %w", err)
	}
	exited := make(chan struct{})
	go func() {
		defer close(exited)
		_ = cmd.Wait() // how it ended is in its log
	}()
	s.cmd, s.exited = cmd, exited
	return s.awaitAnswer(ctx)
}

func (s *RedisServer) awaitAnswer(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, redisStartLimit)
	defer cancel()
	client := redis.NewClient(&redis.Options{Addr: s.Addr})
	defer client.Close()
	for {
		select {
		case <-s.exited:
			log, err := os.ReadFile(filepath.Join(s.dir, "log"))
			return errors.Join(fmt.Errorf("testbed: redis-server ended while starting: %s", log), err)
		case <-ctx.Done():
			return fmt.Errorf("testbed: redis-server does not answer at %s: %w", s.Addr, ctx.Err())
		case <-time.After(redisPoll):
			if client.Ping(ctx).Err() == nil {
				return nil
			}
		}
	}
}

// Kill kills Redis as a crash would (SIGKILL). Clients find its port closed until [RedisServer.Restart].
func (s *RedisServer) Kill() error {
	if err := s.signal(syscall.SIGKILL); err != nil {
		return err
	}
	<-s.exited
	return os.Remove(filepath.Join(s.dir, "pid")) // so that the reaper kills no process that was given this pid since
}

// Freeze stops Redis without ending it (SIGSTOP): connections stay, nothing is answered until [RedisServer.Thaw].
func (s *RedisServer) Freeze() error { return s.signal(syscall.SIGSTOP) }

// Thaw lets a frozen Redis go on: it answers what has come in meanwhile.
func (s *RedisServer) Thaw() error { return s.signal(syscall.SIGCONT) }

// FlushAll removes all keys.
func (s *RedisServer) FlushAll(ctx context.Context) error {
	client := redis.NewClient(&redis.Options{Addr: s.Addr, ContextTimeoutEnabled: true})
	defer client.Close()
	if err := client.FlushAll(ctx).Err(); err != nil {
		return fmt.Errorf("testbed: flush Redis at %s: %w", s.Addr, err)
	}
	return nil
}

// Close kills Redis and removes its data.
func (s *RedisServer) Close() error {
	err := s.reaper.reap()
	if s.exited != nil {
		<-s.exited
	}
	return err
}

func (s *RedisServer) signal(sig syscall.Signal) error {
	if err := s.cmd.Process.Signal(sig); err != nil {
		return fmt.Errorf("testbed: send redis-server %v: %w", sig, err)
	}
	return nil
}
