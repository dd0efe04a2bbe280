package export

import (
	"context"
	"errors"
	"fmt"
	"os"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
)

// otlpExporter sends spans by the library's client, which knows the OTEL_EXPORTER_OTLP_* variables, TLS, retries and what a collector may answer. It
// encodes them itself where it can.
type otlpExporter struct {
	*otlptrace.Exporter
	client otlptrace.Client
	buffer encoder // owned by ExportSpans, which the batch processor calls one at a time
}

// newOTLPExporter follows OTEL_EXPORTER_OTLP_TRACES_PROTOCOL and OTEL_EXPORTER_OTLP_PROTOCOL.
func newOTLPExporter(ctx context.Context) (*otlpExporter, error) {
	protocol := os.Getenv("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL")
	if protocol == "" {
		protocol = os.Getenv("OTEL_EXPORTER_OTLP_PROTOCOL")
	}
	var client otlptrace.Client
	switch protocol {
	case "", "http/protobuf":
		client = otlptracehttp.NewClient()
	case "grpc":
		client = otlptracegrpc.NewClient()
	default:
		return nil, errors.New("OTEL_EXPORTER_OTLP_PROTOCOL is " + protocol + ": expected http/protobuf or grpc")
	}
	return newExporter(ctx, client)
}

func newExporter(ctx context.Context, client otlptrace.Client) (*otlpExporter, error) {
	library, err := otlptrace.New(ctx, client)
	if err != nil {
		return nil, fmt.Errorf("start the OTLP exporter: %w", err)
	}
	return &otlpExporter{Exporter: library, client: client}, nil
}

// ExportSpans implements sdktrace.SpanExporter. What is encoded travels as a field that the message does not know: those are marshalled as they are.
func (e *otlpExporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	if len(spans) == 0 {
		return nil
	}
	b, ok := e.buffer.encode(spans)
	if !ok {
		return e.Exporter.ExportSpans(ctx, spans)
	}
	encoded := &tracepb.ResourceSpans{}
	encoded.ProtoReflect().SetUnknown(b)
	return e.client.UploadTraces(ctx, []*tracepb.ResourceSpans{encoded})
}
