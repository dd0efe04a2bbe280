//go:build integration

package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chargeresult/chargeresult/processor/console"
)

// Limits of waiting. They only end a test that has failed already: the machine may be slow.
const (
	soon       = 15 * time.Second // for what should come at once
	eventually = time.Minute      // for what has timeouts of its own to wait for
)

// pollInterval is how often a test looks.
const pollInterval = 10 * time.Millisecond

// await waits until a condition holds, and returns how long that took.
func await(t testing.TB, what string, limit time.Duration, holds func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	for !holds() {
		if time.Since(began) > limit {
			t.Fatalf("not within %v: %s", limit, what)
		}
		time.Sleep(pollInterval)
	}
	return time.Since(began)
}

// awaitFinished waits until at least n records are finished.
func (s *site) awaitFinished(sent *sending, n int) {
	s.Helper()
	await(s, "records are finished", eventually, func() bool { s.alive(); return s.finished(sent) >= int64(n) })
}

// startAndAwait starts a process and waits until it serves its status page.
func (s *site) startAndAwait(instance string, args ...string) *program {
	s.Helper()
	p := s.start(instance, args...)
	await(s, "the process has started", eventually, func() bool { s.alive(); return p.admin() != "" })
	return p
}

// admin is where the process serves its status page; empty until it does.
func (p *program) admin() string {
	for line := range strings.Lines(p.log.String()) {
		var entry struct{ Msg, Admin string }
		if json.Unmarshal([]byte(line), &entry) == nil && entry.Msg == "started" {
			return entry.Admin
		}
	}
	return ""
}

// status reads the status page.
func (p *program) status() console.Page {
	p.Helper()
	resp, err := http.Get("http://" + p.admin() + "/statusz")
	if err != nil {
		p.Fatal(err)
	}
	defer resp.Body.Close()
	var page console.Page
	if err := json.NewDecoder(resp.Body).Decode(&page); err != nil {
		p.Fatal(err)
	}
	return page
}

// awaitHeld waits until intake is held for a reason that contains a text, and returns how long that took.
func (p *program) awaitHeld(reason string, limit time.Duration) time.Duration {
	p.Helper()
	return await(p, "intake is held: "+reason, limit, func() bool { p.alive(); return strings.Contains(p.held(), reason) })
}

// held is why intake is held, as the status says; empty if it is not.
func (p *program) held() string {
	p.Helper()
	var reasons []string
	for _, h := range p.status().Engine.Holds {
		reasons = append(reasons, h.Reason+": "+h.Cause)
	}
	return strings.Join(reasons, "; ")
}

// stopsAt fails the test unless SIGTERM ends the process with exit code 0, within a limit.
func (p *program) stops(limit time.Duration) time.Duration {
	p.Helper()
	code, took := p.terminate()
	if code != 0 || took > limit {
		p.Errorf("SIGTERM: exit code %d after %v, want 0 within %v", code, took, limit)
	}
	return took
}

// judged fails the test unless everything that was sent has ended as it should.
func (s *site) judged(sent *sending) {
	s.Helper()
	if v := s.judge(sent).String(); v != "" {
		s.Error(v)
	}
}
