package telemetry_test

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor/telemetry"
)

const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

// recorder is telemetry whose spans and metrics can be read.
type recorder struct {
	*telemetry.Telemetry
	spans   *tracetest.SpanRecorder
	metrics *sdkmetric.ManualReader
}

func record(t testing.TB, options ...sdktrace.TracerProviderOption) recorder {
	t.Helper()
	r := recorder{spans: tracetest.NewSpanRecorder(), metrics: sdkmetric.NewManualReader()}
	var err error
	r.Telemetry, err = telemetry.New(telemetry.Config{
		Traces: sdktrace.NewTracerProvider(append(options, sdktrace.WithSpanProcessor(r.spans))...), Metrics: sdkmetric.NewMeterProvider(sdkmetric.WithReader(r.metrics)),
		Propagator: propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{}), Group: "g",
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// points are the attribute sets that a metric has points for.
func (r recorder) points(t testing.TB, name string) (sets []attribute.Set) {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := r.metrics.Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			if m.Name != name {
				continue
			}
			switch data := m.Data.(type) {
			case metricdata.Histogram[float64]:
				for _, p := range data.DataPoints {
					sets = append(sets, p.Attributes)
				}
			case metricdata.Sum[int64]:
				for _, p := range data.DataPoints {
					sets = append(sets, p.Attributes)
				}
			}
		}
	}
	return sets
}

// TestTable: the table is one, whole, and of known words.
func TestTable(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range telemetry.Metrics() {
		if seen[m.Name] {
			t.Errorf("%s is there twice", m.Name)
		}
		seen[m.Name] = true
		if m.Description == "" || !strings.HasSuffix(m.Description, ".") {
			t.Errorf("%s: description %q", m.Name, m.Description)
		}
		if !slices.Contains([]telemetry.Kind{telemetry.Counter, telemetry.Gauge, telemetry.Histogram}, m.Kind) {
			t.Errorf("%s: kind %q", m.Name, m.Kind)
		}
		if !m.Observed && m.Kind == telemetry.Gauge {
			t.Errorf("%s: a gauge is observed", m.Name)
		}
	}
}

// TestMeasured: what is told is measured under the attributes that the table names, and no others.
func TestMeasured(t *testing.T) {
	r := record(t)
	ctx := t.Context()
	r.Processed(trace.SpanContext{}, "t", time.Second, "")
	r.Processed(trace.SpanContext{}, "t", time.Second, "CONFLICT")
	r.Consumed("t", 2)
	r.Published("u", 3)
	r.Ended(trace.SpanContext{}, "CHARGE", "COMPLETED", -time.Second)
	ended := r.Redis("localhost:6379")(ctx, "claim", 2)
	ended(nil)
	r.Redis("localhost:6379")(ctx, "claim", 1)(syscall.ECONNREFUSED)
	exchange(t, r, t.Context(), 200, nil)
	exchange(t, r, t.Context(), 0, syscall.ECONNRESET)
	for _, m := range telemetry.Metrics() {
		if m.Observed {
			continue
		}
		sets := r.points(t, m.Name)
		if len(sets) == 0 {
			t.Errorf("%s was not measured", m.Name)
		}
		seen := map[string]bool{}
		for _, set := range sets {
			for _, kv := range set.ToSlice() {
				if seen[string(kv.Key)] = true; !slices.Contains(m.Attributes, string(kv.Key)) {
					t.Errorf("%s has attribute %s, which the table does not name", m.Name, kv.Key)
				}
			}
		}
		for _, key := range m.Attributes {
			if !seen[key] {
				t.Errorf("%s never has the attribute %s of the table", m.Name, key)
			}
		}
	}
}

// roundTripper answers with a status, or fails.
type roundTripper struct {
	status int
	err    error
	seen   *http.Request
}

func (rt *roundTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	rt.seen = r
	if rt.err != nil {
		return nil, rt.err
	}
	return &http.Response{StatusCode: rt.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}"))}, nil
}

