package inquiry_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/chargeresult/chargeresult/processor"
	"github.com/chargeresult/chargeresult/processor/inquiry"
)

// canaryToken is the token of the messages that are not answered: as every credential here, it can be told by its name.
const canaryToken = "canary-token-canary-token-canary-token-canary-token-canary-token-6"

// doubt is a case of what must never be believed. REPLIES.md has a row for each.
type doubt struct {
	name string
	test func(t *testing.T)
}

var doubts = []doubt{
	{"HTML with 200", hostile("HTML with 200", quotingPage)},
	{"truncated JSON", hostile("truncated JSON", shorterThanSaid, withoutLastChunk)},
	{"wrong types", hostile("wrong types")},
	{"an unknown result", hostile("an unknown result")},
	{"a result in another place", hostile("a result in another place")},
	{"a body of 1 GiB", hostile("a body of 1 GiB", gibibyte, gibibyteInChunks)},
	{"a gzip bomb", hostile("a gzip bomb", gzipBomb, gzippedAnswer)},
	{"one byte a second", hostile("one byte a second", dripping, drippingHeader)},
	{"a foreign correlation ID", foreignEcho},
	{"no correlation ID on a 200", hostile("no correlation ID on a 200", withoutEcho, withEmptyEcho)},
	{"a redirect to another host", redirected("https://elsewhere.test")},
	{"a redirect to another scheme", redirected("http://" + host)},
	{"a redirect to itself", redirected("https://" + host)},
	{"an expired certificate", expiredCertificate},
	{"a certificate of another host", foreignCertificate},
	{"a self-signed certificate", selfSignedCertificate},
	{"duplicate keys", hostile("duplicate keys")},
	{"trailing data", hostile("trailing data")},
	{"no JSON", hostile("no JSON")},
	{"encData", hostile("encData")},
	{"a result beside a failure code", hostile("a result beside a failure code")},
	{"codes that contradict", hostile("codes that contradict")},
	{"204", hostile("204")},
	{"404 without a code", hostile("404 without a code")},
	{"500 with a result", hostile("500 with a result", quotingError)},
	{"a status the API has not", hostile("a status the API has not", switchingProtocols, redirectToNoAddress)},
	{"a flood of 1xx", hostile("a flood of 1xx", earlyHints, continues, endlessHeader)},
}

// TestNotAnAnswer asks the real client, over a connection in memory, about what must never be believed: nothing of it may say
// how a transaction ended, that it goes on, that it does not exist or is refused; and nothing may show a credential.
func TestNotAnAnswer(t *testing.T) {
	for _, d := range doubts {
		t.Run(d.name, d.test)
	}
}

// TestHostileRepliesHaveACase: a reply whose case nobody runs would test nothing.
func TestHostileRepliesHaveACase(t *testing.T) {
	for _, r := range inquiry.Hostile {
		if !slices.ContainsFunc(doubts, func(d doubt) bool { return d.name == r.Case }) {
			t.Errorf("%s: %s: no such case", r.Case, r.Name)
		}
	}
}

// spoiled is a reply that is spoiled on its way, or by its server.
type spoiled struct {
	name  string
	want  processor.Class
	reply http.HandlerFunc
	check func(t *testing.T, got processor.Answer) // more; may be nil
}

// hostile is the test of a case: of all of its hostile replies, and of more that need a server of their own.
func hostile(name string, more ...func() spoiled) func(t *testing.T) {
	return func(t *testing.T) {
		replies := make([]spoiled, 0, 16)
		for _, r := range inquiry.Hostile {
			if r.Case != name {
				continue
			}
			want := processor.NotAnAnswer
			if r.Status >= 500 && r.Status < 600 {
				want = processor.VendorDown
			}
			replies = append(replies, spoiled{name: r.Name, want: want, reply: echoing(r.Status, r.Body)})
		}
		for _, m := range more {
			replies = append(replies, m())
		}
		if len(replies) == 0 {
			t.Error("this case has no replies")
		}
		for _, r := range replies {
			t.Run(r.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var replying sync.WaitGroup // a server does not wait for those who took the connection
					defer replying.Wait()
					got := disbelieve(t, serve(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
						replying.Add(1)
						defer replying.Done()
						r.reply(w, req)
					}), withCanary), r.want)
					if r.check != nil {
						r.check(t, got)
					}
				})
			})
		}
	}
}

