package main

import (
	"bytes"
	"context"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/chargeresult/chargeresult/processor"
	"github.com/chargeresult/chargeresult/processor/inquiry"
	"github.com/chargeresult/chargeresult/processor/stream"
)

// busy is a view with figures as wide as they get.
func busy(state inquiry.State) view {
	now := time.Unix(1_000_000, 0)
	return view{
		elapsed: 123 * time.Second, now: now, planned: 99_999, fed: 99_999, seen: sightings{88_888, 88_888, 88_888, 99_999, 99_999, 99_999},
		waiting: 99_999, inFlight: 4096, holds: []stream.Hold{{Reason: holdBreaker}, {Reason: stream.HeldByAdmission}, {Reason: processor.HoldRebuild}},
		wipe:       wipeReport{Flushed: 466.7, Rebuilt: 566.6},
		breaker:    inquiry.BreakerStatus{State: state, NextProbe: now.Add(3600 * time.Millisecond), Limit: 2, InFlight: 128, Waiting: 4096},
		vendorDown: true, rate: 2000, recent: percentiles{12 * time.Second, 99 * time.Second},
	}
}

var escapes = regexp.MustCompile(`\x1b\[[0-9;?]*[A-Za-z]`)

func TestFrameFitsAndSaysOpen(t *testing.T) {
	for state, says := range map[inquiry.State]string{
		inquiry.Open: "[OPEN]  next probe in 3.6 s", inquiry.HalfOpen: "half-open", inquiry.Closed: "closed  recovering",
	} {
		plain := busy(state).frame(palette{})
		for _, line := range plain {
			if n := utf8.RuneCountInString(line); n > 78 {
				t.Errorf("%s: %d columns: %s", state, n, line)
			}
		}
		if all := strings.Join(plain, "\n"); !strings.Contains(all, says) || strings.Contains(all, "\x1b") {
			t.Errorf("%s: no %q in\n%s", state, says, all)
		}
		if painted := strings.Join(busy(state).frame(colours), "\n"); escapes.ReplaceAllString(painted, "") != strings.Join(plain, "\n") {
			t.Errorf("%s: colours change more than colours:\n%q", state, painted)
		}
	}
}

func TestFrameSaysWhatIsGoingOn(t *testing.T) {
	said := func(v view) string { return strings.Join(v.frame(palette{}), "\n") }
	for want, v := range map[string]view{
		"  intake        open\n": {},
		"  intake        held  because of: breaker, admission, rebuild\n": busy(inquiry.Open),
		"  waiting        99999  ":                                              busy(inquiry.Open),
		"  interim        99999  ":                                              busy(inquiry.Open),
		"  claims        in Redis\n":                                            {},
		"  claims        LOST  Redis was flushed at 14.0 s\n":                   {wipe: wipeReport{Flushed: 14}},
		"  claims        rebuilt  in 0.70 s, after Redis was flushed at 14.0 s": {wipe: wipeReport{14, 14.7}},
	} {
		if !strings.Contains(said(v), want) {
			t.Errorf("no %q in\n%s", want, said(v))
		}
	}
	if line := busy(inquiry.Open).line(); !strings.Contains(line, "waiting 99999") || !strings.Contains(line, "held: breaker, admission, rebuild") {
		t.Error(line)
	}
}

func TestFramesCoverEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		s := &screen{out: &out, terminal: true}
		ctx, cancel := context.WithTimeout(t.Context(), 250*time.Millisecond)
		defer cancel()
		s.show(ctx, func() view { return busy(inquiry.Open) })
		height := len(busy(inquiry.Open).frame(palette{}))
		if got := strings.Count(out.String(), "\n"); got != 3*height {
			t.Errorf("%d lines, want three frames of %d", got, height)
		}
		if got := strings.Count(out.String(), "\r\x1b[13A"); got != 2 || height != 13 {
			t.Errorf("went up to the beginning of a frame of %d lines %d times, want 2", height, got)
		}
		if !strings.HasSuffix(out.String(), "\x1b[?7h") {
			t.Error("leaves the terminal without line wrap")
		}
	})
}

func TestScreenWithoutTerminal(t *testing.T) {
	if s := newScreen(&bytes.Buffer{}, func(string) string { return "" }); s.terminal || s.palette != (palette{}) {
		t.Errorf("%+v", s)
	}
}

func TestPercentiles(t *testing.T) {
	lags := make([]latency, 200)
	for i := range lags {
		lags[len(lags)-1-i].took = time.Duration(i + 1)
	}
	for _, c := range []struct {
		lags []latency
		want percentiles
	}{
		{nil, percentiles{}},
		{lags[199:], percentiles{1, 1}},
		{lags[100:], percentiles{50, 99}},
		{lags, percentiles{100, 198}},
	} {
		if got := percentilesOf(c.lags); got != c.want {
			t.Errorf("of %d: %v, want %v", len(c.lags), got, c.want)
		}
	}
}

func TestBefore(t *testing.T) {
	begin := time.Unix(0, 0)
	lags := []latency{{seen: begin}, {seen: begin.Add(1)}, {seen: begin.Add(1)}, {seen: begin.Add(2)}}
	for after, want := range []int{0, 1, 3, 4} {
		if got := before(lags, begin.Add(time.Duration(after))); got != want {
			t.Errorf("before %d: %d, want %d", after, got, want)
		}
	}
}
