package stream

import (
	"context"
	"errors"
	"testing"
	"time"
)

// process is an engine that runs as a process of its own would, with its own way to the cluster.
type process struct {
	t      *testing.T
	engine *Engine
	link   *link
	cancel context.CancelFunc
	done   chan struct{}
	err    error
}

// start starts an engine of group "g" with the transactional ID "txn".
func (k *kafka) start(h Handler, changes ...func(*Config)) *process {
	k.t.Helper()
	l := newLink(&k.net)
	cfg := Config{
		Client: k.opts(l.dial), Group: "g", Topics: []string{"in"}, TransactionalID: "txn", Handler: h,
		Concurrency: 8, DrainTimeout: 5 * time.Second, Logger: testLogger(k.t),
	}
	if ledger, ok := h.(Ledger); ok {
		cfg.Ledger = ledger
	}
	for _, change := range changes {
		change(&cfg)
	}
	engine, err := New(cfg)
	if err != nil {
		k.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	p := &process{t: k.t, engine: engine, link: l, cancel: cancel, done: make(chan struct{})}
	k.t.Cleanup(func() { // a test that failed half way leaves no goroutine behind
		if u, ok := h.(*upper); ok {
			u.letGo()
		}
		cancel()
		<-p.done
	})
	go func() {
		defer close(p.done)
		p.err = engine.Run(ctx)
	}()
	return p
}

// as gives the process a transactional ID of its own.
func as(id string) func(*Config) { return func(c *Config) { c.TransactionalID = id } }

// stop shuts the process down as SIGTERM does.
func (p *process) stop() {
	p.t.Helper()
	p.cancel()
	<-p.done
	if p.err != nil {
		p.t.Fatalf("Run: %v", p.err)
	}
}

// crash cuts the process off from one moment to the next: nothing it does from then on reaches the cluster, not even a goodbye.
func (p *process) crash() {
	p.link.cut()
	p.cancel()
	<-p.done
}

// ended returns the error that ended Run by itself.
func (p *process) ended(limit time.Duration) error {
	p.t.Helper()
	select {
	case <-p.done:
		return p.err
	case <-time.After(limit):
		p.cancel()
		<-p.done
		return errors.New("still running")
	}
}

// held returns the cause of a hold, or nothing if intake is not held for that reason.
func (p *process) held(reason string) string {
	for _, h := range p.engine.Status().Holds {
		if h.Reason == reason {
			return h.Cause
		}
	}
	return ""
}

// stopped returns why a partition of "in" stopped.
func (p *process) stopped(partition int32) string {
	return p.partition(partition).Stopped
}

func (p *process) partition(number int32) PartitionStatus { return p.partitionOf("in", number) }

func (p *process) partitionOf(topic string, number int32) PartitionStatus {
	for _, one := range p.engine.Status().Partitions {
		if one.Topic == topic && one.Partition == number {
			return one
		}
	}
	return PartitionStatus{}
}
