package collector

import (
	"fmt"
	"time"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
)

// Metric is a metric as a process sent it last.
type Metric struct {
	Name, Description, Unit string
	Kind                    MetricKind
	Points                  []Point
	Resource                map[string]any // the attributes of the process
	Scope                   string         // the name of the instrumentation
	stream                  string         // tells it from others of its name
}

// MetricKind is what kind of number a metric is.
type MetricKind string

// The kinds.
const (
	Gauge     MetricKind = "gauge"
	Counter   MetricKind = "counter" // a sum that only grows
	UpDown    MetricKind = "updown"  // a sum that does not
	Histogram MetricKind = "histogram"
	Summary   MetricKind = "summary"
)

// Point is the value of a metric for one set of attributes.
type Point struct {
	Attributes map[string]any
	Time       time.Time
	Value      float64 // of a gauge or a sum
	Count      uint64  // of a histogram or a summary
	Sum        float64 // of the same
	Bounds     []float64
	Buckets    []uint64 // one more than bounds; none: the histogram is exponential
	Exemplars  []Exemplar
}

// Exemplar is one measurement, and the span it was made in.
type Exemplar struct {
	TraceID, SpanID string // empty: in none
	Time            time.Time
	Value           float64
	Attributes      map[string]any // those that the point has not
}

func metricsOf(resources []*metricspb.ResourceMetrics, e encoding) ([]Metric, error) {
	var metrics []Metric
	id := &ids{encoding: e}
	for _, r := range resources {
		resource := attributesOf(r.GetResource().GetAttributes())
		for _, scope := range r.GetScopeMetrics() {
			for _, m := range scope.GetMetrics() {
				metric := metricOf(m, id)
				metric.Resource, metric.Scope = resource, scope.GetScope().GetName()
				metric.stream = fmt.Sprint(metric.Name, "\x00", metric.Scope, "\x00", written(resource))
				metrics = append(metrics, metric)
			}
		}
	}
	return metrics, id.err
}

func metricOf(m *metricspb.Metric, id *ids) Metric {
	metric := Metric{Name: m.GetName(), Description: m.GetDescription(), Unit: m.GetUnit()}
	switch data := m.GetData().(type) {
	case *metricspb.Metric_Gauge:
		metric.Kind, metric.Points = Gauge, numbers(data.Gauge.GetDataPoints(), id)
	case *metricspb.Metric_Sum:
		metric.Kind, metric.Points = UpDown, numbers(data.Sum.GetDataPoints(), id)
		if data.Sum.GetIsMonotonic() {
			metric.Kind = Counter
		}
	case *metricspb.Metric_Histogram:
		metric.Kind = Histogram
		for _, p := range data.Histogram.GetDataPoints() {
			point := distribution(p, id, p.GetExemplars())
			point.Bounds, point.Buckets = p.GetExplicitBounds(), p.GetBucketCounts()
			metric.Points = append(metric.Points, point)
		}
	case *metricspb.Metric_ExponentialHistogram:
		metric.Kind = Histogram
		for _, p := range data.ExponentialHistogram.GetDataPoints() {
			metric.Points = append(metric.Points, distribution(p, id, p.GetExemplars()))
		}
	case *metricspb.Metric_Summary:
		metric.Kind = Summary
		for _, p := range data.Summary.GetDataPoints() {
			metric.Points = append(metric.Points, distribution(p, id, nil))
		}
	}
	return metric
}

// counted is what all points that stand for many measurements have.
type counted interface {
	GetAttributes() []*commonpb.KeyValue
	GetTimeUnixNano() uint64
	GetCount() uint64
	GetSum() float64
}

func distribution(p counted, id *ids, exemplars []*metricspb.Exemplar) Point {
	return Point{
		Attributes: attributesOf(p.GetAttributes()), Time: timeOf(p.GetTimeUnixNano()),
		Count: p.GetCount(), Sum: p.GetSum(), Exemplars: exemplarsOf(exemplars, id),
	}
}

func numbers(points []*metricspb.NumberDataPoint, id *ids) (numbers []Point) {
	for _, p := range points {
		value := p.GetAsDouble()
		if whole, ok := p.GetValue().(*metricspb.NumberDataPoint_AsInt); ok {
			value = float64(whole.AsInt)
		}
		numbers = append(numbers, Point{
			Attributes: attributesOf(p.GetAttributes()), Time: timeOf(p.GetTimeUnixNano()),
			Value: value, Exemplars: exemplarsOf(p.GetExemplars(), id),
		})
	}
	return numbers
}

func exemplarsOf(all []*metricspb.Exemplar, id *ids) (exemplars []Exemplar) {
	for _, e := range all {
		value := e.GetAsDouble()
		if whole, ok := e.GetValue().(*metricspb.Exemplar_AsInt); ok {
			value = float64(whole.AsInt)
		}
		exemplars = append(exemplars, Exemplar{
			TraceID: id.read(e.GetTraceId(), traceIDSize), SpanID: id.read(e.GetSpanId(), spanIDSize),
			Time: timeOf(e.GetTimeUnixNano()), Value: value, Attributes: attributesOf(e.GetFilteredAttributes()),
		})
	}
	return exemplars
}
