package collector

import (
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// someTraces is a request as the documentation of OTLP has it, with everything that Span has, and a field of the future.
const someTraces = `{"resourceSpans": [{
  "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "chargeresult"}}]},
  "scopeSpans": [{"scope": {"name": "the scope", "version": "1"}, "spans": [{
    "traceId": "5B8EFFF798038103D269B633813FC60C", "spanId": "eee19b7ec3c1b174", "parentSpanId": "eee19b7ec3c1b173", "traceState": "a=1",
    "name": "process charge-requested", "kind": 5, "startTimeUnixNano": "1544712660000000000", "endTimeUnixNano": 1544712661000000000,
    "attributes": [
      {"key": "s", "value": {"stringValue": "text"}}, {"key": "i", "value": {"intValue": "9007199254740993"}},
      {"key": "f", "value": {"doubleValue": 0.5}}, {"key": "b", "value": {"boolValue": true}}, {"key": "none"},
      {"key": "raw", "value": {"bytesValue": "yv4="}}, {"key": "list", "value": {"arrayValue": {"values": [{"intValue": 1}, {}]}}},
      {"key": "map", "value": {"kvlistValue": {"values": [{"key": "a", "value": {"stringValue": "b"}}]}}}],
    "events": [{"name": "exception", "timeUnixNano": "1544712660500000000", "attributes": [{"key": "e", "value": {"intValue": 1}}]}],
    "links": [{"traceId": "5b8efff798038103d269b633813fc60d", "spanId": "eee19b7ec3c1b175", "attributes": [{"key": "l", "value": {"boolValue": false}}]}],
    "status": {"code": 2, "message": "went wrong"}, "flags": 257, "ofTheFuture": {"any": [1]}
  }]}]}]}`

func TestDecodeTraces(t *testing.T) {
	began := time.Date(2018, 12, 13, 14, 51, 0, 0, time.UTC)
	want := Span{
		TraceID: "5b8efff798038103d269b633813fc60c", SpanID: "eee19b7ec3c1b174", ParentID: "eee19b7ec3c1b173", TraceState: "a=1",
		Name: "process charge-requested", Kind: Consumer, Start: began, End: began.Add(time.Second), Status: Error, StatusMessage: "went wrong",
		Attributes: map[string]any{
			"s": "text", "i": int64(9007199254740993), "f": 0.5, "b": true, "none": nil, "raw": []byte{0xca, 0xfe},
			"list": []any{int64(1), nil}, "map": map[string]any{"a": "b"},
		},
		Events:   []Event{{"exception", began.Add(time.Second / 2), map[string]any{"e": int64(1)}}},
		Links:    []Link{{"5b8efff798038103d269b633813fc60d", "eee19b7ec3c1b175", map[string]any{"l": false}}},
		Resource: map[string]any{"service.name": "chargeresult"}, Scope: "the scope",
	}
	spans, err := decodeTraces([]byte(someTraces), text)
	if err != nil || len(spans) != 1 || !reflect.DeepEqual(spans[0], want) {
		t.Errorf("%v, got\n%+v, want\n%+v", err, spans, want)
	}
}

func TestDecodeKinds(t *testing.T) {
	for code, want := range []Kind{"", Internal, Server, Client, Producer, Consumer, ""} {
		if got := kindOf(tracepb.Span_SpanKind(code)); got != want {
			t.Errorf("kind %d: %q, want %q", code, got, want)
		}
	}
	for code, want := range []Status{Unset, OK, Error, Unset} {
		if got := statusOf(tracepb.Status_StatusCode(code)); got != want {
			t.Errorf("status %d: %q, want %q", code, got, want)
		}
	}
	if got := timeOf(math.MaxUint64).Year(); got != 2262 {
		t.Errorf("the end of time is in %d", got)
	}
}

func TestDecodeRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		old, new string
		says     string
	}{
		"a trace ID in base64":    {"5B8EFFF798038103D269B633813FC60C", "W47/95gDgQPSabYzgT/GDA==", "ID"},
		"a short trace ID":        {"5B8EFFF798038103D269B633813FC60C", "5B8EFFF7", "want 32 hexadecimal digits"},
		"a trace ID of no hex":    {"5B8EFFF798038103D269B633813FC60C", "gggggggggggggggggggggggggggggggg", "want 32 hexadecimal digits"},
		"no trace ID":             {"5B8EFFF798038103D269B633813FC60C", "", "missing"},
		"a long span ID":          {"eee19b7ec3c1b174", "eee19b7ec3c1b174eee19b7ec3c1b174", "want 16 hexadecimal digits"},
		"no span ID":              {"eee19b7ec3c1b174", "", "missing"},
		"a short parent":          {"eee19b7ec3c1b173", "eee19b7e", "want 16"},
		"a link without trace":    {"5b8efff798038103d269b633813fc60d", "", "missing"},
		"a link without span":     {"eee19b7ec3c1b175", "", "missing"},
		"something that is JSON?": {`"kind": 5`, `"kind": `, "syntax error"},
	} {
		_, err := decodeTraces([]byte(strings.Replace(someTraces, c.old, c.new, 1)), text)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
	for name, s := range map[string]*tracepb.Span{
		"hex": {TraceId: []byte(traceID("a")), SpanId: []byte("12345678")}, "no IDs": {}, "a short one": {TraceId: make([]byte, 16), SpanId: make([]byte, 7)},
	} {
		body, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: []*tracepb.ResourceSpans{{ScopeSpans: []*tracepb.ScopeSpans{{Spans: []*tracepb.Span{s}}}}}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := decodeTraces(body, binary); err == nil {
			t.Errorf("binary, %s: taken", name)
		}
	}
}

