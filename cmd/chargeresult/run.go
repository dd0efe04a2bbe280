package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor"
	"github.com/chargeresult/chargeresult/processor/dedup"
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
			return runProcessor(ctx, in, acceptOffsets)
		},
	}
}

// runProcessor checks everything, puts the parts together, and works until ctx ends.
func runProcessor(ctx context.Context, in invocation, acceptOffsets bool) error {
	cfg, level := in.cfg, new(slog.LevelVar)
	level.Set(cfg.LogLevel)
	log, flush := newLog(in.stderr, level)
	defer flush()
	if err := preflight(ctx, cfg).Err(); err != nil {
		return err
	}
	seen, err := startObservability(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer seen.stop(log)
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
	claims, err := openClaims(ctx, cfg, cluster, seen.Telemetry)
	if err != nil {
		return err
	}
	defer claims.Close()
	flow, err := newFlow(cfg, cluster, claims, seen, acceptOffsets, log)
	if err != nil {
		return err
	}
	console, err := newAdmin(in, flow, cluster, seen, level, log)
	if err != nil {
		return err
	}
	defer console.finder.close()
	return serve(ctx, cfg, flow.engine, console, log)
}

// flow is what events pass through.
type flow struct {
	*processor.Processor
	engine        *stream.Engine
	asking        *asking
	transactional string // the producer's transactional ID
}

func newFlow(cfg config, cluster *cluster, claims *dedup.Store, seen *observability, acceptOffsets bool, log *slog.Logger) (*flow, error) {
	rebuilder, err := newRebuilder(cfg, cluster, claims, log)
	if err != nil {
		return nil, err
	}
	intake := stream.NewIntake(log)
	asking, err := newAsking(cfg, intake, seen.Telemetry, log)
	if err != nil {
		return nil, err
	}
	processor, err := processor.New(processor.Config{
		Group: cfg.KafkaGroup, Topics: topicsOf(cfg), Fields: fieldsOf(cfg), Policy: policyOf(cfg), Guards: guardsOf(cfg),
		Claims: claims, Rebuilder: rebuilder, Inquirer: asking, Intake: intake, AlwaysRebuild: acceptOffsets, Telemetry: seen.Telemetry, Log: log,
	})
	if err != nil {
		return nil, err
	}
	f := &flow{Processor: processor, asking: asking, transactional: transactionalID(cfg)}
	f.engine, err = newEngine(cfg, cluster, f, intake, acceptOffsets, log)
	return f, err
}

// transactionalID names the producer. With an instance ID it survives restarts, and a new process ends at once what its predecessor left open.
func transactionalID(c config) string {
	if c.InstanceID == "" {
		return c.KafkaGroup + "-" + rand.Text()
	}
	return c.KafkaGroup + "-" + c.InstanceID
}

// serve runs the engine, and beside it, for as long as it runs, the admin server.
func serve(ctx context.Context, cfg config, engine *stream.Engine, console *admin, log *slog.Logger) error {
	beside, stopBeside := context.WithCancel(context.WithoutCancel(ctx)) // they outlive ctx: a drain is watched too
	listener, err := console.listen(beside, cfg.AdminAddr)
	if err != nil {
		stopBeside()
		return err
	}
	log.Info("started", "group", cfg.KafkaGroup, "instance", cfg.InstanceID, "concurrency", cfg.Concurrency, "admin", listener.Addr().String(),
		"inquiries", cfg.mostInquiries(), "traces", console.seen.providers.Exporting)
	var others errgroup.Group
	others.Go(func() error { return console.serve(beside, listener) })
	others.Go(func() error { return console.watch.run(beside, engine.Status) })
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

func newEngine(c config, cluster *cluster, f *flow, intake *stream.Intake, acceptOffsets bool, log *slog.Logger) (*stream.Engine, error) {
	options, err := kafkaOptions(c)
	if err != nil {
		return nil, err
	}
	return stream.New(stream.Config{
		Client: append(options, kgo.WithLogger(kafkaLog{log})), Group: c.KafkaGroup, Topics: topicsOf(c).Input(),
		Parked: cluster.waiting, Due: f.Due, Intake: intake,
		InstanceID: c.InstanceID, TransactionalID: f.transactional,
		Handler: f, Ledger: f,
		Concurrency: c.Concurrency, Ordering: stream.Ordering(c.Ordering), CommitInterval: c.CommitInterval,
		TransactionTimeout: c.TransactionTimeout, SessionTimeout: c.SessionTimeout, DrainTimeout: c.DrainTimeout,
		FromEnd: c.Start == "latest", AcceptOffsets: acceptOffsets, AllowUnsafeBroker: c.AllowUnsafeBroker, Logger: log,
	})
}
