package konasim_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chargeresult/chargeresult/processor/inquiry/konasim"
)

const sent = "261122103000-00000a1"

// newRequest is a faultless request. With key it is signed, else its token is static.
func newRequest(base, body, key string) *http.Request {
	now := time.Now().UTC()
	req, err := http.NewRequest(http.MethodPost, base+konasim.Path, strings.NewReader(body))
	if err != nil {
		panic(err) // base is a constant of the test
	}
	token := "static"
	if key != "" {
		mac := hmac.New(sha256.New, []byte(key))
		mac.Write([]byte(body))
		token = "KMV1:" + now.Format("20060102150405") + "123:" + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	for name, value := range map[string]string{
		"Content-Type": "application/json", "X-KM-User-AspId": "123456789012345", "X-KM-Correlation-Id": sent,
		"X-KM-Access-Key": strings.Repeat("k", 40), "X-KM-Tran-Token": token,
		"X-KM-Tran-Time": now.Format("20060102150405"), "X-KM-Time-Zone": "UTC",
	} {
		req.Header.Set(name, value)
	}
	return req
}

// ask asks sim without a network.
func ask(sim *konasim.Simulator, sequenceID string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	sim.ServeHTTP(w, newRequest("http://konaplate.test", fmt.Sprintf(`{"sequenceId":%q}`, sequenceID), ""))
	return w
}

func TestThePagesTestData(t *testing.T) {
	for _, c := range []struct {
		envelope konasim.Envelope
		id, body string
		status   int
	}{
		{"", "COMPLETED-1", `{"response":{"code":"000_000","message":"Success"},"result":"COMPLETED"}`, 200},
		{"", strings.Repeat("x", 31), `{"response":{"code":"000_002","message":"Invalid input parameter. sequenceId"}}`, 400},
		{"", "NOTFOUND-1", `{"response":{"code":"007_009","message":"Previous transaction not found."}}`, 400},
		{konasim.Flat, "COMPLETED-1", `{"code":"000_000","message":"Success","result":"COMPLETED"}`, 200},
		{konasim.Flat, "NOTFOUND-1", `{"code":"007_009","message":"Previous transaction not found."}`, 400},
		{konasim.UnderError, "COMPLETED-1", `{"code":"000_000","message":"Success","result":"COMPLETED"}`, 200},
		{konasim.UnderError, "NOTFOUND-1", `{"error":{"code":"007_009","message":"Previous transaction not found."}}`, 400},
	} {
		w := ask(konasim.New(konasim.Config{Envelope: c.envelope}), c.id)
		if w.Code != c.status || w.Body.String() != c.body || w.Header().Get("X-KM-Correlation-Id") != sent {
			t.Errorf("%s: %d %s, want %d %s", c.id, w.Code, w.Body, c.status, c.body)
		}
	}
}

func TestRefusesFaultyRequests(t *testing.T) {
	const key = "a secret key"
	set := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	for name, c := range map[string]struct {
		spoil  func(*http.Request)
		status int
		text   string
	}{
		"path":               {func(r *http.Request) { r.URL.Path = "/api/v2" }, 404, ""},
		"method":             {func(r *http.Request) { r.Method = http.MethodPut }, 405, ""},
		"no ASP ID":          {set("X-KM-User-AspId", ""), 400, "X-KM-User-AspId"},
		"short ASP ID":       {set("X-KM-User-AspId", "1234"), 400, "X-KM-User-AspId"},
		"correlation ID":     {set("X-KM-Correlation-Id", "261122103000-00000g1"), 400, "X-KM-Correlation-Id"},
		"two correlation":    {func(r *http.Request) { r.Header.Add("X-KM-Correlation-Id", sent) }, 400, "X-KM-Correlation-Id"},
		"access key":         {set("X-KM-Access-Key", strings.Repeat("k", 39)), 400, "X-KM-Access-Key"},
		"time form":          {set("X-KM-Tran-Time", "20261122"), 400, "X-KM-Tran-Time"},
		"time of tomorrow":   {set("X-KM-Tran-Time", "20991122103000"), 400, "X-KM-Tran-Time"},
		"zone of the time":   {set("X-KM-Time-Zone", "KST"), 400, "X-KM-Tran-Time"},
		"unknown zone":       {set("X-KM-Time-Zone", "MEZ"), 400, "X-KM-Time-Zone"},
		"content type":       {set("Content-Type", "text/plain"), 400, "Content-Type"},
		"no token":           {set("X-KM-Tran-Token", ""), 400, "X-KM-Tran-Token"},
		"static token":       {set("X-KM-Tran-Token", "static"), 401, "X-KM-Tran-Token"},
		"token of one other": {set("X-KM-Tran-Token", newRequest("", "{}", key).Header.Get("X-KM-Tran-Token")), 401, "X-KM-Tran-Token"},
		"time of one other":  {set("X-KM-Tran-Time", time.Now().UTC().Add(-time.Minute).Format("20060102150405")), 401, "X-KM-Tran-Token"},
		"body changed": {func(r *http.Request) {
			r.Body = io.NopCloser(strings.NewReader(`{"sequenceId":"COMPLETED-2"}`))
		}, 401, "X-KM-Tran-Token"},
	} {
		t.Run(name, func(t *testing.T) {
			sim := konasim.New(konasim.Config{SecretKey: key})
			req := newRequest("http://konaplate.test", `{"sequenceId":"COMPLETED-1"}`, key)
			c.spoil(req)
			w := httptest.NewRecorder()
			sim.ServeHTTP(w, req)
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.text) {
				t.Errorf("%d %s, want %d and %q", w.Code, w.Body, c.status, c.text)
			}
		})
	}
	for _, body := range []string{``, `{`, `[]`, `{}`, `{"sequenceId":""}`, `{"sequenceId":7}`} {
		w := httptest.NewRecorder()
		konasim.New(konasim.Config{SecretKey: key}).ServeHTTP(w, newRequest("http://konaplate.test", body, key))
		if w.Code != 400 || !strings.Contains(w.Body.String(), "sequenceId") {
			t.Errorf("body %q: %d %s", body, w.Code, w.Body)
		}
	}
	w := httptest.NewRecorder()
	konasim.New(konasim.Config{SecretKey: key}).ServeHTTP(w, newRequest("http://konaplate.test", `{"sequenceId":"COMPLETED-1"}`, key))
	if w.Code != 200 {
		t.Errorf("a faultless request: %d %s", w.Code, w.Body)
	}
}

