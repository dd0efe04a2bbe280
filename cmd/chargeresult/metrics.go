package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/chargeresult/chargeresult/processor"
	"github.com/chargeresult/chargeresult/processor/console"
	"github.com/chargeresult/chargeresult/processor/inquiry"
	"github.com/chargeresult/chargeresult/processor/stream"
	"github.com/chargeresult/chargeresult/processor/telemetry"
	"github.com/chargeresult/chargeresult/processor/telemetry/export"
)

// sources are what the observed metrics are read from. Several readers may ask at once, so each source may be called by many goroutines.
type sources struct {
	started time.Time // of the process
	counts  func() processor.Counts
	engine  func() stream.Status
	oldest  func() time.Time // since when the message that has been worked on the longest has been; zero: none is
	breaker func() inquiry.BreakerStatus
	pace    func() inquiry.PaceStatus
	tries   func() map[processor.Class]int64 // of inquiries, since the start
	cluster func() console.Cluster
	spans   func() export.SpanCounts
}

// observe makes the metrics of the table that are read when somebody asks for them, and reads them from the sources whenever one does.
// Names, units, descriptions and attributes are the table's.
func observe(meter metric.Meter, from sources) error {
	var faults []error
	var all []metric.Observable
	instruments := map[string]instrument{}
	for _, m := range telemetry.Metrics() {
		if !m.Observed {
			continue
		}
		i := instrument{attributes: m.Attributes}
		var err error
		if m.Kind == telemetry.Counter {
			i.counter, err = meter.Int64ObservableCounter(m.Name, metric.WithUnit(m.Unit), metric.WithDescription(m.Description))
			all = append(all, i.counter)
		} else {
			i.gauge, err = meter.Float64ObservableGauge(m.Name, metric.WithUnit(m.Unit), metric.WithDescription(m.Description))
			all = append(all, i.gauge)
		}
		instruments[m.Name], faults = i, append(faults, err)
	}
	_, err := meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		from.read(reading{observer: o, instruments: instruments, now: time.Now()})
		return nil
	}, all...)
	if err := errors.Join(append(faults, err)...); err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	return nil
}

// instrument is a metric that is told when it is asked for: a counter or a gauge.
type instrument struct {
	counter    metric.Int64ObservableCounter
	gauge      metric.Float64ObservableGauge
	attributes []string
}

// reading is one answer to somebody who asks.
type reading struct {
	observer    metric.Observer
	instruments map[string]instrument
	now         time.Time
}

// count tells a counter; words are the values of its attributes, in the table's order.
func (r reading) count(name string, n int64, words ...string) {
	i := r.instruments[name]
	r.observer.ObserveInt64(i.counter, n, i.with(words))
}

// gauge tells a gauge; words are the values of its attributes, in the table's order.
func (r reading) gauge(name string, v float64, words ...string) {
	i := r.instruments[name]
	r.observer.ObserveFloat64(i.gauge, v, i.with(words))
}

// since is for how many seconds something has been; 0 if it is not.
func (r reading) since(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return max(0, r.now.Sub(t).Seconds())
}

func (i instrument) with(words []string) metric.MeasurementOption {
	attributes := make([]attribute.KeyValue, len(words))
	for n, word := range words {
		attributes[n] = attribute.String(i.attributes[n], word)
	}
	return metric.WithAttributes(attributes...)
}

func one(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
