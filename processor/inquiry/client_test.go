package inquiry_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chargeresult/chargeresult/processor"
	"github.com/chargeresult/chargeresult/processor/inquiry"
	"github.com/chargeresult/chargeresult/processor/inquiry/konasim"
)

// TestSendsWhatThePageSays looks at the bytes on the wire.
func TestSendsWhatThePageSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		lines := make(chan []string, 1)
		go func() {
			defer server.Close()
			buf := make([]byte, 4096)
			n := 0
			for !bytes.HasSuffix(buf[:n], []byte("}")) {
				m, err := server.Read(buf[n:])
				if err != nil {
					break
				}
				n += m
			}
			lines <- strings.Split(string(buf[:n]), "\r\n")
		}()
		cfg := config("http://localhost/open-api/")
		cfg.TimeZone = "KST"
		cfg.Signer = inquiry.StaticToken{Token: inquiry.Secret("token")}
		cfg.DialContext = func(context.Context, string, string) (net.Conn, error) { return client, nil }
		c, err := inquiry.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		ask(t, c, event)
		got := <-lines
		slices.Sort(got[1:])
		want := []string{
			"POST /open-api/api/v1/recharges/by-bank-account/result/inquiry HTTP/1.1",
			"",
			"Accept: application/json",
			"Content-Length: 28",
			"Content-Type: application/json",
			"Host: localhost",
			"User-Agent: chargeresult",
			"X-KM-Access-Key: " + accessKey,
			"X-KM-Correlation-Id: 261122103000-00000a1",
			"X-KM-Time-Zone: KST",
			"X-KM-Tran-Time: 20000101090000", // a bubble begins at midnight UTC
			"X-KM-Tran-Token: token",
			"X-KM-User-AspId: 123456789012345",
			`{"sequenceId":"COMPLETED-1"}`,
		}
		if !slices.Equal(got, want) {
			t.Errorf("sent\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}

func TestEveryScenarioOfTheSimulator(t *testing.T) {
	for id, want := range map[string]processor.Class{
		"COMPLETED-1":     processor.Answered,
		"FAILED-1":        processor.Answered,
		"PENDING-1":       processor.NotYet,
		"NOTFOUND-1":      processor.NotFound,
		"INVALID-1":       processor.Refused,
		"REJECTED-1":      processor.Refused,
		"UNCLEAR-1":       processor.Unclear,
		"HTTP401-1":       processor.OurFault,
		"HTTP403-1":       processor.OurFault,
		"HTTP429-1":       processor.SlowDown,
		"HTTP408-1":       processor.VendorDown,
		"HTTP500-1":       processor.VendorDown,
		"HTTP503-1":       processor.VendorDown,
		"HTTP404-1":       processor.NotAnAnswer,
		"SLOW-4999-1":     processor.Answered,
		"SLOW-5001-1":     processor.VendorDown,
		"HANG-1":          processor.VendorDown,
		"RESET-1":         processor.VendorDown,
		"TRUNCATED-1":     processor.NotAnAnswer,
		"OVERSIZED-1":     processor.NotAnAnswer,
		"HTML-1":          processor.NotAnAnswer,
		"REDIRECT-1":      processor.NotAnAnswer,
		"FOREIGN-1":       processor.NotAnAnswer,
		"NOECHO-1":        processor.NotAnAnswer,
		"DUPKEY-1":        processor.NotAnAnswer,
		"TRAILING-1":      processor.NotAnAnswer,
		"CONTRADICTION-1": processor.NotAnAnswer,
		"ENCRYPTED-1":     processor.NotAnAnswer,
		"ODD-1":           processor.NotAnAnswer,
	} {
		for _, envelope := range []konasim.Envelope{konasim.UnderResponse, konasim.Flat, konasim.UnderError} {
			synctest.Test(t, func(t *testing.T) {
				sim := konasim.New(konasim.Config{SecretKey: secretKey, Envelope: envelope})
				client := serve(t, sim, nil)
				within(t, 5*time.Second, func() {
					if got := ask(t, client, asking(id)); got.Class != want {
						t.Errorf("%s, %s: %+v, want class %v", id, envelope, got, want)
					}
				})
				if n := sim.Stats().Calls; n != 1 {
					t.Errorf("%s: %d calls in one try", id, n)
				}
			})
		}
	}
}

func TestTimeoutIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := serve(t, konasim.New(konasim.Config{}), func(c *inquiry.Config) { c.Timeout = 300 * time.Millisecond })
		within(t, 300*time.Millisecond, func() {
			if got := ask(t, client, asking("HANG-1")); !errors.Is(got.Cause, inquiry.ErrTimeout) || !contains(got.Cause.Error(), "300ms") {
				t.Errorf("cause %v", got.Cause)
			}
		})
	})
}

