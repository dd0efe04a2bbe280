package telemetry

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// transport makes a span of each round trip, and measures it, to the last byte of the reply. It adds no header: Konaplate is another company, and
// gets neither trace context nor baggage.
type transport struct {
	*Telemetry
	next     http.RoundTripper
	of       operation
	measured []attribute.KeyValue
	usual    metric.MeasurementOption // of a reply with status 200
}

// Transport returns what instruments the round trips of inquiries to a base URL.
func (t *Telemetry) Transport(base string) (func(http.RoundTripper) http.RoundTripper, error) {
	u, err := url.Parse(base)
	if err != nil {
		return nil, fmt.Errorf("telemetry: inquiry URL: %w", err)
	}
	u.User = nil
	host, port := address(u)
	measured := []attribute.KeyValue{
		semconv.HTTPRequestMethodPost, semconv.ServerAddress(host), semconv.ServerPort(port),
	}
	said := append(measured[:len(measured):len(measured)], semconv.URLFull(u.JoinPath(pathInquiry).String()))
	of := operation{nameInquiry, trace.WithSpanKind(trace.SpanKindClient), said}
	usual := metric.WithAttributeSet(attribute.NewSet(append(measured[:len(measured):len(measured)], semconv.HTTPResponseStatusCode(http.StatusOK))...))
	return func(next http.RoundTripper) http.RoundTripper { return &transport{t, next, of, measured, usual} }, nil
}

// address is the host and the port of a URL, the scheme's own if it names none.
func address(u *url.URL) (host string, port int) {
	port, err := strconv.Atoi(u.Port())
	switch {
	case err == nil:
	case u.Scheme == "https":
		port = 443
	default:
		port = 80
	}
	return u.Hostname(), port
}

func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	x, ctx := &exchange{transport: t, began: time.Now()}, r.Context()
	if trace.SpanFromContext(ctx).IsRecording() {
		_, x.span = t.tracer.Start(ctx, t.of.name, t.of.kind)
	}
	if tx := transactionOf(ctx); tx != nil {
		x.transaction, x.resent = tx, tx.tries
		tx.tries++
	}
	response, err := t.next.RoundTrip(r)
	if err != nil {
		x.failed = errorType(err)
		x.end()
		return nil, err
	}
	x.status, x.body, response.Body = response.StatusCode, response.Body, x
	return response, nil
}

// exchange is one round trip on its way. It stands for the response's body, and ends when that is closed. It belongs to who reads that.
type exchange struct {
	*transport
	*transaction // nil: of none
	resent       int
	span         trace.Span // nil: not recorded
	began        time.Time
	body         io.ReadCloser
	status       int
	failed       string // what went wrong, as error.type
}

func (x *exchange) Read(b []byte) (int, error) {
	n, err := x.body.Read(b)
	if err != nil && err != io.EOF {
		x.failed = errorType(err)
	}
	return n, err
}

func (x *exchange) Close() error {
	err := x.body.Close()
	x.end()
	return err
}

func (x *exchange) end() {
	took, ctx := time.Since(x.began).Seconds(), context.Background()
	if x.span != nil {
		ctx = exemplified(x.span.SpanContext())
	}
	if x.failed == "" && x.status >= 400 {
		x.failed = strconv.Itoa(x.status)
	}
	if x.status == http.StatusOK && x.failed == "" {
		x.instruments.inquiry.Record(ctx, took, x.usual)
	} else {
		x.instruments.inquiry.Record(ctx, took, metric.WithAttributes(x.said(x.measured[:len(x.measured):len(x.measured)])...))
	}
	if x.span == nil {
		return
	}
	var room [5]attribute.KeyValue
	said := x.said(room[:0])
	if x.transaction != nil {
		said = append(said, semconv.MessagingMessageConversationID(x.correlationID), keyCorrelationID.String(x.correlationID))
	}
	if x.resent > 0 {
		said = append(said, semconv.HTTPRequestResendCount(x.resent))
	}
	x.of.describe(x.span, said...)
	if x.failed != "" {
		x.span.SetStatus(codes.Error, "")
	}
	x.span.End()
}

// said appends what the reply was.
func (x *exchange) said(attributes []attribute.KeyValue) []attribute.KeyValue {
	if x.status > 0 {
		attributes = append(attributes, semconv.HTTPResponseStatusCode(x.status))
	}
	if x.failed != "" {
		attributes = append(attributes, semconv.ErrorTypeKey.String(x.failed))
	}
	return attributes
}