func TestAnswersThatChange(t *testing.T) {
	sim := konasim.New(konasim.Config{})
	for id, want := range map[string][]string{
		"PENDING-2-a":  {"PENDING", "PENDING", "COMPLETED", "COMPLETED"},
		"PENDING-x":    {"PENDING", "PENDING", "PENDING"},
		"PENDING-1":    {"PENDING", "PENDING", "PENDING"}, // no dash behind the number
		"NOTFOUND-1-a": {"007_009", "COMPLETED"},
		"PENDING":      {"COMPLETED"},
	} {
		for i, text := range want {
			if got := ask(sim, id).Body.String(); !strings.Contains(got, text) {
				t.Errorf("%s, ask %d: %s, want %s", id, i+1, got, text)
			}
		}
	}
}

func TestNoEchoHasNone(t *testing.T) {
	if echoes := ask(konasim.New(konasim.Config{}), "NOECHO-1").Result().Header.Values("X-KM-Correlation-Id"); len(echoes) > 0 {
		t.Errorf("echoes %q", echoes)
	}
}

func TestLotsDependOnSeedAndIDAlone(t *testing.T) {
	shares := konasim.Shares{Completed: 60, Failed: 20, Pending: 5, Unavailable: 5, NotFound: 5, Rejected: 5}
	draw := func(seed uint64, from, to, step int) map[string]string {
		sim := konasim.New(konasim.Config{Seed: seed, Shares: shares})
		got := map[string]string{}
		for i := from; i != to; i += step {
			id := fmt.Sprintf("C%d", i)
			w := ask(sim, id)
			got[id] = fmt.Sprint(w.Code, w.Body)
		}
		return got
	}
	up, down, other := draw(1, 0, 2000, 1), draw(1, 1999, -1, -1), draw(2, 0, 2000, 1)
	same, failed := 0, 0
	for id, answer := range up {
		if down[id] != answer {
			t.Fatalf("%s: %s in one order, %s in the other", id, answer, down[id])
		}
		if other[id] == answer {
			same++
		}
		if strings.Contains(answer, "FAILED") {
			failed++
		}
	}
	if same == len(up) {
		t.Error("another seed draws the same lots")
	}
	if failed < 300 || failed > 500 {
		t.Errorf("%d of 2000 failed, want about 400", failed)
	}
}

func TestLatencyIsLogNormal(t *testing.T) {
	l := konasim.Latency{P50: 20 * time.Millisecond, P99: 200 * time.Millisecond}
	samples := konasim.Sample(7, l, 20000)
	if !slices.Equal(samples, konasim.Sample(7, l, 20000)) {
		t.Error("the same seed samples other latencies")
	}
	slices.Sort(samples)
	for quantile, want := range map[float64]time.Duration{0.50: l.P50, 0.99: l.P99} {
		if got := samples[int(quantile*20000)]; math.Abs(got.Seconds()/want.Seconds()-1) > 0.1 {
			t.Errorf("quantile %v is %v, want %v", quantile, got, want)
		}
	}
	slow := 0
	for _, d := range konasim.Sample(7, konasim.Latency{SlowShare: 0.01, SlowDelay: 3 * time.Second}, 20000) {
		if d == 3*time.Second {
			slow++
		}
	}
	if slow < 150 || slow > 250 {
		t.Errorf("%d of 20000 are slow, want about 200", slow)
	}
}

func BenchmarkServe(b *testing.B) {
	sim := konasim.New(konasim.Config{SecretKey: "a secret key", LedgerCap: 1000})
	body := []byte(`{"sequenceId":"CHG0000000001"}`)
	req := newRequest("http://konaplate.test", string(body), "a secret key")
	b.ReportAllocs()
	for b.Loop() {
		req.Body = io.NopCloser(bytes.NewReader(body))
		sim.ServeHTTP(httptest.NewRecorder(), req)
	}
}
