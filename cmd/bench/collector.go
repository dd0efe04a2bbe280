package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// traces is where an entrant's traces go.
type traces int

const (
	untraced traces = iota // none are made
	taken                  // every transaction is traced, and a collector takes it all
	late                   // the collector takes three seconds for each batch
	refused                // the collector refuses everything
	nobody                 // there is no collector
)

// lateness is how long a slow collector takes: at its pace, nine of ten spans have no room to wait.
const lateness = 3 * time.Second

// environment is what tells a process where its traces go.
func (t traces) environment(collector string) []string {
	if t == untraced {
		return []string{"OTEL_TRACES_EXPORTER=none", "OTEL_METRICS_EXPORTER=none"}
	}
	return []string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://" + collector, "OTEL_METRICS_EXPORTER=none"}
}

// startCollector starts the collector of a kind, which keeps nothing, and returns its address.
func (t traces) startCollector(ctx context.Context) (addr string, stop func() error, err error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("start the collector: %w", err)
	}
	addr = listener.Addr().String()
	if t == nobody {
		return addr, func() error { return nil }, listener.Close()
	}
	server := &http.Server{Handler: t, ReadHeaderTimeout: time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	return addr, func() error {
		err := server.Close()
		if errServe := <-ended; !errors.Is(errServe, http.ErrServerClosed) {
			err = errors.Join(err, errServe)
		}
		return err
	}, nil
}

// ServeHTTP takes a batch, or doesn't.
func (t traces) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // who sends it sees the end of the connection
	switch t {
	case late:
		select {
		case <-time.After(lateness):
		case <-r.Context().Done():
		}
	case refused:
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}
