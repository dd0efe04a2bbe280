package inquiry

import (
	"bytes"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor"
)

// benchEvent is asked about, and benchReply is what Konaplate says of it.
var benchEvent = events.Event{Operation: events.Charge, CorrelationID: sent, SequenceID: "CHG0000000001"}

const benchReply = `{"response":{"code":"000_000","message":"Success"},"result":"COMPLETED"}`

// answering is a transport that costs next to nothing: what it spends on a reply is counted by BenchmarkInquire/transport.
type answering struct{ header http.Header }

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Body.Close(); err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: http.StatusOK, Header: a.header, ContentLength: int64(len(benchReply)), Body: io.NopCloser(bytes.NewReader([]byte(benchReply))),
	}, nil
}

func benchClient(b *testing.B, rt http.RoundTripper) *Client {
	b.Helper()
	client, err := New(Config{
		BaseURL: "https://konaplate.test", ASPID: "123456789012345", AccessKey: Secret("1234567890123456789012345678901234567890"),
		Signer: KMV1{SecretKey: Secret("sesame")}, Instrument: func(http.RoundTripper) http.RoundTripper { return rt },
	})
	if err != nil {
		b.Fatal(err)
	}
	return client
}

// BenchmarkInquire is one question from end to end, without net/http's transport; "transport" is what of it is the stub's in its place.
// What is left of it are 19 allocations:
//
//	4 the try's deadline: its context, the timer and what it calls, cancel
//	3 the message's body, token and time
//	5 its header: a map of nine takes four, and the values one
//	4 its request: what net/http wants apart from what New has made of it, the body's reader and closer, GetBody
//	1 the reply's body
//	1 the message in it; a result, or the code of success, is not copied
//	1 gobreaker's, for the verdict
func BenchmarkInquire(b *testing.B) {
	stub := answering{http.Header{"X-Km-Correlation-Id": {sent}}}
	b.Run("whole", func(b *testing.B) {
		inquirer := WithRetries(WithBreaker(WithPace(benchClient(b, stub), PaceConfig{}), BreakerConfig{}), RetryConfig{})
		ctx := b.Context()
		b.ReportAllocs()
		for b.Loop() {
			if answer, err := inquirer.Inquire(ctx, nil, benchEvent); err != nil || answer.Class != processor.Answered {
				b.Fatalf("%+v, %v", answer, err)
			}
		}
	})
	b.Run("transport", func(b *testing.B) {
		r := &http.Request{Body: http.NoBody}
		b.ReportAllocs()
		for b.Loop() {
			if _, err := stub.RoundTrip(r); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkClassify(b *testing.B) {
	header := http.Header{"X-Km-Correlation-Id": {sent}}
	for _, bm := range []struct {
		name   string
		status int
		body   string
	}{
		{"answer", http.StatusOK, benchReply},
		{"refusal", http.StatusBadRequest, `{"code":"007_009","message":"Previous transaction not found."}`},
	} {
		b.Run(bm.name, func(b *testing.B) {
			rejected, body := codes{"007_*"}, []byte(bm.body)
			b.ReportAllocs()
			for b.Loop() {
				if answer := rejected.classify(bm.status, header, body, sent, "1234567890123456789012345678901234567890", "a token"); failed(answer.Class) {
					b.Fatalf("%+v", answer)
				}
			}
		})
	}
}

func BenchmarkCompose(b *testing.B) {
	client := benchClient(b, answering{})
	at := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := client.compose(benchEvent, at); err != nil {
			b.Fatal(err)
		}
	}
}
