package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/chargeresult/chargeresult/processor/inquiry"
	"github.com/chargeresult/chargeresult/processor/stream"
)

// view is the show at one moment.
type view struct {
	elapsed    time.Duration
	now        time.Time
	planned    int // events
	fed        int
	seen       sightings
	waiting    int64
	inFlight   int
	holds      []stream.Hold
	breaker    inquiry.BreakerStatus
	vendorDown bool
	wipe       wipeReport
	rate       float64     // results a second, over the last rateSpan
	recent     percentiles // of the last recentResults that took one question
}

// What the figures on the screen are of.
const (
	rateSpan      = 2 * time.Second
	recentResults = 500
)

// frame is the view as a block of lines of at most 78 columns.
func (v view) frame(p palette) []string {
	vendor := p.good.paint("up")
	if v.vendorDown {
		vendor = p.bad.paint("DOWN")
	}
	return []string{
		fmt.Sprintf("chargeresult demo  %5.1f s   Konaplate is %s", v.elapsed.Seconds(), vendor),
		fmt.Sprintf("  %s %3d %% ended", bar(v.seen.ended(), v.planned, 60), percent(v.seen.ended(), v.planned)),
		fmt.Sprintf("  events in     %6d", v.fed),
		fmt.Sprintf("  results       %6d  %5.0f/s   COMPLETED %d, FAILED %d, UNKNOWN %d",
			v.seen.results(), v.rate, v.seen.completed, v.seen.failed, v.seen.unknown),
		fmt.Sprintf("  interim       %6d           PENDING, published once each", v.seen.interim),
		fmt.Sprintf("  waiting       %6d           to be asked about again in 1 to 3 s", v.waiting),
		fmt.Sprintf("  duplicates    %6d", v.seen.duplicates),
		fmt.Sprintf("  dead letters  %6d", v.seen.dead),
		fmt.Sprintf("  in flight     %6d           %d being asked, %d wait for the breaker", v.inFlight, v.breaker.InFlight, v.breaker.Waiting),
		fmt.Sprintf("  breaker       %s", v.breakerText(p)),
		fmt.Sprintf("  intake        %s", v.intakeText(p)),
		fmt.Sprintf("  claims        %s", v.claimsText(p)),
		fmt.Sprintf("  latency       p50 %s   p99 %s   one question each, last %d",
			short(v.recent.p50), short(v.recent.p99), recentResults),
	}
}

func (v view) breakerText(p palette) string {
	switch v.breaker.State {
	case inquiry.Open:
		return p.bad.paint("[OPEN]") + fmt.Sprintf("  next probe in %.1f s", max(0, v.breaker.NextProbe.Sub(v.now).Seconds()))
	case inquiry.HalfOpen:
		return p.warn.paint("half-open") + "  one probe is out"
	}
	if v.breaker.Limit < concurrency {
		return p.warn.paint("closed") + fmt.Sprintf("  recovering: up to %d questions at once", v.breaker.Limit)
	}
	return p.good.paint("closed")
}

func (v view) intakeText(p palette) string {
	if len(v.holds) == 0 {
		return p.good.paint("open")
	}
	return p.warn.paint("held") + "  because of: " + v.reasons()
}

// reasons are why intake is held.
func (v view) reasons() string {
	var reasons []string
	for _, h := range v.holds {
		reasons = append(reasons, h.Reason)
	}
	return strings.Join(reasons, ", ")
}

func (v view) claimsText(p palette) string {
	switch {
	case v.wipe.Flushed == 0:
		return p.good.paint("in Redis")
	case v.wipe.Rebuilt == 0:
		return p.bad.paint("LOST") + fmt.Sprintf("  Redis was flushed at %.1f s", v.wipe.Flushed)
	}
	return p.good.paint("rebuilt") + fmt.Sprintf("  in %.2f s, after Redis was flushed at %.1f s", v.wipe.Rebuilt-v.wipe.Flushed, v.wipe.Flushed)
}

// line is the view in one line, for logs.
func (v view) line() string {
	state := string(v.breaker.State)
	if v.breaker.State == inquiry.Open {
		state = "OPEN"
	}
	line := fmt.Sprintf("%5.1f s  in %d  results %d  interim %d  waiting %d  duplicates %d  dead %d  in flight %d  breaker %s  p50 %s  p99 %s",
		v.elapsed.Seconds(), v.fed, v.seen.results(), v.seen.interim, v.waiting, v.seen.duplicates, v.seen.dead, v.inFlight, state,
		trimmed(v.recent.p50), trimmed(v.recent.p99))
	if len(v.holds) > 0 {
		line += "  held: " + v.reasons()
	}
	if v.wipe.Flushed > 0 {
		line += "  claims " + v.claimsText(palette{})
	}
	return line
}

func bar(done, of, width int) string {
	filled := 0
	if of > 0 {
		filled = min(width, done*width/of)
	}
	return "[" + strings.Repeat("#", filled) + strings.Repeat("-", width-filled) + "]"
}

func percent(done, of int) int {
	if of == 0 {
		return 0
	}
	return done * 100 / of
}

// short writes a duration in seven columns.
func short(d time.Duration) string {
	switch {
	case d == 0:
		return "      -"
	case d < time.Second:
		return fmt.Sprintf("%4d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%5.2f s", d.Seconds())
}

// ink colours text; none leaves it as it is.
type ink string

func (i ink) paint(text string) string {
	if i == "" {
		return text
	}
	return "\x1b[" + string(i) + "m" + text + "\x1b[0m"
}

// palette is the inks of a screen; the zero value has no colours.
type palette struct{ good, warn, bad ink }

var colours = palette{good: "32", warn: "33", bad: "1;97;41"}
