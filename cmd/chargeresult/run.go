package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"time"

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
	claims, err := takeUpClaims(ctx, cfg, cluster, acceptOffsets, log)
	if err != nil {
		return err
	}
	defer claims.Close()
	breaker, ask, err := newInquirer(cfg, log)
	if err != nil {
		return err
	}
	flow, err := processor.New(processor.Config{Group: cfg.KafkaGroup, Topics: topicsOf(cfg), Fields: fieldsOf(cfg), Claims: claims, Inquirer: ask})
	if err != nil {
		return err
	}
	engine, err := newEngine(cfg, flow, acceptOffsets, log)
	if err != nil {
		return err
	}
	console := &admin{engine: engine, flow: flow, breaker: breaker, started: time.Now()}
	return serve(ctx, cfg, engine, console, log)
}

// serve runs the engine, and beside it, for as long as it runs, the admin server.
func serve(ctx context.Context, cfg config, engine *stream.Engine, console *admin, log *slog.Logger) error {
	beside, stopBeside := context.WithCancel(context.WithoutCancel(ctx)) // they outlive ctx: a drain is watched too
	listener, err := console.listen(beside, cfg.AdminAddr)
	if err != nil {
		stopBeside()
		return err
	}
	log.Info("started", "group", cfg.KafkaGroup, "instance", cfg.InstanceID, "concurrency", cfg.Concurrency, "admin", listener.Addr().String())
	var others errgroup.Group
	others.Go(func() error { return console.serve(beside, listener) })
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
		Result: c.TopicResult, DeadLetter: c.TopicDeadLetter, Duplicates: c.TopicDuplicates,
	}
}

func fieldsOf(c config) events.Fields {
	return events.Fields{
		CorrelationID: c.FieldCorrelationID, SequenceID: c.FieldSequenceID, RequestedAt: c.FieldRequestedAt,
		AnyCorrelationID: c.InquiryCorrelationID == string(inquiry.FreshID),
	}
}

// takeUpClaims opens the claim store. A group that never committed begins with an empty one; where moved offsets are accepted, what was
// published settles its claims before anything is read again.
func takeUpClaims(ctx context.Context, c config, cluster *cluster, acceptOffsets bool, log *slog.Logger) (*dedup.Store, error) {
	first, err := cluster.firstStart(ctx)
	if err == nil && first && !acceptOffsets {
		first, err = cluster.refuseForgottenOffsets(ctx)
	}
	if err != nil {
		return nil, err
	}
	claims, err := openClaims(ctx, c, cluster)
	if err != nil {
		return nil, err
	}
	if first {
		err = claims.Initialise(ctx)
	}
	if err == nil && acceptOffsets {
		err = claims.Adopt(ctx)
		if err == nil {
			err = cluster.resettle(ctx, claims, log)
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("take up the claims of group %q: %w", c.KafkaGroup, err), claims.Close())
	}
	return claims, nil
}

func openClaims(ctx context.Context, c config, cluster *cluster) (*dedup.Store, error) {
	t, err := redisTLS(c)
	if err != nil {
		return nil, err
	}
	return dedup.Open(ctx, dedup.Config{
		URL: redisAddress(c), TLS: t, Group: c.KafkaGroup, TTL: c.DedupTTL,
		ClusterID: cluster.id, TopicIDs: cluster.topicIDs, Gone: cluster.gone,
	})
}

// newInquirer composes how Konaplate is asked: a question is tried a few times, each try passes the breaker, and the breaker asks the client.
func newInquirer(c config, log *slog.Logger) (*inquiry.Breaker, processor.Inquirer, error) {
	t, err := inquiryTLS(c)
	if err != nil {
		return nil, nil, err
	}
	client, err := inquiry.New(inquiry.Config{
		BaseURL: c.InquiryURL, AllowHTTP: c.InquiryAllowHTTP, ASPID: c.InquiryASPID, AccessKey: inquiry.Secret(c.InquiryAccessKey.Reveal()), Signer: signerOf(c),
		TimeZone: c.InquiryTimeZone, Timeout: c.InquiryTimeout, CorrelationID: inquiry.CorrelationID(c.InquiryCorrelationID),
		Concurrency: c.Concurrency, RejectedCodes: c.RejectedCodes, TLS: t, Logger: log,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("inquiry: %w", err)
	}
	breakerConfig := inquiry.BreakerConfig{
		Window: c.BreakerWindow, MinRequests: c.BreakerMinRequests, FailureRatio: c.BreakerFailureRatio, Open: c.BreakerOpen,
		Concurrency: c.Concurrency, TryTimeout: c.InquiryTimeout,
		OnChange: func(from inquiry.State, now inquiry.BreakerStatus) {
			log.Warn("breaker changed", "from", from, "to", now.State, "waiting", now.Waiting)
		},
	}
	retries := inquiry.RetryConfig{Tries: c.InquiryTries}
	if err := errors.Join(breakerConfig.Validate(), retries.Validate()); err != nil {
		return nil, nil, fmt.Errorf("inquiry: %w", err)
	}
	breaker := inquiry.WithBreaker(client, breakerConfig)
	return breaker, inquiry.WithRetries(breaker, retries), nil
}

func signerOf(c config) inquiry.Signer {
	if token := c.InquiryTranToken.Reveal(); token != "" {
		return inquiry.StaticToken{Token: inquiry.Secret(token)}
	}
	return inquiry.KMV1{SecretKey: inquiry.Secret(c.InquirySecretKey.Reveal())}
}

func newEngine(c config, flow *processor.Processor, acceptOffsets bool, log *slog.Logger) (*stream.Engine, error) {
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
		InstanceID: c.InstanceID, TransactionalID: c.KafkaGroup + "-" + name,
		Handler: flow, Ledger: flow,
		Concurrency: c.Concurrency, Ordering: stream.Ordering(c.Ordering), CommitInterval: c.CommitInterval,
		TransactionTimeout: c.TransactionTimeout, SessionTimeout: c.SessionTimeout, DrainTimeout: c.DrainTimeout,
		FromEnd: c.Start == "latest", AcceptOffsets: acceptOffsets, AllowUnsafeBroker: c.AllowUnsafeBroker, Logger: log,
	})
}
