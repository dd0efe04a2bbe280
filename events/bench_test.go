package events_test

import (
	"testing"

	"github.com/chargeresult/chargeresult/events"
)

const plainEvent = `{"correlationId": "261122103000-00000a1", "sequenceId": "CHG0000000001", "requestedAt": "2026-11-22T10:30:00+09:00"}`

func BenchmarkDecode(b *testing.B) {
	structured := `{"specversion": "1.0", "type": "x", "source": "/x", "id": "1", "data": ` + plainEvent + `}`
	nested := `{"meta": {"k": [1, 2, {"a": "b"}]}, "tx": ` + plainEvent + `}`
	for _, bm := range []struct {
		name    string
		fields  events.Fields
		message events.Message
	}{
		{"plain", events.Fields{}, events.Message{Value: []byte(plainEvent)}},
		{"structured", events.Fields{}, events.Message{
			Value:   []byte(structured),
			Headers: []events.Header{{Key: "content-type", Value: []byte("application/cloudevents+json; charset=utf-8")}},
		}},
		{
			"pointers",
			events.Fields{CorrelationID: "/tx/correlationId", SequenceID: "/tx/sequenceId", RequestedAt: "/tx/requestedAt"},
			events.Message{Value: []byte(nested)},
		},
	} {
		b.Run(bm.name, func(b *testing.B) {
			d, err := events.NewDecoder(bm.fields)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := d.Decode(events.Charge, bm.message); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	r := goldenResult()
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := r.Encode("charge-result"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeDuplicate(b *testing.B) {
	d := goldenDuplicate()
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := d.Encode(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRetryHeaders(b *testing.B) {
	r, original := goldenRetry(), []events.Header{{Key: "traceparent"}, {Key: "tenant"}, {Key: "content-type"}}
	b.ReportAllocs()
	for b.Loop() {
		if len(r.Headers(original)) <= len(original) {
			b.Fatal("no headers")
		}
	}
}

func BenchmarkDecodeResult(b *testing.B) {
	value, _, err := goldenResult().Encode("charge-result")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := events.DecodeResult(value); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeRetry(b *testing.B) {
	headers := goldenRetry().Headers([]events.Header{{Key: "traceparent"}, {Key: "tenant"}, {Key: "content-type"}})
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := events.DecodeRetry(headers); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRetryDue(b *testing.B) {
	headers := goldenRetry().Headers(nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := events.RetryDue(headers); !ok {
			b.Fatal("not due")
		}
	}
}