func exchange(t testing.TB, r recorder, ctx context.Context, status int, err error) *http.Request {
	t.Helper()
	instrument, bad := r.Transport("http://konaplate.example:8080/open-api")
	if bad != nil {
		t.Fatal(bad)
	}
	next := &roundTripper{status: status, err: err}
	request, bad := http.NewRequestWithContext(ctx, http.MethodPost, "http://konaplate.example:8080/", nil)
	if bad != nil {
		t.Fatal(bad)
	}
	response, got := instrument(next).RoundTrip(request)
	if !errors.Is(got, err) {
		t.Errorf("error %v, want %v", got, err)
	}
	if response != nil {
		_, _ = io.ReadAll(response.Body)
		_ = response.Body.Close()
	}
	return next.seen
}

// TestTransportAddsNothing: the request goes on as it is.
func TestTransportAddsNothing(t *testing.T) {
	r := record(t)
	ctx, span := r.Process(telemetry.WithTransaction(t.Context(), "id"), telemetry.Message{Topic: "t"}, telemetry.Traces{}, time.Now())
	if request := exchange(t, r, ctx, 200, nil); len(request.Header) > 0 {
		t.Errorf("headers were added: %v", request.Header)
	}
	span.End()
	spans := r.spans.Ended()
	if len(spans) != 2 || spans[0].Parent().SpanID() != spans[1].SpanContext().SpanID() {
		t.Fatalf("spans %v", spans)
	}
}

// TestResend: the tries of one question are told apart.
func TestResend(t *testing.T) {
	r := record(t)
	ctx, _ := r.Process(telemetry.WithTransaction(t.Context(), "id"), telemetry.Message{Topic: "t"}, telemetry.Traces{}, time.Now())
	for want := range 3 {
		exchange(t, r, ctx, 503, nil)
		attributes := attribute.NewSet(r.spans.Ended()[want].Attributes()...)
		resent, there := attributes.Value("http.request.resend_count")
		if there != (want > 0) || there && resent.AsInt64() != int64(want) {
			t.Errorf("try %d: resend count %v, %v", want+1, resent, there)
		}
	}
}

