package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/chargeresult/chargeresult/processor"
	"github.com/chargeresult/chargeresult/processor/inquiry"
	"github.com/chargeresult/chargeresult/processor/stream"
)

// The admin server's timeouts.
const (
	adminHeaderTimeout = 5 * time.Second // reading a request's header
	adminStopTimeout   = time.Second     // finishing requests at the end
)

// admin answers at the admin address: is it alive, is it ready, what is it doing. Neither probe fails for another system's health: a restart
// would not mend that. Why intake is held stands in the body.
type admin struct {
	engine  *stream.Engine
	flow    *processor.Processor
	asking  *asking
	started time.Time
}

// statusPage is the body of /statusz.
type statusPage struct {
	Version buildVersion     `json:"version"`
	Started time.Time        `json:"started"`
	Counts  processor.Counts `json:"counts"` // since the start; all of it is committed
	Breaker breakerView      `json:"breaker"`
	Pace    paceView         `json:"pace"`
	Engine  stream.Status    `json:"engine"`
}

// breakerView is an inquiry.BreakerStatus for readers.
type breakerView struct {
	State     inquiry.State `json:"state"`
	Since     time.Time     `json:"since"`
	Cause     string        `json:"cause,omitempty"`    // the failure that opened it last
	NextProbe time.Time     `json:"nextProbe,omitzero"` // while it is open
	InFlight  int           `json:"inFlight"`           // questions
	Limit     int           `json:"limit"`              // of questions in flight now
	Waiting   int           `json:"waiting"`            // questions that wait for their turn
}

func viewBreaker(s inquiry.BreakerStatus) breakerView {
	v := breakerView{State: s.State, Since: s.Since, NextProbe: s.NextProbe, InFlight: s.InFlight, Limit: s.Limit, Waiting: s.Waiting}
	if s.Cause != nil {
		v.Cause = s.Cause.Error()
	}
	return v
}

// paceView is an inquiry.PaceStatus for readers.
type paceView struct {
	Rate        float64   `json:"rate"`                 // questions a second at most; 0: no limit
	PausedUntil time.Time `json:"pausedUntil,omitzero"` // because Konaplate wants fewer questions
	Waiting     int       `json:"waiting"`              // questions that wait for their turn
	SlowDowns   int64     `json:"slowDowns"`            // how often Konaplate wanted fewer
}

func (a *admin) status() statusPage {
	pace := a.asking.pace.State()
	page := statusPage{
		Started: a.started, Counts: a.flow.Counts(), Breaker: viewBreaker(a.asking.breaker.State()), Engine: a.engine.Status(),
		Pace: paceView{Rate: pace.Rate, PausedUntil: pace.PausedUntil, Waiting: pace.Waiting, SlowDowns: int64(pace.SlowDowns)},
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		page.Version = versionOf(info)
	}
	return page
}

func (a *admin) handler() (http.Handler, error) {
	metrics, err := a.metrics()
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	probe := func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "ok")
		engine := a.engine.Status()
		for _, h := range engine.Holds {
			fmt.Fprintf(w, "intake held (%s) since %s: %s\n", h.Reason, h.Since.UTC().Format(time.RFC3339), h.Cause)
		}
		if engine.Commit != "" {
			fmt.Fprintln(w, "nothing commits:", engine.Commit)
		}
	}
	mux.HandleFunc("GET /livez", probe)
	mux.HandleFunc("GET /readyz", probe)
	mux.HandleFunc("GET /statusz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		page := json.NewEncoder(w)
		page.SetIndent("", "  ")
		_ = page.Encode(a.status()) // the reader went away: nobody to tell
	})
	mux.Handle("GET /metrics", metrics)
	return mux, nil
}

func (a *admin) listen(ctx context.Context, addr string) (net.Listener, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen at the admin address (%s): %w", envName("admin-addr"), err)
	}
	return listener, nil
}

// serve answers until ctx ends.
func (a *admin) serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: adminHeaderTimeout}
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
