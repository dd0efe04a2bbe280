package collector

import (
	"strings"
	"time"
)

const someID = "261122103000-00000a1"

// at is a moment of the scene, in milliseconds from its beginning.
func at(ms int) time.Time {
	return time.Date(2026, 11, 22, 10, 30, 0, 0, time.UTC).Add(time.Duration(ms) * time.Millisecond)
}

// traceID and spanID make IDs of a letter.
func traceID(letter string) string { return strings.Repeat(letter, 32) }
func spanID(letter string) string  { return strings.Repeat(letter, 16) }

// span is one of the scene, from and until in milliseconds; its parent is empty or a letter.
func span(trace, id, parent, name string, kind Kind, from, until int, attributes map[string]any) Span {
	s := Span{TraceID: traceID(trace), SpanID: spanID(id), Name: name, Kind: kind, Start: at(from), End: at(until), Attributes: attributes}
	if parent != "" {
		s.ParentID = spanID(parent)
	}
	return s
}

// scene is a charge that was PENDING, and was asked about twice more, once in vain; and an event of another, published within the same
// trace as it. The spans are in the order in which they end.
func scene() []Span {
	its := func(more map[string]any) map[string]any {
		more[correlationID] = someID
		return more
	}
	var spans []Span
	ask := func(trace string, from int, topic string, status int, then string) {
		spans = append(
			spans,
			span(trace, "2", "1", "EVALSHA", Client, from+1, from+2, its(map[string]any{"db.system.name": "redis", "charge.claim": "claimed"})),
			span(trace, "3", "1", "POST", Client, from+2, from+27, its(map[string]any{"http.response.status_code": int64(status), "server.port": int64(443)})),
			span(trace, "4", "1", "send "+then, Producer, from+30, from+42, its(map[string]any{"messaging.destination.name": then})),
			span(trace, "1", "", "process "+topic, Consumer, from, from+42, its(map[string]any{
				"messaging.destination.name": topic, "charge.operation": "CHARGE", "messaging.kafka.offset": int64(from),
			})),
		)
	}
	ask("a", 10, "charge-requested", 200, "charge-result.retry.1s")
	spans[3].ParentID = spanID("9") // the producer's
	spans = append(
		spans,
		span("a", "8", "5", "POST", Client, 12, 15, map[string]any{correlationID: "of another"}),
		span("a", "5", "9", "process charge-requested", Consumer, 11, 16, map[string]any{correlationID: "of another"}),
		span("a", "9", "", "publish charges", Producer, 0, 5, nil),
	)
	ask("b", 1060, "charge-result.retry.1s", 503, "charge-result.retry.2s")
	tried := &spans[len(spans)-3]
	tried.Status, tried.StatusMessage, tried.Attributes["error.type"] = Error, "Konaplate is overloaded", "503"
	ask("c", 3100, "charge-result.retry.2s", 200, "charge-result")
	spans[len(spans)-5].Links = []Link{{traceID("a"), spanID("1"), map[string]any{"charge.link": "first"}}}
	spans[len(spans)-1].Links = []Link{
		{traceID("a"), spanID("1"), map[string]any{"charge.link": "first"}},
		{traceID("b"), spanID("1"), map[string]any{"charge.link": "previous"}},
		{traceID("f"), spanID("7"), map[string]any{"charge.link": "poll"}},
	}
	return spans
}
