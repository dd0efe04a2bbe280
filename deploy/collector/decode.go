package collector

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// encoding is one of the two of OTLP/HTTP.
type encoding int

const (
	binary encoding = iota // protobuf
	text                   // JSON
)

func (e encoding) unmarshal(body []byte, into proto.Message) error {
	if e == text {
		return protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(body, into)
	}
	return proto.Unmarshal(body, into)
}

func (c *Collector) takeTraces(body []byte, e encoding) error {
	spans, err := decodeTraces(body, e)
	if err != nil {
		return fmt.Errorf("decode the traces: %w", err)
	}
	c.keepSpans(spans)
	return nil
}

func (c *Collector) takeMetrics(body []byte, e encoding) error {
	metrics, err := decodeMetrics(body, e)
	if err != nil {
		return fmt.Errorf("decode the metrics: %w", err)
	}
	c.keepMetrics(metrics)
	return nil
}

// TracesData and MetricsData are encoded as the requests of the services are, and need no gRPC.

func decodeTraces(body []byte, e encoding) ([]Span, error) {
	var data tracepb.TracesData
	if err := e.unmarshal(body, &data); err != nil {
		return nil, err
	}
	return spansOf(data.GetResourceSpans(), e)
}

func decodeMetrics(body []byte, e encoding) ([]Metric, error) {
	var data metricspb.MetricsData
	if err := e.unmarshal(body, &data); err != nil {
		return nil, err
	}
	return metricsOf(data.GetResourceMetrics(), e)
}

// The sizes of IDs, in bytes.
const (
	traceIDSize = 16
	spanIDSize  = 8
)

// ids writes IDs in lower-case hex, and remembers the first that is none.
type ids struct {
	encoding encoding
	err      error
}

// read returns an ID, or nothing if there is none.
func (i *ids) read(id []byte, size int) string {
	if len(id) == 0 {
		return ""
	}
	written := hex.EncodeToString(id)
	if i.encoding == text {
		// OTLP writes IDs in hex where JSON of protobuf has base64, and that is what they were decoded from. Hex of whole IDs has a
		// multiple of four characters, all of them base64's too: encoding restores them.
		written = strings.ToLower(base64.StdEncoding.EncodeToString(id))
	}
	if _, err := hex.DecodeString(written); i.err == nil && (err != nil || len(written) != 2*size) {
		i.err = fmt.Errorf("ID %q: want %d hexadecimal digits", written, 2*size)
	}
	return written
}

// require is read of what must be there.
func (i *ids) require(id []byte, size int) string {
	if i.err == nil && len(id) == 0 {
		i.err = fmt.Errorf("an ID of %d bytes is missing", size)
	}
	return i.read(id, size)
}

func attributesOf(pairs []*commonpb.KeyValue) map[string]any {
	attributes := make(map[string]any, len(pairs))
	for _, pair := range pairs {
		attributes[pair.GetKey()] = valueOf(pair.GetValue())
	}
	return attributes
}

// valueOf returns a string, bool, int64, float64, []byte, []any, map[string]any, or nil for the empty value.
func valueOf(v *commonpb.AnyValue) any {
	switch v := v.GetValue().(type) {
	case *commonpb.AnyValue_StringValue:
		return v.StringValue
	case *commonpb.AnyValue_BoolValue:
		return v.BoolValue
	case *commonpb.AnyValue_IntValue:
		return v.IntValue
	case *commonpb.AnyValue_DoubleValue:
		return v.DoubleValue
	case *commonpb.AnyValue_BytesValue:
		return v.BytesValue
	case *commonpb.AnyValue_ArrayValue:
		values := make([]any, 0, len(v.ArrayValue.GetValues()))
		for _, element := range v.ArrayValue.GetValues() {
			values = append(values, valueOf(element))
		}
		return values
	case *commonpb.AnyValue_KvlistValue:
		return attributesOf(v.KvlistValue.GetValues())
	}
	return nil
}
