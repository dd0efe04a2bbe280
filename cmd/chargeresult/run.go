package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"io"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor"
	"github.com/chargeresult/chargeresult/processor/inquiry"
	"github.com/chargeresult/chargeresult/processor/stream"
)

// runCommand is the processor itself.
func runCommand() command {
	var acceptOffsets bool
	return command{
		name:    "run",
		summary: "run the processor until SIGTERM or SIGINT; a second signal ends it at once",
		examples: []string{
			"chargeresult run --config /etc/chargeresult.yaml",
			"chargeresult run --accept-offsets    # after somebody moved the group's offsets, or a topic was recreated",
		},
		settings: true,
		needs:    everything(),
		flags: func(fs *flag.FlagSet) {
			fs.BoolVar(&acceptOffsets, "accept-offsets", false, "go on where moved offsets, a recreated topic or an offset out of range would stop a partition")
		},
		run: func(ctx context.Context, in invocation) error {
			return runProcessor(ctx, in.cfg, acceptOffsets, in.stderr)
		},
	}
}

// runProcessor checks everything, puts the parts together, and works until ctx ends.
func runProcessor(ctx context.Context, cfg config, acceptOffsets bool, stderr io.Writer) error {
	log := slog.New(slog.NewJSONHandler(stderr, &slog.HandlerOptions{Level: cfg.LogLevel}))
	if err := preflight(ctx, cfg).Err(); err != nil {
		return err
	}
	cluster, err := openCluster(ctx, cfg)
	if err != nil {
		return err
	}
	defer cluster.close()
	if !acceptOffsets {
		if err := cluster.refuseForgottenOffsets(ctx); err != nil {
			return err
		}
	}
	claims, err := openClaims(ctx, cfg, cluster)
	if err != nil {
		return err
	}
	defer claims.Close()
	rebuilder, err := newRebuilder(cfg, cluster, claims, log)
	if err != nil {
		return err
	}
	intake := stream.NewIntake(log)
	asking, err := newAsking(cfg, intake, log)
	if err != nil {
		return err
	}
	flow, err := processor.New(processor.Config{
		Group: cfg.KafkaGroup, Topics: topicsOf(cfg), Fields: fieldsOf(cfg), Policy: policyOf(cfg), Guards: guardsOf(cfg),
		Claims: claims, Rebuilder: rebuilder, Inquirer: asking, Intake: intake, AlwaysRebuild: acceptOffsets,
	})
	if err != nil {
		return err
	}
	engine, err := newEngine(cfg, cluster, flow, intake, acceptOffsets, log)
	if err != nil {
		return err
	}
	console := &admin{engine: engine, flow: flow, asking: asking, started: time.Now()}
	return serve(ctx, cfg, engine, console, log)
}

// serve runs the engine, and beside it, for as long as it runs, the admin server.
func serve(ctx context.Context, cfg config, engine *stream.Engine, console *admin, log *slog.Logger) error {
	handler, err := console.handler()
	if err != nil {
		return err
	}
	beside, stopBeside := context.WithCancel(context.WithoutCancel(ctx)) // they outlive ctx: a drain is watched too
	listener, err := console.listen(beside, cfg.AdminAddr)
	if err != nil {
		stopBeside()
		return err
	}
	log.Info("started", "group", cfg.KafkaGroup, "instance", cfg.InstanceID, "concurrency", cfg.Concurrency, "admin", listener.Addr().String(), "inquiries", cfg.mostInquiries())
	var others errgroup.Group
	others.Go(func() error { return console.serve(beside, listener, handler) })
	err = engine.Run(ctx)
	stopBeside()
	err = errors.Join(err, others.Wait())
	if err != nil {
		log.Error("ended", "err", err)
		return err
	}
	log.Info("stopped", "reason", context.Cause(ctx))
	return nil
}

func topicsOf(c config) processor.Topics {
	return processor.Topics{
		Requested: c.TopicRequested, Cancelled: c.TopicCancelled,
		Result: c.TopicResult, DeadLetter: c.TopicDeadLetter, Duplicates: c.TopicDuplicates, RetryPrefix: c.TopicRetryPrefix,
	}
}

func fieldsOf(c config) events.Fields {
	return events.Fields{
		CorrelationID: c.FieldCorrelationID, SequenceID: c.FieldSequenceID, RequestedAt: c.FieldRequestedAt,
		AnyCorrelationID: c.InquiryCorrelationID == string(inquiry.FreshID),
	}
}

func policyOf(c config) processor.Policy {
	return processor.Policy{Schedule: c.RetrySchedule, Deadline: c.RetryDeadline, NotFoundGrace: c.NotFoundGrace, FirstAskDelay: c.FirstAskDelay}
}

func guardsOf(c config) processor.Guards {
	return processor.Guards{Refusals: c.GuardRefusals, DeadLetters: c.GuardDeadLetters, Probe: c.BreakerOpen}
}

func newEngine(c config, cluster *cluster, flow *processor.Processor, intake *stream.Intake, acceptOffsets bool, log *slog.Logger) (*stream.Engine, error) {
	options, err := kafkaOptions(c)
	if err != nil {
		return nil, err
	}
	// With an instance ID the transactional ID survives restarts, and a new process ends at once what its predecessor left open.
	name := c.InstanceID
	if name == "" {
		name = rand.Text()
	}
	return stream.New(stream.Config{
		Client: append(options, kgo.WithLogger(kafkaLog{log})), Group: c.KafkaGroup, Topics: topicsOf(c).Input(),
		Parked: cluster.waiting, Due: flow.Due, Intake: intake,
		InstanceID: c.InstanceID, TransactionalID: c.KafkaGroup + "-" + name,
		Handler: flow, Ledger: flow,
		Concurrency: c.Concurrency, Ordering: stream.Ordering(c.Ordering), CommitInterval: c.CommitInterval,
		TransactionTimeout: c.TransactionTimeout, SessionTimeout: c.SessionTimeout, DrainTimeout: c.DrainTimeout,
		FromEnd: c.Start == "latest", AcceptOffsets: acceptOffsets, AllowUnsafeBroker: c.AllowUnsafeBroker, Logger: log,
	})
}
