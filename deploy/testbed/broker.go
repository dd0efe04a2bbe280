package testbed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/chargeresult/chargeresult/deploy/kafka"
)

// pipeLimit is how long a cancelled script's children may keep its output open.
const pipeLimit = 5 * time.Second

// An Option is an option of a broker.
type Option struct{ flag, value string }

// Property sets a property of the server, such as offset.metadata.max.bytes.
func Property(name, value string) Option { return Option{"--property", name + "=" + value} }

// Feature sets a feature level of the cluster, such as transaction.version.
func Feature(name string, level int) Option {
	return Option{"--feature", name + "=" + strconv.Itoa(level)}
}

// A Broker is a Kafka cluster of one node, run by kafka.sh. One goroutine at a time may use it.
type Broker struct {
	Addr string // host:port; the same after a restart

	dir    string   // holds the script and the data
	start  []string // options of kafka.sh for start
	reaper *reaper
}

// StartBroker starts a broker and returns when it answers. It downloads Kafka where it is not in the user's cache yet.
// ctx is for the start only; [Broker.Close] ends the broker.
func StartBroker(ctx context.Context, options ...Option) (*Broker, error) {
	dir, err := os.MkdirTemp("", "testbed-kafka-")
	if err != nil {
		return nil, fmt.Errorf("testbed: %w", err)
	}
	if err := os.CopyFS(dir, kafka.Script); err != nil {
		return nil, errors.Join(fmt.Errorf("testbed: %w", err), os.RemoveAll(dir))
	}
	script, data := filepath.Join(dir, "kafka.sh"), filepath.Join(dir, "data")
	reaper, err := newReaper(`bash "$1" kill --data "$2"; rm -rf "$3"`, script, data, dir)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	b := &Broker{dir: dir, reaper: reaper}
	if err := b.formatAndStart(ctx, options); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

func (b *Broker) formatAndStart(ctx context.Context, options []Option) error {
	ports, err := freePorts(2)
	if err != nil {
		return err
	}
	b.Addr = fmt.Sprintf("127.0.0.1:%d", ports[0])
	b.start = []string{"--port", strconv.Itoa(ports[0]), "--controller-port", strconv.Itoa(ports[1])}
	var features []string
	for _, o := range options {
		if o.flag == "--feature" {
			features = append(features, o.flag, o.value)
		} else {
			b.start = append(b.start, o.flag, o.value)
		}
	}
	if _, err := b.script(ctx, "format", append(features, b.start...)...); err != nil {
		return err
	}
	return b.Restart(ctx)
}

// Kill kills the broker as a crash would (SIGKILL). Clients find its port closed until [Broker.Restart].
func (b *Broker) Kill() error {
	_, err := b.script(context.Background(), "kill") // which limits its own time
	return err
}

// Stop stops the broker cleanly and waits for its end.
func (b *Broker) Stop(ctx context.Context) error {
	_, err := b.script(ctx, "stop")
	return err
}

// Restart starts the broker again after [Broker.Kill] or [Broker.Stop], at the same address and with the same data, and
// returns when it answers.
func (b *Broker) Restart(ctx context.Context) error {
	_, err := b.script(ctx, "start", b.start...)
	return err
}

// Tool runs one of Kafka's admin tools on the broker and returns what it printed, as in
// Tool(ctx, "topics", "--describe", "--topic", "charge-result"). kafka.sh lists the tools.
func (b *Broker) Tool(ctx context.Context, args ...string) (string, error) {
	return b.script(ctx, "tool", args...)
}

// Close kills the broker and removes its data.
func (b *Broker) Close() error { return b.reaper.reap() }

func (b *Broker) script(ctx context.Context, command string, args ...string) (string, error) {
	args = append([]string{filepath.Join(b.dir, "kafka.sh"), command, "--data", filepath.Join(b.dir, "data")}, args...)
	cmd := exec.CommandContext(ctx, "bash", args...)
	cmd.WaitDelay = pipeLimit
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return string(out), fmt.Errorf("testbed: kafka.sh %s: %w\n%s", command, err, strings.TrimSpace(stderr.String()))
	}
	return string(out), nil
}
