package konasim_test

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chargeresult/chargeresult/processor/inquiry/konasim"
)

// pipes is a network in memory, so that time passes in a synctest bubble.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}
func (p pipes) Close() error   { close(p.closed); return nil }
func (p pipes) Addr() net.Addr { return &net.IPAddr{IP: net.IPv4(127, 0, 0, 1)} }

// serve serves a simulator until the test ends, and returns a function that asks it and puts in words what came back. A client
// waits 9.5 seconds for the headers and the body.
func serve(t *testing.T, cfg konasim.Config) (ask func(sequenceID string) string) {
	t.Helper()
	network := pipes{make(chan net.Conn), make(chan struct{})}
	server := &http.Server{Handler: konasim.New(cfg), ErrorLog: log.New(io.Discard, "", 0)}
	served := make(chan error, 1)
	go func() { served <- server.Serve(network) }()
	transport := &http.Transport{
		DisableCompression: true,
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			client, server := net.Pipe()
			network.conns <- server
			return client, nil
		},
	}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		_ = server.Close()
		<-served
	})
	return func(sequenceID string) string {
		ctx, cancel := context.WithTimeout(t.Context(), 9500*time.Millisecond)
		defer cancel()
		begun := time.Now()
		resp, err := transport.RoundTrip(newRequest("http://konaplate.test", fmt.Sprintf(`{"sequenceId":%q}`, sequenceID), "").WithContext(ctx))
		if err != nil {
			return inWords(err)
		}
		defer resp.Body.Close()
		return describe(resp, begun)
	}
}

// describe puts a reply in words: what is as in every reply is left out.
func describe(resp *http.Response, begun time.Time) string {
	words := []string{fmt.Sprint(resp.StatusCode)}
	for _, name := range []string{"Retry-After", "Location", "Content-Encoding"} {
		if value := resp.Header.Get(name); value != "" {
			words = append(words, name+": "+value)
		}
	}
	if kind := resp.Header.Get("Content-Type"); kind != "application/json;charset=UTF-8" {
		words = append(words, kind)
	}
	if id := resp.Header.Get("X-KM-Correlation-Id"); id != sent {
		words = append(words, fmt.Sprintf("for %q", id))
	}
	if took := time.Since(begun); took > 0 {
		words = append(words, "after "+took.String())
	}
	headers := time.Now()
	body, err := readBody(resp)
	if len(body) > 1000 {
		body = fmt.Sprintf("%d bytes %s", len(body), strings.TrimSpace(body))
	}
	if body != "" {
		words = append(words, body)
	}
	if took := time.Since(headers); took > 0 {
		words = append(words, "in "+took.String())
	}
	if err != nil {
		words = append(words, inWords(err))
	}
	return strings.Join(words, " ")
}

func readBody(resp *http.Response) (string, error) {
	var from io.Reader = resp.Body
	if resp.Header.Get("Content-Encoding") == "gzip" {
		unpacked, err := gzip.NewReader(resp.Body)
		if err != nil {
			return "", err
		}
		from = unpacked
	}
	body, err := io.ReadAll(from)
	return string(body), err
}

func inWords(err error) string {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "cut"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrClosedPipe):
		return "closed"
	}
	return err.Error()
}

// replies are the replies to the first asks by the name of the answer; the last repeats.
func replies() map[string][]string {
	const success = `{"response":{"code":"000_000","message":"Success"},"result":"COMPLETED"}`
	const waits = `200 {"response":{"code":"000_000","message":"Success"},"result":"PENDING"}`
	const unknown = `400 {"response":{"code":"007_009","message":"Previous transaction not found."}}`
	spaces := func(n int) string { return fmt.Sprintf("%d bytes ", n+len(success)) }
	return map[string][]string{
		"COMPLETED":     {"200 " + success},
		"FAILED":        {`200 {"response":{"code":"000_000","message":"Success"},"result":"FAILED"}`},
		"PENDING":       {waits},
		"PENDING-0":     {"200 " + success},
		"PENDING-2":     {waits, waits, "200 " + success},
		"NOTFOUND":      {unknown},
		"NOTFOUND-1":    {unknown, "200 " + success},
		"INVALID":       {`400 {"response":{"code":"000_002","message":"Invalid input parameter. sequenceId"}}`},
		"REJECTED":      {`400 {"response":{"code":"007_004","message":"Withdraw failure from PG"}}`},
		"UNCLEAR":       {`400 {"response":{"code":"000_999","message":"Unknown error"}}`},
		"DOWN":          {"503"},
		"HTTP200":       {"200"},
		"HTTP204":       {"204"},
		"HTTP302":       {"302"},
		"HTTP401":       {"401"},
		"HTTP403":       {"403"},
		"HTTP404":       {"404"},
		"HTTP408":       {"408"},
		"HTTP429":       {"429 Retry-After: 2"},
		"HTTP429-30":    {"429 Retry-After: 30"},
		"HTTP500":       {"500"},
		"HTTP503-0":     {"503 Retry-After: 0"},
		"HTTP599":       {"599"},
		"RESULT500":     {"500 " + success},
		"SLOW-2500":     {"200 after 2.5s " + success},
		"HANG":          {"timeout"},
		"RESET":         {"closed"},
		"DRIP":          {"200 " + success[:9] + " in 9.5s timeout"},
		"DRIP-10":       {"200 " + success + " in 720ms"},
		"TRUNCATED":     {"200 " + success + " cut"},
		"OVERSIZED":     {"200 " + spaces(64<<10) + success},
		"BOMB":          {"200 Content-Encoding: gzip " + spaces(1<<20) + success},
		"HTML":          {"200 text/html <html><body>COMPLETED</body></html>"},
		"REDIRECT":      {"307 Location: " + konasim.Path},
		"FOREIGN":       {`200 for "000101000000-fffffff" ` + success},
		"NOECHO":        {`200 for "" ` + success},
		"DUPKEY":        {"200 " + success[:len(success)-1] + `,"result":"FAILED"}`},
		"TRAILING":      {"200 " + success + `{"result":"FAILED"}`},
		"MISTYPED":      {`200 {"code":0,"response":{"code":0},"result":["COMPLETED"]}`},
		"CONTRADICTION": {`200 {"response":{"code":"007_009","message":"Previous transaction not found."},"result":"COMPLETED"}`},
		"ENCRYPTED":     {`200 {"encData":"eyJhbGciOiJSU0EtT0FFUCJ9.e30"}`},
		"ODD":           {`200 {"response":{"code":"000_000","message":"Success"},"result":"SETTLED"}`},
	}
}

