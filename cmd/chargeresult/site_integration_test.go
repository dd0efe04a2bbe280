//go:build integration

package main

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chargeresult/chargeresult/deploy/testbed"
	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor/inquiry/konasim"
)

// binary is the program under test, built once.
var binary string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "chargeresult")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		binary = filepath.Join(dir, "chargeresult")
		if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build the program: %v\n%s", err, out)
			return 1
		}
		return testbed.Main(m)
	}())
}

// site is everything that the program meets: a real broker and a real Redis, the simulator, topics and a group of its own. The program is
// told of it by environment variables alone.
type site struct {
	testing.TB
	brokers, redis string
	group          string
	topics         map[string]string // by the setting's name
	vendor         *vendor
	client         *kgo.Client
	admin          *kadm.Client
	extra          []string // more environment
	running        []*program
}

// requested is the name of the site's input topic.
func (s *site) requested() string { return s.topics["TOPIC_REQUESTED"] }
func (s *site) cancelled() string { return s.topics["TOPIC_CANCELLED"] }
func (s *site) results() string   { return s.topics["TOPIC_RESULT"] }
func (s *site) letters() string   { return s.topics["TOPIC_DEAD_LETTER"] }

// schedule is when transactions are asked about again: sooner than anybody would, because a test waits for it.
var schedule = []time.Duration{time.Second, 2 * time.Second, 3 * time.Second}

// newSite prepares a site on the given broker and Redis; its topics have that many partitions.
func newSite(t testing.TB, brokers, redis string, partitions int32, sim konasim.Config) *site {
	t.Helper()
	name := testbed.Unique(t)
	s := &site{TB: t, brokers: brokers, redis: redis, group: name, topics: map[string]string{}, vendor: startVendor(t, sim)}
	var names []string
	for _, setting := range []string{"REQUESTED", "CANCELLED", "RESULT", "DEAD_LETTER", "DUPLICATES"} {
		topic := name + "." + strings.ToLower(setting)
		s.topics["TOPIC_"+setting] = topic
		names = append(names, topic)
	}
	s.topics["TOPIC_RETRY_PREFIX"] = name + ".retry"
	for _, delay := range schedule {
		names = append(names, events.RetryTopic(name+".retry", delay))
	}
	testbed.CreateTopics(t, brokers, partitions, names...)
	var err error
	s.client, err = kgo.NewClient(kgo.SeedBrokers(brokers), kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)), kgo.ProducerLinger(0), kgo.MaxBufferedRecords(1<<20), kgo.ProducerBatchMaxBytes(1<<20-100))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.client.Close)
	s.admin = kadm.NewClient(s.client)
	return s
}

// environment is all that the program is told.
func (s *site) environment(instance string) []string {
	env := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"),
		"CHARGERESULT_KAFKA_BROKERS=" + s.brokers,
		"CHARGERESULT_KAFKA_GROUP=" + s.group,
		"CHARGERESULT_REDIS_URL=" + s.redis,
		"CHARGERESULT_INQUIRY_URL=" + s.vendor.url,
		"CHARGERESULT_INQUIRY_ASP_ID=ASP000000000001",
		"CHARGERESULT_INQUIRY_ACCESS_KEY=0123456789012345678901234567890123456789",
		"CHARGERESULT_INQUIRY_SECRET_KEY=" + secretKey,
		"CHARGERESULT_ADMIN_ADDR=127.0.0.1:0",
		"CHARGERESULT_RETRY_SCHEDULE=1s,2s,3s",
		"OTEL_TRACES_EXPORTER=none", "OTEL_METRICS_EXPORTER=none", // but for those tests that look
	}
	for setting, topic := range s.topics {
		env = append(env, "CHARGERESULT_"+setting+"="+topic)
	}
	if instance != "" {
		env = append(env, "CHARGERESULT_INSTANCE_ID="+instance)
	}
	return append(env, s.extra...)
}

const secretKey = "the-simulators-secret"

// program is one process of the program.
type program struct {
	*site
	cmd   *exec.Cmd
	log   *logBuffer
	ended chan struct{}
	asked bool // to end
	code  int
}

// start runs the program; what it logs is shown if the test fails.
func (s *site) start(instance string, args ...string) *program {
	s.Helper()
	p := &program{site: s, log: &logBuffer{}, ended: make(chan struct{})}
	p.cmd = exec.Command(binary, append([]string{"run"}, args...)...)
	p.cmd.Env = s.environment(instance)
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	if err := p.cmd.Start(); err != nil {
		s.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait()
		p.code = p.cmd.ProcessState.ExitCode()
	}()
	s.running = append(s.running, p)
	s.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.ended
		if s.Failed() {
			s.Logf("log of process %d (instance %q, exit code %d):\n%s", p.cmd.Process.Pid, instance, p.code, p.log)
		}
	})
	return p
}

// alive fails the test if a process has ended that nobody asked to.
func (s *site) alive() {
	s.Helper()
	for _, p := range s.running {
		select {
		case <-p.ended:
			if !p.asked {
				s.Fatalf("a process ended by itself, with exit code %d", p.code)
			}
		default:
		}
	}
}

// kill ends the process as a crash would.
func (p *program) kill() {
	p.asked = true
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// terminate sends SIGTERM and returns the exit code and how long it took.
func (p *program) terminate() (int, time.Duration) {
	p.Helper()
	p.asked = true
	began := time.Now()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	return p.wait(40 * time.Second), time.Since(began)
}

// wait returns the exit code of a process that ends by itself.
func (p *program) wait(limit time.Duration) int {
	p.Helper()
	select {
	case <-p.ended:
	case <-time.After(limit):
		p.Fatalf("the process still runs after %v", limit)
	}
	return p.code
}

// awaitLog waits until the process has logged a text.
func (p *program) awaitLog(text string, limit time.Duration) time.Duration {
	p.Helper()
	began := time.Now()
	for time.Since(began) < limit {
		if strings.Contains(p.log.String(), text) {
			return time.Since(began)
		}
		time.Sleep(10 * time.Millisecond)
	}
	p.Fatalf("no %q in the log within %v", text, limit)
	return 0
}

// logBuffer keeps what a process prints.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// vendor serves a simulator on a port that can refuse connections for a while.
type vendor struct {
	*konasim.Simulator
	testing.TB
	url, addr string
	server    *http.Server
}

func startVendor(t testing.TB, cfg konasim.Config) *vendor {
	t.Helper()
	cfg.SecretKey = secretKey
	v := &vendor{Simulator: konasim.New(cfg), TB: t, addr: "127.0.0.1:0"}
	v.listen()
	v.url = "http://" + v.addr
	t.Cleanup(v.refuse)
	return v
}

func (v *vendor) listen() {
	v.Helper()
	listener, err := net.Listen("tcp", v.addr)
	if err != nil {
		v.Fatal(err)
	}
	v.addr = listener.Addr().String()
	v.server = &http.Server{Handler: v.Simulator, ReadHeaderTimeout: time.Minute}
	go func(server *http.Server) { _ = server.Serve(listener) }(v.server)
}

// refuse closes the port and every connection; listen opens it again.
func (v *vendor) refuse() { _ = v.server.Close() }
