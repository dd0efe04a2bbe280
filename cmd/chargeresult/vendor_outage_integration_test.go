//go:build integration

package main

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chargeresult/chargeresult/deploy/testbed"
	"github.com/chargeresult/chargeresult/processor/inquiry/konasim"
)

// TestVendorDown takes the vendor away for a while, under a load that goes on throughout. Nothing becomes a dead letter; the vendor is asked
// no more than the breaker's probes; everybody is told why; the process stays the member it is; and what has piled up is worked off as fast as an
// equal backlog was before.
func TestVendorDown(t *testing.T) {
	for name, o := range map[string]struct{ begin, end func(*vendor) }{
		"port closed": {(*vendor).refuse, (*vendor).listen},
		"HTTP 503":    {func(v *vendor) { v.SetOutage(konasim.Unavailable) }, func(v *vendor) { v.SetOutage(konasim.Up) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, testbed.SharedKafka(t), testbed.SharedRedis(t), 4, steady)
			s.extra = append(probing(), "CHARGERESULT_CONCURRENCY=32") // so that its speed is the vendor's, not the machine's
			var sent sending
			l := &inflow{site: s, sent: &sent, rate: 200}
			l.behind(outage())
			p := s.startAndAwait("")
			before := l.drained(p, 0)
			await(t, "the process keeps up with the load", l.limit(), l.during(func() bool { return p.finals() > l.produced()-l.rate }))
			member, groupHolds := s.members(), strings.Count(p.log.String(), `"reason":"group"`)

			o.begin(s.vendor)
			began := time.Now()
			l.outlast(p, began)
			o.end(s.vendor)
			down, at := time.Since(began), p.finals()
			left := l.produced() - at
			after := l.drained(p, at)
			t.Logf("down for %v: %d waited; %.0f results/s before, %.0f after: ratio %.2f", down.Round(time.Second), left, before, after, after/before)
			if after < before/2 {
				t.Errorf("%.0f results/s after the outage, %.0f before", after, before)
			}
			s.awaitDone(l.limit())
			s.judged(&sent)
			if e := p.status().Engine; e.Sessions != 1 || !e.Joined || !slices.Equal(s.members(), member) || strings.Count(p.log.String(), `"reason":"group"`) != groupHolds {
				t.Errorf("%d sessions, joined %v, member %v (before: %v)", e.Sessions, e.Joined, s.members(), member)
			}
			p.stops(soon)
		})
	}
}

// finals is how many final results the process has published.
func (p *program) finals() (n int) {
	p.Helper()
	p.alive()
	for _, of := range p.status().Counts.Final {
		n += int(of)
	}
	return n
}

// inflow sends events at a rate, while the test waits for something.
type inflow struct {
	*site
	sent  *sending
	rate  int // a second
	began time.Time
	ahead int // events that were sent at once before
}

// behind sends at once what comes in a time, and begins.
func (l *inflow) behind(d time.Duration) {
	l.Helper()
	l.ahead = int(d.Seconds() * float64(l.rate))
	l.send(l.sent, 0, l.ahead, 0)
	l.began = time.Now()
}

// produced is how many events were sent.
func (l *inflow) produced() int { return l.sent.records }

// during sends what is due whenever a condition is asked for.
func (l *inflow) during(holds func() bool) func() bool {
	return func() bool {
		l.Helper()
		due := l.ahead + int(time.Since(l.began).Seconds()*float64(l.rate))
		l.send(l.sent, l.sent.records, due-l.sent.records, 0)
		return holds()
	}
}

// limit is how long a backlog may take.
func (l *inflow) limit() time.Duration { return eventually + 2*outage() }

// drained waits until what was sent by now is done, save its last tenth, and returns how many results a second there were from its first
// tenth on; at is how many there were before.
func (l *inflow) drained(p *program, at int) float64 {
	l.Helper()
	backlog := l.produced() - at
	reached := func(n int) (int, time.Time) {
		await(l, "the backlog is worked off", l.limit(), l.during(func() bool { return p.finals() >= at+n }))
		return p.finals(), time.Now()
	}
	first, began := reached(backlog / 10)
	last, ended := reached(backlog * 9 / 10)
	return float64(last-first) / ended.Sub(began).Seconds()
}