// TestContexts: what Format writes Parse reads, and nothing else is a context.
func TestContexts(t *testing.T) {
	for text, valid := range map[string]bool{
		parent: true, parent + " a=b,c=d": true, "": false, "x": false, parent + " ,,=": true, strings.ToUpper(parent): false,
		"00-00000000000000000000000000000000-b7ad6b7169203331-01": false, strings.Repeat("x", 1000): false,
	} {
		sc := telemetry.Parse(text)
		if sc.IsValid() != valid {
			t.Errorf("%q: valid %v", text, sc.IsValid())
		}
		if again := telemetry.Format(sc); valid && !strings.HasPrefix(again, parent) || !valid && again != "" {
			t.Errorf("%q became %q", text, again)
		}
	}
	if got := telemetry.Format(telemetry.Parse(parent + " a=b,c=d")); got != parent+" a=b,c=d" {
		t.Errorf("state lost: %q", got)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(parent)
	f.Add(parent + " a=b")
	f.Fuzz(func(t *testing.T, text string) {
		sc := telemetry.Parse(text)
		if again := telemetry.Parse(telemetry.Format(sc)); !again.Equal(sc) && sc.IsValid() {
			t.Errorf("%q: %v became %v", text, sc, again)
		}
	})
}

// TestBaggageStays: it is neither taken up nor sent on.
func TestBaggageStays(t *testing.T) {
	r := record(t)
	came := []events.Header{{Key: "traceparent", Value: []byte(parent)}, {Key: "baggage", Value: []byte("card=1")}}
	ctx := trace.ContextWithRemoteSpanContext(t.Context(), r.Extract(came))
	for _, h := range r.Inject(ctx, nil) {
		if h.Key == "baggage" {
			t.Errorf("baggage went on: %s", h.Value)
		}
	}
}

// TestLastHeaderCounts: as in Kafka's own API.
func TestLastHeaderCounts(t *testing.T) {
	r := record(t)
	sc := r.Extract([]events.Header{{Key: "traceparent", Value: []byte("bad")}, {Key: "traceparent", Value: []byte(parent)}})
	if telemetry.Format(sc) != parent {
		t.Errorf("context %v", sc)
	}
}

// TestUnsampled: of what is not sampled nothing is recorded, and its context goes on, unsampled.
func TestUnsampled(t *testing.T) {
	r := record(t, sdktrace.WithSampler(sdktrace.NeverSample()))
	ctx, span := r.Process(telemetry.WithTransaction(t.Context(), "id"), telemetry.Message{Topic: "t"}, telemetry.Traces{}, time.Now())
	r.Claimed(ctx, "ours", time.Now(), time.Now())
	to, sending := r.Send(ctx, "u")
	exchange(t, r, ctx, 200, nil)
	r.Sent(sending, "id", "u", 0, 1)
	span.End()
	if n := len(r.spans.Started()); n > 0 {
		t.Errorf("%d spans were recorded", n)
	}
	headers := r.Inject(to, nil)
	if len(headers) != 1 || !strings.HasSuffix(string(headers[0].Value), "-00") {
		t.Errorf("headers %q", headers)
	}
}

// TestErrorTypes: an error is one of a few words, whatever its text says.
func TestErrorTypes(t *testing.T) {
	for want, err := range map[string]error{
		"timeout": context.DeadlineExceeded, "canceled": context.Canceled, "connection_refused": syscall.ECONNREFUSED,
		"connection_closed": io.ErrUnexpectedEOF, "_OTHER": errors.New("secret: 4711"), "NOAUTH": redisError("NOAUTH Authentication required."),
	} {
		r := record(t)
		ctx, poll := r.Poll(t.Context(), "t", 1, nil)
		r.Redis("localhost:6379")(ctx, "claim", 1)(err)
		poll.End()
		set := attribute.NewSet(r.spans.Ended()[0].Attributes()...)
		if got, _ := set.Value("error.type"); got.AsString() != want {
			t.Errorf("%v: error.type %q, want %q", err, got.AsString(), want)
		}
		if status := r.spans.Ended()[0].Status(); strings.Contains(status.Description, "4711") {
			t.Errorf("the error's text is in the status: %q", status.Description)
		}
	}
}

type redisError string

func (e redisError) Error() string { return string(e) }
func (redisError) RedisError()     {}

// TestInject: what we write is what the library writes, whichever propagator is configured.
func TestInject(t *testing.T) {
	state, err := trace.ParseTraceState("a=b,c=d")
	if err != nil {
		t.Fatal(err)
	}
	for name, p := range map[string]propagation.TextMapPropagator{
		"W3C": propagation.TraceContext{}, "W3C and baggage": propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{}),
		"none": propagation.NewCompositeTextMapPropagator(), "other": other{},
	} {
		r, err := telemetry.New(telemetry.Config{Propagator: p})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []trace.SpanContextConfig{
			{}, {TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}}, {TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: 0xff, TraceState: state},
		} {
			ctx := trace.ContextWithSpanContext(t.Context(), trace.NewSpanContext(c))
			want := propagation.MapCarrier{}
			p.Inject(ctx, want)
			got := propagation.MapCarrier{}
			for _, h := range r.Inject(ctx, nil) {
				got[h.Key] = string(h.Value)
			}
			if !maps.Equal(got, want) {
				t.Errorf("%s: %v, want %v", name, got, want)
			}
		}
	}
}

// other is a propagator of another format.
type other struct{}

func (other) Inject(_ context.Context, c propagation.TextMapCarrier) { c.Set("other", "1") }

func (other) Extract(ctx context.Context, _ propagation.TextMapCarrier) context.Context { return ctx }

func (other) Fields() []string { return []string{"other"} }