// TestVocabulary holds every name to its reply, in whichever way it is asked for.
func TestVocabulary(t *testing.T) {
	table := replies()
	for _, name := range konasim.Names() {
		if table[name] == nil {
			t.Errorf("%s is not in the table", name)
		}
	}
	for name, want := range table {
		byScript := func(string, int) string { return name }
		for way, c := range map[string]struct {
			id  string
			cfg konasim.Config
		}{
			"sequence ID": {name + "-x", konasim.Config{}},
			"phase":       {"X", konasim.Config{Scenario: scenario(t, "phases: [{answer: "+name+"}]")}},
			"list":        {"X", konasim.Config{Scenario: scenario(t, "transactions: {X: ["+name+"]}")}},
			"script":      {"X", konasim.Config{Script: byScript}},
		} {
			t.Run(name+" by "+way, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					ask := serve(t, c.cfg)
					for i, reply := range append(want, want[len(want)-1]) {
						if got := ask(c.id); got != reply {
							t.Errorf("ask %d:\n%s, want\n%s", i+1, got, reply)
						}
					}
				})
			})
		}
	}
}

// TestNoNames: what only looks like a name asks for nothing, and is a fault in a scenario.
func TestNoNames(t *testing.T) {
	for _, name := range []string{
		"", "completed", "C", "HTTP", "HTTP99", "HTTP199", "HTTP600", "HTTP0200", "HTTP+20", "HTTPabc", "HTTP429-x", "SLOW", "SLOW-", "SLOW--1",
		"SLOW-9999999999", "DRIP-0", "FAILED-1", "PENDING-x", "PENDING-1-1", "COMPLETED-",
	} {
		if _, err := konasim.ParseScenario([]byte(fmt.Sprintf("phases: [{answer: %q}]", name))); err == nil {
			t.Errorf("%q is a name", name)
		}
	}
	sim := konasim.New(konasim.Config{})
	for _, id := range []string{"FAILED", "C-1-1", "SLOW-1", "SLOW-x-1", "HTTP99-1", "HTTP600-1-x", "-FAILED-1", "failed-1", "--"} {
		if w := ask(sim, id); w.Code != 200 || !strings.Contains(w.Body.String(), "COMPLETED") {
			t.Errorf("%s: %d %s", id, w.Code, w.Body)
		}
	}
}

// TestBombIsSmall: on the wire.
func TestBombIsSmall(t *testing.T) {
	if n := ask(konasim.New(konasim.Config{}), "BOMB-1").Body.Len(); n > 4<<10 {
		t.Errorf("%d bytes", n)
	}
}

func scenario(t testing.TB, text string) *konasim.Scenario {
	t.Helper()
	s, err := konasim.ParseScenario([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// FuzzSequenceID holds: every sequence ID is answered, and the ledger knows with what.
func FuzzSequenceID(f *testing.F) {
	for name := range replies() {
		f.Add(name + "-x")
		f.Add(name)
	}
	waits := []string{"HANG", "SLOW", "DRIP", "RESET"} // for a client that leaves
	f.Fuzz(func(t *testing.T, id string) {
		if slices.ContainsFunc(waits, func(word string) bool { return strings.HasPrefix(id, word) }) {
			return
		}
		sim := konasim.New(konasim.Config{})
		w := ask(sim, id)
		if calls := sim.Ledger(); len(calls) != 1 || calls[0].Status != w.Code || calls[0].Answer == "" {
			t.Errorf("%q: replied %d, ledger %+v", id, w.Code, calls)
		}
	})
}