// outlast lets an outage last that has begun, and fails the test unless everybody is told of it, and the vendor left alone.
func (l *inflow) outlast(p *program, began time.Time) {
	l.Helper()
	await(l, "the breaker opens", soon, l.during(func() bool { return strings.Contains(p.held(), "breaker: ") }))
	since := p.halted("breaker")
	from := since.Add(probeInterval / 2) // what was on its way has arrived
	await(l, "the outage lasts", l.limit(), l.during(func() bool { return time.Since(began) > outage() }))
	until := time.Now()
	if p.halted("breaker") != since {
		l.Error("the breaker was closed meanwhile")
	}
	calls, probes := 0, int(until.Sub(from)/probeInterval)+1
	for _, call := range l.vendor.Ledger() {
		if call.Time.After(from) && call.Time.Before(until) {
			calls++
		}
	}
	l.Logf("open %v after the vendor was gone; then %d calls in %v, at most %d", since.Sub(began).Round(time.Millisecond), calls, until.Sub(from).Round(time.Second), probes)
	if calls > probes {
		l.Errorf("%d calls while the breaker was open for %v, want at most %d", calls, until.Sub(from), probes)
	}
}

// TestHerd lets many transactions become due while no process runs: the next one asks at its rate, and not faster.
func TestHerd(t *testing.T) {
	t.Parallel()
	const rate = 50
	herd := number("CHARGERESULT_HERD", 150)
	var decided atomic.Bool // until then, whoever is asked about goes on waiting: on a slow machine some become due before the process ends
	s := newSite(t, testbed.SharedKafka(t), testbed.SharedRedis(t), 4, konasim.Config{Script: func(string, int) string {
		if decided.Load() {
			return ""
		}
		return "PENDING"
	}})
	var sent sending
	s.send(&sent, 0, herd, 0)
	s.extra = []string{"CHARGERESULT_RETRY_SCHEDULE=3s"}
	p := s.startAndAwait("")
	await(t, "all of them wait", eventually, func() bool { return p.status().Counts.Interim == int64(herd) })
	p.stops(soon)
	decided.Store(true)
	time.Sleep(3 * time.Second) // all of them are due
	before := len(s.vendor.Ledger())
	s.extra = append(s.extra, "CHARGERESULT_INQUIRY_RATE=50")
	p = s.startAndAwait("")
	p.halted("rate")
	s.wellEnded(&sent)
	var times []time.Time
	for _, call := range s.vendor.Ledger()[before:] {
		times = append(times, call.Time)
	}
	slices.SortFunc(times, time.Time.Compare)
	most := 0
	for i := range times {
		for j := i; j < len(times) && times[j].Sub(times[i]) < time.Second; j++ {
			most = max(most, j-i+1)
		}
	}
	took := times[len(times)-1].Sub(times[0])
	t.Logf("%d calls in %v, at most %d within a second", len(times), took.Round(time.Millisecond), most)
	// The vendor sees when they arrive, and one may be late; but together they are as far apart as the rate says.
	if least := time.Duration(herd-1) * time.Second / rate; most > rate+rate/5 || took < least-least/50 || len(times) != herd {
		t.Errorf("%d calls in %v, %d within a second; want %d in %v or more, %d within a second", len(times), took, most, herd, least, rate)
	}
}

// TestSlowDown: one reply of 429 holds all questions back for as long as it says.
func TestSlowDown(t *testing.T) {
	t.Parallel()
	const pause = 5 * time.Second
	s := newSite(t, testbed.SharedKafka(t), testbed.SharedRedis(t), 4, konasim.Config{Script: func(sequenceID string, ask int) string {
		if sequenceID == "CHG0000000000" && ask == 1 {
			return "HTTP429-5"
		}
		return ""
	}})
	var sent sending
	s.send(&sent, 0, 1, 0)
	p := s.startAndAwait("")
	await(t, "the vendor wants fewer questions", soon, func() bool { return s.vendor.Stats().Calls > 0 })
	p.halted("rate")
	s.send(&sent, 1, 200, 0)
	s.wellEnded(&sent)
	calls := s.vendor.Ledger()
	for _, call := range calls[1:] {
		if after := call.Time.Sub(calls[0].Time); after < pause {
			t.Fatalf("asked %v after it said %v", after, pause)
		}
	}
	t.Logf("%d calls, the second %v after the first", len(calls), calls[1].Time.Sub(calls[0].Time))
	if reason := p.reason(); reason != "" {
		t.Errorf("it still says why it waited: %s", reason)
	}
}
