package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/chargeresult/chargeresult/processor/console"
	"github.com/chargeresult/chargeresult/processor/replay"
)

// The admin server's timeouts.
const (
	adminHeaderTimeout = 5 * time.Second // reading a request's header
	adminStopTimeout   = time.Second     // finishing requests at the end
)

// admin answers at the admin address: is it alive, is it ready, what is it doing.
type admin struct {
	cfg      config
	settings []console.Setting
	flow     *flow
	watch    *clusterWatch
	seen     *observability
	level    *slog.LevelVar // of the log
	log      *slog.Logger
	finder   *finder
	started  time.Time
}

// newAdmin makes the admin server of a process, and the metrics that are read when they are asked for. Whoever makes it closes it.
func newAdmin(in invocation, flow *flow, cluster *cluster, seen *observability, level *slog.LevelVar, log *slog.Logger) (*admin, error) {
	finder, err := newFinder(in.cfg, time.Time{}, replay.DefaultLimit)
	if err != nil {
		return nil, err
	}
	a := &admin{
		cfg: in.cfg, settings: settingsOf(in.effective), flow: flow, watch: newClusterWatch(cluster, flow.transactional), seen: seen, level: level, log: log,
		finder: finder, started: time.Now(),
	}
	if err := observe(seen.meter(), a.sources()); err != nil {
		finder.close()
		return nil, err
	}
	return a, nil
}

// sources are what the metrics are read from.
func (a *admin) sources() sources {
	return sources{
		started: a.started, counts: a.flow.Counts, engine: a.flow.engine.Status, breaker: a.flow.asking.breaker.State, pace: a.flow.asking.pace.State,
		tries:   a.flow.asking.stats.Totals,
		spans:   a.seen.providers.Spans,
		cluster: func() console.Cluster { return a.watch.state(time.Now(), a.flow.engine.Status()) },
		oldest: func() time.Time {
			for _, w := range a.flow.Slowest(1) {
				return w.Since
			}
			return time.Time{}
		},
	}
}

// handler is what there is at the admin address.
func (a *admin) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", a.probe)
	mux.HandleFunc("GET /readyz", a.probe)
	mux.Handle("GET /metrics", a.seen.metrics)
	mux.Handle("/loglevel", logLevelHandler(a.level, a.log))
	mux.Handle("/", console.New(console.Config{
		Page: a.page, Find: a.finder.Find, TraceURL: a.cfg.TraceURL, Brokers: strings.Join(a.cfg.KafkaBrokers, ","), DeadLetterTopic: a.cfg.TopicDeadLetter,
	}))
	return mux
}

// probe answers /livez and /readyz. Neither fails for another system's health: a restart would not mend that. Why intake is held stands in the body.
func (a *admin) probe(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprintln(w, "ok")
	engine := a.flow.engine.Status()
	for _, h := range engine.Holds {
		fmt.Fprintf(w, "intake held (%s) since %s: %s\n", h.Reason, h.Since.UTC().Format(time.RFC3339), h.Cause)
	}
	if engine.Commit != "" {
		fmt.Fprintln(w, "nothing commits:", engine.Commit)
	}
}

func (a *admin) listen(ctx context.Context, addr string) (net.Listener, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen at the admin address (%s): %w", envName("admin-addr"), err)
	}
	return listener, nil
}

// serve answers until ctx ends.
func (a *admin) serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{Handler: a.handler(), ReadHeaderTimeout: adminHeaderTimeout}
	stopped := make(chan struct{})
	defer context.AfterFunc(ctx, func() {
		defer close(stopped)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), adminStopTimeout)
		defer cancel()
		_ = server.Shutdown(ctx) // what does not end in time ends with the process
	})()
	err := server.Serve(listener)
	if !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("admin server: %w", err)
	}
	<-stopped
	return nil
}
