//go:build integration

package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chargeresult/chargeresult/deploy/testbed"
	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor/inquiry/konasim"
)

// probing makes a process that is halted, or whose breaker is open, ask one question a second.
func probing() []string {
	return []string{"CHARGERESULT_BREAKER_OPEN=1s", "CHARGERESULT_INQUIRY_TIMEOUT=900ms", "CHARGERESULT_BREAKER_WINDOW=2s"}
}

const probeInterval = time.Second

// mood is what a simulator answers to everything; empty: to each transaction its own.
type mood struct{ answer atomic.Value }

func (m *mood) becomes(answer string) { m.answer.Store(answer) }

func (m *mood) script(string, int) string { return m.answer.Load().(string) }

// moody is a site whose vendor answers as the mood is.
func moody(t *testing.T, answer string) (*site, *mood) {
	t.Helper()
	var m mood
	m.becomes(answer)
	s := newSite(t, testbed.SharedKafka(t), testbed.SharedRedis(t), 4, konasim.Config{Shares: steady.Shares, Script: m.script})
	s.extra = probing()
	return s, &m
}

// page returns what the process says at a path of its admin address.
func (p *program) page(path string) string {
	p.Helper()
	resp, err := http.Get("http://" + p.admin() + path)
	if err != nil {
		p.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		p.Errorf("%s: status %d (%v), want 200", path, resp.StatusCode, err)
	}
	return string(body)
}

// halted waits until intake is held for a reason, and fails the test unless everything that an operator may look at names that
// reason: the status, the body of /readyz, which is ready all the same, the metrics and the log. It returns since when.
func (p *program) halted(reason string) time.Time {
	p.Helper()
	p.awaitHeld(reason+": ", soon)
	for where, text := range map[string]string{
		"/readyz":  "intake held (" + reason + ")",
		"/metrics": fmt.Sprintf("chargeresult_intake_held{reason=%q} 1", reason),
	} {
		if body := p.page(where); !strings.Contains(body, text) {
			p.Errorf("%s does not say %q:\n%s", where, text, body)
		}
	}
	if line := fmt.Sprintf(`"msg":"intake held","reason":%q`, reason); !strings.Contains(p.log.String(), line) {
		p.Errorf("the log does not say %s", line)
	}
	for _, h := range p.status().Engine.Holds {
		if h.Reason == reason {
			return h.Since
		}
	}
	p.Fatalf("intake is not held any more: %s", reason)
	return time.Time{}
}

// probes fails the test unless the vendor is asked for a while, but no more often than once a probe interval.
func (s *site) probes(length time.Duration) {
	s.Helper()
	time.Sleep(probeInterval / 2) // what was on its way when the process halted arrives
	before, began := s.vendor.Stats().Calls, time.Now()
	time.Sleep(length)
	calls, most := s.vendor.Stats().Calls-before, uint64(time.Since(began)/probeInterval)+1
	s.Logf("%d calls in %v, at most %d", calls, length, most)
	if calls == 0 || calls > most {
		s.Errorf("%d calls in %v, want 1 to %d", calls, length, most)
	}
}

// count is how many records a topic shows.
func (s *site) count(topic string) int {
	s.Helper()
	return len(testbed.Dump(s, s.brokers, topic))
}

// parked is how many retry records there are.
func (s *site) parked() (n int) {
	s.Helper()
	for _, delay := range schedule {
		n += s.count(events.RetryTopic(s.topics["TOPIC_RETRY_PREFIX"], delay))
	}
	return n
}

// wellEnded waits until everything that was sent has ended, and judges it: nothing was answered twice, and the account is balanced.
func (s *site) wellEnded(sent *sending) {
	s.Helper()
	s.awaitDone(eventually)
	s.judged(sent)
	if twice := s.answeredTwice(); len(twice) > 0 {
		s.Errorf("%d questions were asked again after they were answered, such as %s", len(twice), twice[0])
	}
	if account := s.account(); !account.Balanced || !account.Complete {
		s.Errorf("the account is not balanced: %+v", account)
	}
}

// manyEvents are several times what a process asks about at once.
const manyEvents = 300

// TestWrongCredentials lets the vendor refuse our credentials. The process halts at the third refusal, says why, spends no event, and asks
// once a probe interval; it goes on by itself when the vendor accepts them.
func TestWrongCredentials(t *testing.T) {
	t.Parallel()
	s, vendor := moody(t, "HTTP401")
	var sent sending
	s.send(&sent, 0, manyEvents, 0)
	p := s.startAndAwait("")
	since := p.halted("credentials")
	took := since.Sub(s.vendor.Ledger()[2].Time)
	if took > time.Second {
		t.Errorf("halted %v after the third 401", took)
	}
	s.probes(3 * time.Second)
	s.nothingSpent(since)
	t.Logf("halted %v after the third 401", took.Round(time.Millisecond))
	vendor.becomes("")
	s.wellEnded(&sent)
	if reason := p.reason(); reason != "" {
		t.Errorf("it still says why it waited: %s", reason)
	}
	p.stops(soon)
}

