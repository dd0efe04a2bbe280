package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chargeresult/chargeresult/deploy/testbed"
	"github.com/chargeresult/chargeresult/processor/inquiry/konasim"
)

// ground is what all contenders stand on: one broker and one Redis, both real and started here, and the programs, built from this source.
type ground struct {
	broker   *testbed.Broker
	redis    *testbed.RedisServer
	programs string // the folder
}

// prepare builds the programs and starts the servers.
func prepare(ctx context.Context) (*ground, error) {
	dir, err := os.MkdirTemp("", "chargeresult-bench-")
	if err != nil {
		return nil, err
	}
	g := &ground{programs: dir}
	build := exec.CommandContext(ctx, "go", "build", "-o", dir, "github.com/chargeresult/chargeresult/cmd/chargeresult", "github.com/chargeresult/chargeresult/cmd/bench/bareloop")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("build the programs: %w\n%s", err, out), g.close())
	}
	if g.broker, err = testbed.StartBroker(ctx); err != nil {
		return nil, errors.Join(err, g.close())
	}
	if g.redis, err = testbed.StartRedisServer(ctx); err != nil {
		return nil, errors.Join(err, g.close())
	}
	return g, nil
}

func (g *ground) program(name string) string { return filepath.Join(g.programs, name) }

func (g *ground) close() error {
	var faults []error
	if g.broker != nil {
		faults = append(faults, g.broker.Close())
	}
	if g.redis != nil {
		faults = append(faults, g.redis.Close())
	}
	return errors.Join(append(faults, os.RemoveAll(g.programs))...)
}

// field is what a run gives each process of an entrant.
type field struct {
	*ground
	vendor      *vendor
	topics      topics
	group       string
	concurrency int
	traces      []string // environment: where traces go
}

// topics are those of one run.
type topics struct{ requested, cancelled, result, deadLetter, duplicates, retryPrefix string }

// field returns topics and a group that no other run has.
func (g *ground) field(v *vendor, concurrency int, traces []string) field {
	name := "bench-" + rand.Text()
	return field{g, v, topics{name + ".requested", name + ".cancelled", name + ".result", name + ".dead", name + ".duplicates", name + ".retry"}, name, concurrency, traces}
}

// createTopics creates the topics as a user of chargeresult does. The bare loops get the same.
func (f field) createTopics(ctx context.Context, partitions int) error {
	cmd := exec.CommandContext(ctx, f.program("chargeresult"), "topics", "--execute", "--partitions", strconv.Itoa(partitions))
	cmd.Env = f.environment()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("create the topics: %w\n%s", err, out)
	}
	return nil
}

// admin does something with an admin client.
func (g *ground) admin(do func(*kadm.Client) error) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(g.broker.Addr))
	if err != nil {
		return err
	}
	defer client.Close()
	return do(kadm.NewClient(client))
}

// deleteTopics removes what a run leaves, so that the next one finds the broker as this one did.
func (f field) deleteTopics(ctx context.Context) error {
	err := f.admin(func(admin *kadm.Client) error {
		all, err := admin.ListTopics(ctx)
		if err != nil {
			return err
		}
		var ours []string
		for _, name := range all.Names() {
			if strings.HasPrefix(name, f.group+".") {
				ours = append(ours, name)
			}
		}
		deleted, err := admin.DeleteTopics(ctx, ours...)
		return errors.Join(err, deleted.Error())
	})
	if err != nil {
		return fmt.Errorf("delete the topics: %w", err)
	}
	return nil
}

// assembled waits until the group has all processes as its members, with partitions of the input for each of them.
func (f field) assembled(ctx context.Context, processes []*process) error {
	return f.admin(func(admin *kadm.Client) error {
		for {
			groups, err := admin.DescribeGroups(ctx, f.group)
			if err == nil && f.complete(groups[f.group], len(processes)) {
				return nil
			}
			for _, p := range processes {
				if err := p.alive(); err != nil {
					return err
				}
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("the group is not complete: %w", context.Cause(ctx))
			case <-time.After(progressInterval):
			}
		}
	})
}

// complete says whether so many members have as many partitions of the input each, give or take one.
func (f field) complete(group kadm.DescribedGroup, members int) bool {
	least, most := 1<<30, 0
	for _, m := range group.Members {
		n := 0
		if assigned, ok := m.Assigned.AsConsumer(); ok {
			for _, t := range assigned.Topics {
				if t.Topic == f.topics.requested {
					n = len(t.Partitions)
				}
			}
		}
		least, most = min(least, n), max(most, n)
	}
	return group.State == "Stable" && len(group.Members) == members && least > 0 && most-least <= 1
}

// vendor is a simulator that listens.
type vendor struct {
	*konasim.Simulator
	url    string // without the path
	server *http.Server
}

// seed makes the simulator draw the same latencies for every contender.
const seed = 1

// startVendor starts a simulator of its own for a run, so that no run pays for the calls of another.
func startVendor(ctx context.Context, latency konasim.Latency) (*vendor, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("the simulator: %w", err)
	}
	sim := konasim.New(konasim.Config{Seed: seed, Latency: latency, LedgerCap: 1})
	v := &vendor{Simulator: sim, url: "http://" + listener.Addr().String(), server: &http.Server{Handler: sim, ReadHeaderTimeout: time.Minute}}
	go func() { _ = v.server.Serve(listener) }() // ends with Close
	return v, nil
}

func (v *vendor) close() { _ = v.server.Close() }
