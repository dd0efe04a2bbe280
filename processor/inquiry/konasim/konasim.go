package konasim

import (
	"cmp"
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// Path is the path of the endpoint; a prefix before it, such as /open-api, is accepted.
const Path = "/api/v1/recharges/by-bank-account/result/inquiry"

// Envelope says where a reply's body has its code and message.
type Envelope string

// The envelopes. The API page documents none; all have the result in the object itself.
const (
	UnderResponse Envelope = "response" // {"response": {"code", "message"}, "result"}; the default
	Flat          Envelope = "flat"     // {"code", "message", "result"}
	UnderError    Envelope = "error"    // {"error": {"code", "message"}} for refusals, flat for successes
)

// Config says how a Simulator behaves. The zero value completes everything at once.
type Config struct {
	SecretKey string   // checks the token's HMAC; empty: any token will do
	Seed      uint64   // decides what is left to chance
	Shares    Shares   // which answers sequence IDs draw that ask for none by name
	Envelope  Envelope // default UnderResponse
	Latency   Latency  // how long an answer takes
	LedgerCap int      // calls kept in the ledger, the newest; 0: all of them, about 150 bytes each

	// LedgerTo gets every call too, as a line of JSON, in the ledger's order and whatever LedgerCap is. It is written to by one
	// goroutine at a time. It has to note its own errors. Optional.
	LedgerTo io.Writer
	// Scenario says what is answered when, and what to whom; its latency, if it has one, replaces Latency. Optional.
	Scenario *Scenario
	// Script returns the name of the answer to the ask-th question, from 1, about a transaction; empty leaves it to the other
	// rules. It goes before them all, but SetOutage. A name that is none is a fault of the program: it panics. Script is called
	// by many goroutines at once. Optional.
	Script func(sequenceID string, ask int) string
}

// Outage is a way of being down.
type Outage int

// The outages.
const (
	Up          Outage = iota // none
	Unavailable               // 503 without a body
	Closing                   // connections are closed without a reply
	Hanging                   // connections are kept without a reply
)

// Simulator answers inquiries. It may be used by many goroutines at once.
type Simulator struct {
	cfg     Config
	lots    lots
	latency sampler
	start   time.Time // what a scenario counts from

	mu     sync.Mutex // guards what follows
	outage Outage
	asks   map[rule]int // so far, of transactions whose answer changes with them
	ledger ledger
	stats  Stats
}

var _ http.Handler = (*Simulator)(nil)

// New returns a simulator that is up.
func New(cfg Config) *Simulator {
	cfg.Envelope = cmp.Or(cfg.Envelope, UnderResponse)
	if cfg.Scenario != nil && cfg.Scenario.latency != nil {
		cfg.Latency = Latency{P50: *cfg.Scenario.latency}
	}
	return &Simulator{
		cfg:     cfg,
		lots:    newLots(cfg.Seed, cfg.Shares),
		latency: sampler{seed: cfg.Seed, Latency: cfg.Latency},
		start:   time.Now(),
		asks:    map[rule]int{},
		ledger:  ledger{limit: cfg.LedgerCap, to: cfg.LedgerTo},
		stats:   Stats{Answers: map[string]uint64{}},
	}
}

// SetOutage begins an outage, or ends it with Up. Requests that are being answered are not touched.
func (s *Simulator) SetOutage(o Outage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outage = o
}

// SetDown begins an outage of the kind Unavailable, or ends any.
func (s *Simulator) SetDown(down bool) {
	if down {
		s.SetOutage(Unavailable)
	} else {
		s.SetOutage(Up)
	}
}

// ServeHTTP implements http.Handler.
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	req, fault := s.read(r)
	number, outage := s.begin()
	defer s.end()
	if echo := r.Header.Get("X-KM-Correlation-Id"); echo != "" {
		w.Header().Set("X-KM-Correlation-Id", echo)
	}
	var a answer
	switch {
	case outage != Up:
		a = outages[outage]
	case fault != nil:
		a = *fault
	default:
		a = s.answer(req)
		a.delay += s.latency.sample(number)
	}
	call := Call{Time: time.Now(), SequenceID: req.sequenceID, CorrelationID: req.correlationID, Answer: a.name, Status: a.status}
	if !sleep(r.Context(), a.delay) {
		call.Answer, call.Status = "ABANDONED", 0
		s.enter(call)
		resetConn(w) // or a client that was cut off by its server would have an empty 200
		return
	}
	s.enter(call) // before the reply: whoever has it finds its call in the ledger
	s.write(w, r, a)
}

func (s *Simulator) begin() (number uint64, outage Outage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.Calls++
	s.stats.InFlight++
	s.stats.MaxInFlight = max(s.stats.MaxInFlight, s.stats.InFlight)
	return s.stats.Calls, s.outage
}

func (s *Simulator) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.InFlight--
}

func (s *Simulator) enter(c Call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ledger.add(c)
	s.stats.Answers[c.Answer]++
}

// write sends a, or does what a does instead.
func (s *Simulator) write(w http.ResponseWriter, r *http.Request, a answer) {
	switch a.instead {
	case hang:
		<-r.Context().Done()
		resetConn(w)
		return
	case reset:
		resetConn(w)
		return
	}
	h := w.Header()
	for name, value := range a.header {
		h.Set(name, value)
		if value == "" {
			h.Del(name)
		}
	}
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", "application/json;charset=UTF-8")
	}
	w.WriteHeader(a.status)
	if a.drip > 0 {
		drip(w, r, s.body(a), a.drip)
		return
	}
	_, _ = w.Write(s.body(a)) // a client that has left is not our problem
}

// drip writes a body a byte at a time, until the client leaves.
func drip(w http.ResponseWriter, r *http.Request, body []byte, pause time.Duration) {
	for i := range body {
		_ = http.NewResponseController(w).Flush() // fails only if the client has left
		if !sleep(r.Context(), pause) {
			resetConn(w)
			return
		}
		_, _ = w.Write(body[i : i+1])
	}
}

// resetConn ends a connection without a reply; a TCP one with a reset, as a crashed peer would.
func resetConn(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // the server closes the connection and logs nothing
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// sleep returns whether d has passed, rather than ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
