package inquiry_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor"
	"github.com/chargeresult/chargeresult/processor/inquiry"
)

// reply is a row of the reply table, as REPLIES.md has it.
type reply struct {
	name  string
	class processor.Class
	ways  []way // to get this reply
	tries int   // how often one question is sent
	takes time.Duration
	more  processor.Answer // result, code, reason and Retry-After of the answer
}

// way makes a client that meets a reply, and that counts in sent how often it got a message, or a connection, under way.
type way func(t *testing.T, sent *atomic.Int32) *inquiry.Client

var replies = []reply{
	{
		name: "200 COMPLETED", class: processor.Answered, tries: 1, more: processor.Answer{Result: "COMPLETED"},
		ways: []way{says(200, `{"result":"COMPLETED"}`)},
	},
	{
		name: "200 FAILED", class: processor.Answered, tries: 1, more: processor.Answer{Result: "FAILED", Code: "000_000"},
		ways: []way{says(200, `{"response":{"code":"000_000","message":"Success"},"result":"FAILED"}`)},
	},
	{
		name: "200 PENDING", class: processor.NotYet, tries: 1, more: processor.Answer{Result: "PENDING", Code: "000_000"},
		ways: []way{says(200, `{"code":"000_000","message":"Success","result":"PENDING"}`)},
	},
	{
		name: "400 007_009", class: processor.NotFound, tries: 1, more: processor.Answer{Code: "007_009"},
		ways: []way{says(400, `{"code":"007_009","message":"Previous transaction not found."}`), says(404, `{"error":{"code":"007_009"}}`)},
	},
	{
		name: "400 000_002 naming sequenceId", class: processor.Refused, tries: 1,
		more: processor.Answer{Code: "000_002", Reason: events.ReasonInvalidSequenceID},
		ways: []way{says(400, `{"code":"000_002","message":"Invalid input parameter. sequenceId"}`)},
	},
	{
		name: "4xx with a rejected code", class: processor.Refused, tries: 1, more: processor.Answer{Code: "007_004", Reason: events.ReasonRejected},
		ways: []way{says(400, `{"code":"007_004"}`), says(422, `{"code":"007_004"}`)},
	},
	{
		name: "4xx with another code", class: processor.Unclear, tries: 1, more: processor.Answer{Code: "000_002"},
		ways: []way{says(400, `{"code":"000_002","message":"Invalid input parameter. merchantId"}`), says(404, `{"code":"000_002"}`)},
	},
	{name: "401", class: processor.OurFault, tries: 1, ways: []way{says(401, ``), says(401, `{"message":"Invalid X-KM-Tran-Token"}`)}},
	{name: "403", class: processor.OurFault, tries: 1, ways: []way{says(403, `<html>`)}},
	{
		name: "429", class: processor.SlowDown, tries: 3, takes: 14 * time.Second, more: processor.Answer{RetryAfter: 7 * time.Second},
		ways: []way{says(429, ``)},
	},
	{name: "408", class: processor.VendorDown, tries: 3, takes: 600 * time.Millisecond, ways: []way{says(408, ``)}},
	{
		name: "5xx", class: processor.VendorDown, tries: 3, takes: 600 * time.Millisecond,
		ways: []way{says(500, ``), says(502, `<html>`), says(503, ``), says(504, ``), says(599, ``)},
	},
	{name: "timeout", class: processor.VendorDown, tries: 3, takes: 15600 * time.Millisecond, ways: []way{hangs}},
	{name: "connect", class: processor.VendorDown, tries: 3, takes: 600 * time.Millisecond, ways: []way{refusesConnections}},
	{name: "TLS", class: processor.VendorDown, tries: 3, takes: 600 * time.Millisecond, ways: []way{speaksNoTLS}},
	{name: "reset", class: processor.VendorDown, tries: 3, takes: 600 * time.Millisecond, ways: []way{resets, hangsUp}},
	{name: "anything else", class: processor.NotAnAnswer, tries: 3, takes: 600 * time.Millisecond, ways: []way{says(200, `<html>`), says(404, ``)}},
}

// TestReplyTable puts one question through all layers, for each row of the table.
func TestReplyTable(t *testing.T) {
	for _, r := range replies {
		t.Run(r.name, func(t *testing.T) {
			for i, way := range r.ways {
				synctest.Test(t, func(t *testing.T) {
					var sent atomic.Int32
					pace := inquiry.WithPace(way(t, &sent), inquiry.PaceConfig{})
					all := inquiry.WithRetries(inquiry.WithBreaker(pace, inquiry.BreakerConfig{}), inquiry.RetryConfig{})
					var got processor.Answer
					within(t, r.takes, func() { got = ask(t, all, event) })
					if n := int(sent.Load()); got.Class != r.class || n != r.tries {
						t.Errorf("way %d: %+v after %d tries, want class %d after %d", i, got, n, r.class, r.tries)
					}
					down := r.class == processor.VendorDown || r.class == processor.NotAnAnswer
					if (got.Cause != nil) != down {
						t.Errorf("way %d: cause %v", i, got.Cause)
					}
					got = processor.Answer{Result: got.Result, Code: got.Code, Reason: got.Reason, RetryAfter: got.RetryAfter}
					if got != r.more {
						t.Errorf("way %d: %+v, want %+v", i, got, r.more)
					}
				})
			}
		})
	}
}

// says replies with a status and a body, and asks for 7 s of patience if it is a 429.
func says(status int, body string) way {
	return func(t *testing.T, sent *atomic.Int32) *inquiry.Client {
		return serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			sent.Add(1)
			if status == http.StatusTooManyRequests {
				w.Header().Set("Retry-After", "7")
			}
			echoing(status, body)(w, r)
		}), nil)
	}
}

func hangs(t *testing.T, sent *atomic.Int32) *inquiry.Client {
	return serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		sent.Add(1)
		_, _ = io.Copy(io.Discard, r.Body) // only then is the client's leaving noticed
		<-r.Context().Done()
	}), nil)
}

func refusesConnections(t *testing.T, sent *atomic.Int32) *inquiry.Client {
	return serve(t, http.NotFoundHandler(), func(cfg *inquiry.Config) {
		cfg.DialContext = func(context.Context, string, string) (net.Conn, error) {
			sent.Add(1)
			return nil, fmt.Errorf("dial: %w", syscall.ECONNREFUSED)
		}
	})
}

func speaksNoTLS(t *testing.T, sent *atomic.Int32) *inquiry.Client {
	return serve(t, http.NotFoundHandler(), func(cfg *inquiry.Config) {
		cfg.BaseURL = "https://" + host
		dial := cfg.DialContext
		cfg.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			sent.Add(1)
			return dial(ctx, network, addr)
		}
	})
}

func hangsUp(t *testing.T, sent *atomic.Int32) *inquiry.Client {
	return serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		sent.Add(1)
		panic(http.ErrAbortHandler)
	}), nil)
}

func resets(t *testing.T, sent *atomic.Int32) *inquiry.Client {
	return serve(t, http.NotFoundHandler(), func(cfg *inquiry.Config) {
		dial := cfg.DialContext
		cfg.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			sent.Add(1)
			conn, err := dial(ctx, network, addr)
			return resetting{conn}, err
		}
	})
}

// resetting is a connection that the other side resets as soon as it is read.
type resetting struct{ net.Conn }

func (resetting) Read([]byte) (int, error) { return 0, fmt.Errorf("read: %w", syscall.ECONNRESET) }
