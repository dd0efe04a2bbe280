package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/chargeresult/chargeresult/deploy/testbed"
	"github.com/chargeresult/chargeresult/processor/inquiry/konasim"
)

// contender is a program that is measured.
type contender int

const (
	bareLoop contender = iota
	pipelined
	chargeresult
)

// command returns the contender's process, which isn't started.
func (c contender) command(f field) *exec.Cmd {
	if c == chargeresult {
		cmd := exec.Command(f.program("chargeresult"), "run")
		cmd.Env = f.environment()
		return cmd
	}
	return exec.Command(f.program("bareloop"),
		"-brokers", f.broker.Addr, "-redis", f.redis.Addr, "-url", f.vendor.url+konasim.Path, "-input", f.topics.requested, "-output", f.topics.result,
		"-group", f.group, "-concurrency", strconv.Itoa(f.concurrency), "-pipelined="+strconv.FormatBool(c == pipelined))
}

// environment is all that chargeresult is told: everything else is as it comes.
func (f field) environment() []string {
	return append(f.traces[:len(f.traces):len(f.traces)],
		"PATH="+os.Getenv("PATH"), "HOME="+os.Getenv("HOME"),
		"CHARGERESULT_KAFKA_BROKERS="+f.broker.Addr,
		"CHARGERESULT_KAFKA_GROUP="+f.group,
		"CHARGERESULT_TOPIC_REQUESTED="+f.topics.requested,
		"CHARGERESULT_TOPIC_CANCELLED="+f.topics.cancelled,
		"CHARGERESULT_TOPIC_RESULT="+f.topics.result,
		"CHARGERESULT_TOPIC_DEAD_LETTER="+f.topics.deadLetter,
		"CHARGERESULT_TOPIC_DUPLICATES="+f.topics.duplicates,
		"CHARGERESULT_TOPIC_RETRY_PREFIX="+f.topics.retryPrefix,
		"CHARGERESULT_REDIS_URL="+f.redis.URL,
		"CHARGERESULT_INQUIRY_URL="+f.vendor.url,
		"CHARGERESULT_INQUIRY_ASP_ID=ASP000000000001",
		"CHARGERESULT_INQUIRY_ACCESS_KEY=0123456789012345678901234567890123456789",
		"CHARGERESULT_INQUIRY_SECRET_KEY=the-simulators-secret",
		"CHARGERESULT_ADMIN_ADDR=127.0.0.1:0",
		"CHARGERESULT_CONCURRENCY="+strconv.Itoa(f.concurrency),
	)
}

// process is a contender's process under way.
type process struct {
	cmd   *exec.Cmd
	log   output
	ended chan struct{}
	err   error // why it ended; to be read once ended is closed
}

func start(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, ended: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &p.log, &p.log
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	go func() {
		p.err = cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// usage is what the operating system says that a process has used.
type usage struct {
	cpu    time.Duration // of user and system, from its start to its end
	memory int64         // the peak of its resident set, in bytes
}

// stopTimeout is how long a process may take to stop.
const stopTimeout = 30 * time.Second

// stop asks the process to stop, and waits for that.
func (p *process) stop() (usage, error) {
	if err := p.alive(); err != nil {
		return usage{}, err
	}
	memory, err := testbed.PeakMemory(p.cmd.Process.Pid)
	if err != nil {
		return usage{}, err
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // fails if it has ended, which is seen below
	select {
	case <-p.ended:
	case <-time.After(stopTimeout):
		_ = p.cmd.Process.Kill()
		<-p.ended
		return usage{}, fmt.Errorf("%s did not stop within %v\n%s", p.cmd.Path, stopTimeout, p.log.tail())
	}
	if p.err != nil {
		return usage{}, fmt.Errorf("%s: %w\n%s", p.cmd.Path, p.err, p.log.tail())
	}
	return usage{cpu: p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime(), memory: memory}, nil
}

// alive returns an error if the process has ended.
func (p *process) alive() error {
	select {
	case <-p.ended:
		return fmt.Errorf("%s has ended: %v\n%s", p.cmd.Path, p.cmd.ProcessState, p.log.tail())
	default:
		return nil
	}
}

// output keeps what a process prints.
type output struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all.String()
}

// tail is enough of it to see what went wrong.
func (o *output) tail() string {
	lines := strings.Split(strings.TrimSpace(o.String()), "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "\n")
}

// stopAll stops processes that ran side by side: their CPU times together, and the largest peak.
func stopAll(processes []*process) (all usage, err error) {
	for _, p := range processes {
		one, errStop := p.stop()
		err = errors.Join(err, errStop)
		all.cpu += one.cpu
		all.memory = max(all.memory, one.memory)
	}
	return all, err
}

// startAll starts an entrant's processes. What it returns has to be ended, whatever the error.
func startAll(ctx context.Context, e entrant, f field) (processes []*process, err error) {
	for range e.processes {
		p, err := start(e.command(f))
		if err != nil {
			return processes, err
		}
		processes = append(processes, p)
	}
	return processes, f.assembled(ctx, processes)
}

// killAll ends what a failed run has left.
func killAll(processes []*process) {
	for _, p := range processes {
		_ = p.cmd.Process.Kill() // fails if it has ended
		<-p.ended
	}
}
