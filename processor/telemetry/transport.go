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
	start    []trace.SpanStartOption
	measured []attribute.KeyValue
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
		semconv.HTTPRequestMethodPost, semconv.ServerAddress(host), semconv.ServerPort(port), semconv.URLTemplate(pathInquiry),
	}
	said := append(measured[:len(measured):len(measured)], semconv.URLFull(u.JoinPath(pathInquiry).String()))
	start := []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(said...)}
	return func(next http.RoundTripper) http.RoundTripper { return &transport{t, next, start, measured} }, nil
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
	x := &exchange{transport: t, ctx: r.Context(), began: time.Now()}
	tx := transactionOf(x.ctx)
	if trace.SpanFromContext(x.ctx).IsRecording() {
		x.ctx, x.span = t.tracer.Start(x.ctx, "POST "+pathInquiry, t.start...)
		if tx != nil {
			x.span.SetAttributes(semconv.MessagingMessageConversationID(tx.correlationID), keyCorrelationID.String(tx.correlationID))
			if tx.tries > 0 {
				x.span.SetAttributes(semconv.HTTPRequestResendCount(tx.tries))
			}
		}
	}
	if tx != nil {
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
	ctx    context.Context
	span   trace.Span // nil: not recorded
	began  time.Time
	body   io.ReadCloser
	status int
	failed string // what went wrong, as error.type
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
	said := make([]attribute.KeyValue, 0, 2)
	if x.status > 0 {
		said = append(said, semconv.HTTPResponseStatusCode(x.status))
	}
	if x.failed == "" && x.status >= 400 {
		x.failed = strconv.Itoa(x.status)
	}
	if x.failed != "" {
		said = append(said, semconv.ErrorTypeKey.String(x.failed))
	}
	measured := append(x.measured[:len(x.measured):len(x.measured)], said...)
	x.instruments.inquiry.Record(x.ctx, time.Since(x.began).Seconds(), metric.WithAttributes(measured...))
	if x.span == nil {
		return
	}
	x.span.SetAttributes(said...)
	if x.failed != "" {
		x.span.SetStatus(codes.Error, "")
	}
	x.span.End()
}