const someMetrics = `{"resourceMetrics": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "chargeresult"}}]},
  "scopeMetrics": [{"scope": {"name": "the scope"}, "metrics": [
    {"name": "g", "unit": "s", "description": "words", "gauge": {"dataPoints": [{"asDouble": 0.5, "timeUnixNano": "1544712660000000000", "attributes": [{"key": "a", "value": {"intValue": 1}}]}]}},
    {"name": "c", "sum": {"isMonotonic": true, "aggregationTemporality": 2, "dataPoints": [{"asInt": "7"}, {"asInt": "8"}]}},
    {"name": "u", "sum": {"dataPoints": [{"asInt": "-7"}]}},
    {"name": "h", "histogram": {"dataPoints": [{"count": "3", "sum": 4.5, "explicitBounds": [1, 2], "bucketCounts": ["1", "0", "2"], "exemplars": [
      {"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174", "asDouble": 2.5, "filteredAttributes": [{"key": "x", "value": {"intValue": 1}}]}, {"asInt": "2"}]}]}},
    {"name": "e", "exponentialHistogram": {"dataPoints": [{"count": "2", "sum": 1, "scale": 3}]}},
    {"name": "s", "summary": {"dataPoints": [{"count": "1", "sum": 9}]}}, {"name": "empty"}]}]}]}`

func TestDecodeMetrics(t *testing.T) {
	metrics, err := decodeMetrics([]byte(someMetrics), text)
	if err != nil || len(metrics) != 7 {
		t.Fatalf("%v, %+v", err, metrics)
	}
	none, epoch := map[string]any{}, timeOf(0)
	want := []Metric{
		{Name: "g", Unit: "s", Description: "words", Kind: Gauge, Points: []Point{{Value: 0.5, Time: timeOf(1544712660000000000), Attributes: map[string]any{"a": int64(1)}}}},
		{Name: "c", Kind: Counter, Points: []Point{{Value: 7, Time: epoch, Attributes: none}, {Value: 8, Time: epoch, Attributes: none}}},
		{Name: "u", Kind: UpDown, Points: []Point{{Value: -7, Time: epoch, Attributes: none}}},
		{Name: "h", Kind: Histogram, Points: []Point{{Count: 3, Sum: 4.5, Bounds: []float64{1, 2}, Buckets: []uint64{1, 0, 2}, Time: epoch, Attributes: none, Exemplars: []Exemplar{
			{TraceID: "5b8efff798038103d269b633813fc60c", SpanID: "eee19b7ec3c1b174", Value: 2.5, Time: epoch, Attributes: map[string]any{"x": int64(1)}},
			{Value: 2, Time: epoch, Attributes: none},
		}}}},
		{Name: "e", Kind: Histogram, Points: []Point{{Count: 2, Sum: 1, Time: epoch, Attributes: none}}},
		{Name: "s", Kind: Summary, Points: []Point{{Count: 1, Sum: 9, Time: epoch, Attributes: none}}},
		{Name: "empty"},
	}
	for i, m := range metrics {
		want[i].Scope, want[i].Resource, want[i].stream = "the scope", map[string]any{"service.name": "chargeresult"}, m.stream
		if !reflect.DeepEqual(m, want[i]) {
			t.Errorf("got\n%+v, want\n%+v", m, want[i])
		}
	}
	if a, b := metrics[0].stream, metrics[1].stream; a == b {
		t.Errorf("two metrics are one stream %q", a)
	}
	if _, err := decodeMetrics([]byte(strings.Replace(someMetrics, "5b8efff798038103d269b633813fc60c", "5b8e", 1)), text); err == nil {
		t.Error("taken with an exemplar's trace ID of two bytes")
	}
}

// Whatever is sent, it is taken or refused, and what is taken can be drawn.
func FuzzDecode(f *testing.F) {
	inBinary := func(m proto.Message) []byte {
		body, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		return body
	}
	f.Add([]byte(someTraces))
	f.Add([]byte(someMetrics))
	f.Add([]byte(`{"resourceSpans": [null, {}, {"scopeSpans": [{"spans": [{}]}]}]}`))
	id := []byte("12345678")
	f.Add(inBinary(&tracepb.TracesData{ResourceSpans: []*tracepb.ResourceSpans{{ScopeSpans: []*tracepb.ScopeSpans{{Spans: []*tracepb.Span{{
		TraceId: append(id, id...), SpanId: id, ParentSpanId: id, Name: "its own parent", EndTimeUnixNano: math.MaxUint64,
		Attributes: []*commonpb.KeyValue{{Key: correlationID, Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: someID}}}},
	}}}}}}}))
	f.Add(inBinary(&metricspb.MetricsData{ResourceMetrics: []*metricspb.ResourceMetrics{{ScopeMetrics: []*metricspb.ScopeMetrics{{Metrics: []*metricspb.Metric{{
		Name: "h", Data: &metricspb.Metric_Histogram{Histogram: &metricspb.Histogram{DataPoints: []*metricspb.HistogramDataPoint{{Count: 1}}}},
	}}}}}}}))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, e := range []encoding{binary, text} {
			if metrics, err := decodeMetrics(body, e); err == nil {
				New(Config{MaxMetrics: 1}).keepMetrics(metrics)
			}
			spans, err := decodeTraces(body, e)
			if err != nil {
				continue
			}
			for _, s := range spans {
				if len(s.TraceID) != 2*traceIDSize || len(s.SpanID) != 2*spanIDSize {
					t.Errorf("IDs %q and %q", s.TraceID, s.SpanID)
				}
			}
			if tree := Tree(spans, someID, Style{}); strings.ContainsFunc(tree, func(r rune) bool { return r < ' ' && r != '\n' }) {
				t.Errorf("control characters in %q", tree)
			}
			Golden(spans, nil)
		}
	})
}
