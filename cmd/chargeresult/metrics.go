package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/attribute"
	exporter "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	sdk "go.opentelemetry.io/otel/sdk/metric"

	"github.com/chargeresult/chargeresult/processor"
	"github.com/chargeresult/chargeresult/processor/inquiry"
)

// holds are the reasons by which intake may be held: each has a series from the start, so that an alarm on it can't be silent because
// it has never happened.
var holds = []string{
	"admission", "group", holdBreaker, holdRate,
	processor.HoldCredentials, processor.HoldRefusals, processor.HoldDeadLetters, processor.HoldRebuild,
}

// metrics serves what the status page knows, for Prometheus. Every number is read when it is asked for.
func (a *admin) metrics() (http.Handler, error) {
	registry := prometheus.NewRegistry()
	reader, err := exporter.New(exporter.WithRegisterer(registry), exporter.WithoutScopeInfo(), exporter.WithoutTargetInfo())
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	meter := sdk.NewMeterProvider(sdk.WithReader(reader)).Meter("github.com/chargeresult/chargeresult")
	var faults []error
	counter := func(name, what string) metric.Int64ObservableCounter {
		c, err := meter.Int64ObservableCounter(name, metric.WithDescription(what))
		faults = append(faults, err)
		return c
	}
	gauge := func(name, what string) metric.Int64ObservableGauge {
		g, err := meter.Int64ObservableGauge(name, metric.WithDescription(what))
		faults = append(faults, err)
		return g
	}
	records := counter("chargeresult.records", "Input records of a partition by place: accepted = final + dead + duplicate + parked - resumed, over all processes")
	results := counter("chargeresult.results", "Results published, by result; PENDING is an interim one")
	deadLetters := counter("chargeresult.dead_letters", "Dead letters, by reason")
	waits := counter("chargeresult.waits", "Retry records, by why the transaction waits")
	held := gauge("chargeresult.intake.held", "1 while intake is held for the reason")
	flight := gauge("chargeresult.in_flight", "Messages fetched and not committed")
	breaker := gauge("chargeresult.breaker.state", "1 for the state the circuit breaker is in")
	fill, errFill := meter.Float64ObservableGauge("chargeresult.offset_map.fill", metric.WithDescription(
		"How much of the room for a partition's offset map is taken: at 1 the partition takes up no more until older records are finished"))
	faults = append(faults, errFill)
	_, err = meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		counts, status := a.flow.Counts(), a.engine.Status()
		for _, p := range counts.Partitions {
			for place, n := range places(p.Tally) {
				o.ObserveInt64(records, n, metric.WithAttributes(attribute.String("topic", p.Topic), attribute.Int("partition", int(p.Partition)), attribute.String("place", place)))
			}
		}
		for _, p := range status.Partitions {
			o.ObserveFloat64(fill, p.MapFill, metric.WithAttributes(attribute.String("topic", p.Topic), attribute.Int("partition", int(p.Partition))))
		}
		observe(o, results, "result", counts.Final)
		observe(o, results, "result", map[string]int64{"PENDING": counts.Interim})
		observe(o, deadLetters, "reason", counts.Dead)
		observe(o, waits, "reason", counts.Waits)
		reasons := map[string]int64{}
		for _, reason := range holds {
			reasons[reason] = 0
		}
		for _, h := range status.Holds {
			reasons[h.Reason] = 1
		}
		observe(o, held, "reason", reasons)
		o.ObserveInt64(flight, int64(status.InFlight))
		states := map[string]int64{string(inquiry.Closed): 0, string(inquiry.Open): 0, string(inquiry.HalfOpen): 0}
		states[string(a.asking.breaker.State().State)] = 1
		observe(o, breaker, "state", states)
		return nil
	}, records, results, deadLetters, waits, held, flight, breaker, fill)
	if err := errors.Join(append(faults, err)...); err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{}), nil
}

func places(t processor.Tally) map[string]int64 {
	return map[string]int64{
		"accepted": t.Accepted, "final": t.Final, "dead": t.Dead, "duplicate": t.Duplicate, "parked": t.Parked, "resumed": t.Resumed,
	}
}

func observe(o metric.Observer, instrument metric.Int64Observable, label string, values map[string]int64) {
	for value, n := range values {
		o.ObserveInt64(instrument, n, metric.WithAttributes(attribute.String(label, value)))
	}
}