// echoing replies to every message in the same way.
func echoing(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-KM-Correlation-Id", r.Header.Get("X-KM-Correlation-Id"))
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body) // some statuses can't have one
	}
}

// withCanary makes every credential that is sent recognisable.
func withCanary(cfg *inquiry.Config) {
	cfg.Signer = inquiry.StaticToken{Token: inquiry.Secret(canaryToken)}
}

// disbelieve asks once, and fails the test unless the answer is of the class want, says nothing, and shows no credential.
func disbelieve(t *testing.T, client *inquiry.Client, want processor.Class) processor.Answer {
	t.Helper()
	got := ask(t, client, event)
	if got.Class != want || got.Cause == nil || got.Result != "" || got.Reason != "" {
		t.Errorf("%+v, want class %d", got, want)
	}
	if want != processor.NotAnAnswer && want != processor.VendorDown {
		t.Errorf("class %d would be believed", want)
	}
	if shown := fmt.Sprintf("%+v %#v", got, got.Cause); strings.Contains(shown, "canary") {
		t.Errorf("shows a credential: %s", shown)
	}
	return got
}

// quoted is what a careless server writes into its pages.
func quoted(r *http.Request) string {
	return r.Header.Get("X-KM-Access-Key") + " " + r.Header.Get("X-KM-Tran-Token")
}

func quotingPage() spoiled {
	return spoiled{name: "that quotes our headers", want: processor.NotAnAnswer, reply: func(w http.ResponseWriter, r *http.Request) {
		echoing(http.StatusOK, "<html>"+quoted(r)+"</html>")(w, r)
	}}
}

func quotingError() spoiled {
	return spoiled{name: "that quotes our headers", want: processor.VendorDown, reply: func(w http.ResponseWriter, r *http.Request) {
		echoing(http.StatusInternalServerError, `{"result":"COMPLETED","message":"`+quoted(r)+`"}`)(w, r)
	}}
}

func redirectToNoAddress() spoiled {
	return spoiled{name: "302 to what is no address", want: processor.NotAnAnswer, reply: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "://"+quoted(r))
		echoing(http.StatusFound, `{"result":"COMPLETED"}`)(w, r)
	}}
}

func withoutEcho() spoiled {
	return spoiled{name: "none", want: processor.NotAnAnswer, reply: func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"result":"COMPLETED"}`)
	}}
}

func withEmptyEcho() spoiled {
	return spoiled{name: "empty", want: processor.NotAnAnswer, reply: func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-KM-Correlation-Id", "")
		_, _ = io.WriteString(w, `{"result":"COMPLETED"}`)
	}}
}

// foreignEcho has the correlation ID of another message on every kind of reply, alone and beside ours.
func foreignEcho(t *testing.T) {
	const foreign = "261122103000-00000a2"
	for status, body := range map[int]string{
		200: `{"result":"COMPLETED"}`, 400: `{"code":"007_009"}`, 401: ``, 404: `{"code":"007_004"}`, 429: ``, 503: ``,
	} {
		for name, echoes := range map[string][]string{"alone": {foreign}, "after ours": {event.CorrelationID, foreign}, "a part of ours": {event.CorrelationID[:19]}} {
			t.Run(fmt.Sprintf("%d, %s", status, name), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					disbelieve(t, serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
						w.Header()["X-Km-Correlation-Id"] = echoes
						w.WriteHeader(status)
						_, _ = io.WriteString(w, body)
					}), withCanary), processor.NotAnAnswer)
				})
			})
		}
	}
}
