package collector

import (
	"slices"
	"strings"
	"testing"
)

func TestGolden(t *testing.T) {
	spans := slices.DeleteFunc(scene(), func(s Span) bool { return s.TraceID == traceID("c") || s.SpanID == spanID("9") })
	spans[0].Events = []Event{{"exception", at(1), map[string]any{"exception.type": "net.OpError"}}}
	spans[0].Attributes["list"] = []any{int64(1), 2.5, true, nil, "a \"b\"", []byte{0xca, 0xfe}, map[string]any{"z": "\n", "a": []any{}}}
	spans[1].Status = OK
	spans[len(spans)-1].Links = append(spans[len(spans)-1].Links, Link{TraceID: traceID("a"), SpanID: spanID("1"), Attributes: map[string]any{correlationID: someID}})
	spans[len(spans)-1].Links = append(spans[len(spans)-1].Links, Link{TraceID: traceID("f"), SpanID: spanID("1")})
	table := map[string]string{correlationID: "ID", "server.port": "PORT"}
	got := Golden(spans, table)
	want := goldenFile(t, "golden.txt", got)
	same(t, got, want)
	slices.Reverse(spans)
	same(t, Golden(append(spans, spans...), table), want)

	for i := range spans { // what differs from run to run
		s := &spans[i]
		swap := strings.NewReplacer("1", "e", "2", "0", "3", "f", "4", "7", "8", "d", "a", "c")
		s.TraceID, s.SpanID = swap.Replace(s.TraceID), swap.Replace(s.SpanID)
		if s.ParentID != spanID("9") {
			s.ParentID = swap.Replace(s.ParentID)
		}
		s.Start, s.End = s.Start.Add(1e12), s.End.Add(2e12)
		if s.Attributes["server.port"] != nil {
			s.Attributes["server.port"] = int64(8443)
		}
		for j := range s.Links {
			s.Links[j].TraceID, s.Links[j].SpanID = swap.Replace(s.Links[j].TraceID), swap.Replace(s.Links[j].SpanID)
		}
	}
	same(t, Golden(spans, table), want)
}