func TestTimeoutCoversConnecting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		deaf := func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		client := serve(t, http.NotFoundHandler(), func(c *inquiry.Config) { c.DialContext = deaf })
		within(t, 5*time.Second, func() {
			if got := ask(t, client, event); got.Class != processor.VendorDown || !errors.Is(got.Cause, inquiry.ErrTimeout) {
				t.Errorf("deaf: %+v", got)
			}
		})
	})
}

func TestOurCancellationIsAnErrorAndNoAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := serve(t, konasim.New(konasim.Config{}), nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		answer, err := client.Inquire(ctx, nil, asking("HANG-1"))
		if !errors.Is(err, context.DeadlineExceeded) || answer != (processor.Answer{}) {
			t.Errorf("%+v, %v", answer, err)
		}
	})
}

// TestDrainingCutsNothingShort: a question that is under way is asked to its end.
func TestDrainingCutsNothingShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := serve(t, konasim.New(konasim.Config{}), nil)
		draining := make(chan struct{})
		close(draining)
		if answer, err := client.Inquire(t.Context(), draining, asking("SLOW-900-1")); err != nil || answer.Result != "COMPLETED" {
			t.Errorf("%+v, %v", answer, err)
		}
	})
}

func TestFreshCorrelationIDs(t *testing.T) {
	form := regexp.MustCompile(`^000101090000-[0-9a-f]{7}$`)
	synctest.Test(t, func(t *testing.T) {
		sim := konasim.New(konasim.Config{SecretKey: secretKey})
		client := serve(t, sim, func(c *inquiry.Config) { c.CorrelationID, c.TimeZone = inquiry.FreshID, "KST" })
		e := event
		e.CorrelationID = "any text at all"
		seen := map[string]bool{}
		for range 100 {
			if got := ask(t, client, e); got.Class != processor.Answered {
				t.Fatalf("%+v", got)
			}
		}
		for _, call := range sim.Ledger() {
			if !form.MatchString(call.CorrelationID) || seen[call.CorrelationID] {
				t.Errorf("correlation ID %s", call.CorrelationID)
			}
			seen[call.CorrelationID] = true
		}
	})
}

func TestEachTryHasItsOwnTokenOverTheBytesSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tokens := map[string]bool{}
		sim := konasim.New(konasim.Config{SecretKey: secretKey})
		client := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			tokens[r.Header.Get("X-KM-Tran-Token")] = true
			sim.ServeHTTP(w, r)
		}), nil)
		for _, id := range []string{"C1", "<&>", "가나다", `"\`} { // what a second marshalling might write otherwise
			if got := ask(t, client, asking(id)); got.Class != processor.Answered {
				t.Errorf("%s: %+v", id, got)
			}
			time.Sleep(time.Millisecond)
			ask(t, client, asking(id))
			time.Sleep(time.Millisecond)
		}
		if len(tokens) != 8 {
			t.Errorf("%d tokens in 8 tries", len(tokens))
		}
	})
}

func TestWhatCannotBeAskedIsNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := konasim.New(konasim.Config{})
		signer := &failingSigner{}
		client := serve(t, sim, func(c *inquiry.Config) { c.Signer = signer })
		for _, id := range []string{"", strings.Repeat("x", 31), "a\xff"} {
			if got := ask(t, client, asking(id)); got.Class != processor.OurFault || got.Cause == nil {
				t.Errorf("sequence ID %q: %+v", id, got)
			}
		}
		for _, id := range []string{"", "261122103000-00000g1", "261322103000-00000a1", "261122103000-00000a1\r\nX: y", "26112210300,-00000a1"} {
			e := event
			e.CorrelationID = id
			if got := ask(t, client, e); got.Class != processor.OurFault || got.Cause == nil {
				t.Errorf("correlation ID %q: %+v", id, got)
			}
		}
		signer.broken.Store(true)
		if got := ask(t, client, event); got.Class != processor.OurFault || !errors.Is(got.Cause, errSigner) {
			t.Errorf("broken signer: %+v", got)
		}
		if calls := sim.Ledger(); len(calls) > 0 {
			t.Errorf("sent: %+v", calls)
		}
		if got := ask(t, client, asking(strings.Repeat("가", 30))); got.Class != processor.OurFault {
			t.Errorf("broken signer: %+v", got)
		}
	})
}

var errSigner = errors.New("the key store is gone")

type failingSigner struct{ broken atomic.Bool }

func (s *failingSigner) Sign([]byte, time.Time) (string, error) {
	if s.broken.Load() {
		return "", errSigner
	}
	return strings.Repeat("t", 66), nil
}