// TestWrongSecret starts a process with a wrong secret key, and then one with the right one.
func TestWrongSecret(t *testing.T) {
	t.Parallel()
	s, _ := moody(t, "")
	const wrong = "some-other-secret"
	s.extra = append(probing(), "CHARGERESULT_INQUIRY_SECRET_KEY="+wrong)
	var sent sending
	s.send(&sent, 0, manyEvents, 0)
	p := s.startAndAwait("")
	since := p.halted("credentials")
	took := p.stops(soon)
	s.nothingSpent(since)
	if strings.Contains(p.log.String(), wrong) {
		t.Error("the log holds the secret")
	}
	s.extra = probing()
	s.startAndAwait("")
	s.wellEnded(&sent)
	t.Logf("the halted process ended after %v", took.Round(time.Millisecond))
}

// nothingSpent fails the test if anything came of the refused credentials. What was asked about waits to be asked about again: the events
// that were on their way when the process halted, those that took the places of the first two, and the probes.
func (s *site) nothingSpent(halted time.Time) {
	s.Helper()
	results, letters, parked := s.count(s.results()), s.count(s.letters()), s.parked()
	most := 64 + 2 + int(time.Since(halted)/probeInterval) + 1
	if calls := int(s.vendor.Stats().Calls); results > 0 || letters > 0 || parked > calls || calls > most {
		s.Errorf("%d results, %d dead letters, %d parked after %d calls; want none, none, one a call, at most %d", results, letters, parked, calls, most)
	}
}

// TestWrongASPID lets the vendor refuse every event for good, as it would if the credentials were of another contract: no more than
// GUARD_REFUSALS of them are spent, not by the probes either; a process that is answered rightly spends no more.
func TestWrongASPID(t *testing.T) {
	t.Parallel()
	s, vendor := moody(t, "REJECTED")
	const refusals = 20 // GUARD_REFUSALS
	var sent sending
	s.send(&sent, 0, manyEvents, 0)
	p := s.startAndAwait("")
	p.halted("refusals")
	s.probes(2 * time.Second)
	p.stops(soon)
	spent := testbed.Dump(t, s.brokers, s.results())
	for _, r := range spent {
		if result, err := events.DecodeResult(r.Value); err != nil || result.Reason != events.ReasonRejected {
			t.Errorf("%s (%v), want UNKNOWN, %s", r.Value, err, events.ReasonRejected)
		}
	}
	if len(spent) != refusals {
		t.Errorf("%d events were spent, want %d", len(spent), refusals)
	}
	vendor.becomes("")
	p = s.startAndAwait("")
	s.wellEnded(&sent)
	if unknown := p.status().Counts.Final[events.Unknown]; unknown > 0 {
		t.Errorf("%d more events were spent", unknown)
	}
}

// TestTooManyDeadLetters fills the topic with records that are no events: the process halts at half of the last 200. Started again without
// that guard, it makes a dead letter of each that is left.
func TestTooManyDeadLetters(t *testing.T) {
	t.Parallel()
	s, _ := moody(t, "")
	originals := map[string]*kgo.Record{}
	for i := range 250 {
		r := &kgo.Record{Topic: s.requested(), Key: fmt.Appendf(nil, "bad%d", i), Value: fmt.Appendf(nil, "no event %d \xff", i)}
		r.Headers = []kgo.RecordHeader{{Key: "test", Value: []byte{0, 0xff}}}
		s.produceRecord(r)
		originals[string(r.Key)] = r
	}
	p := s.startAndAwait("")
	p.halted("dead-letters")
	p.stops(soon)
	if letters := s.count(s.letters()); letters != 100 {
		t.Errorf("%d dead letters before it halted, want 100", letters)
	}
	s.extra = append(probing(), "CHARGERESULT_GUARD_DEAD_LETTERS=0")
	s.startAndAwait("")
	s.awaitDone(eventually)
	for _, letter := range testbed.Dump(t, s.brokers, s.letters()) {
		name := string(letter.Key)
		if originals[name] == nil {
			t.Fatalf("a dead letter of nothing that was sent, or a second one: %s", name)
		}
		checkLetter(t, name, letter, originals[name], events.ReasonUndecodable, s.group)
		delete(originals, name)
	}
	if len(originals) > 0 {
		t.Errorf("%d have no dead letter", len(originals))
	}
}

// TestSomeDeadLetters: one bad record in ten halts nothing.
func TestSomeDeadLetters(t *testing.T) {
	t.Parallel()
	s, _ := moody(t, "")
	var sent sending
	const bad = 40
	for i := range bad {
		s.send(&sent, 9*i, 9, 0)
		s.produce(s.requested(), "bad", "no event")
	}
	s.flush()
	p := s.startAndAwait("")
	s.awaitDone(eventually)
	v := s.judge(&sent)
	if v.letters != bad {
		t.Errorf("%d dead letters, want %d", v.letters, bad)
	}
	if v.letters, v.unended = 0, v.unended+bad; v.String() != "" {
		t.Error(v)
	}
	if strings.Contains(p.log.String(), `"reason":"dead-letters"`) {
		t.Error("it halted")
	}
}
