package inquiry_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor"
	"github.com/chargeresult/chargeresult/processor/inquiry"
)

// TestRetryAfterIsHonouredToTheSecond: the header is read by the client, the wait is Pace's, and Retries add nothing to it.
func TestRetryAfterIsHonouredToTheSecond(t *testing.T) {
	for name, c := range map[string]struct {
		says func() string
		want time.Duration
	}{
		"120":         {func() string { return "120" }, 2 * time.Minute},
		"a date":      {func() string { return time.Now().Add(2 * time.Minute).UTC().Format(http.TimeFormat) }, 2 * time.Minute},
		"nothing":     {func() string { return "" }, time.Second},
		"0":           {func() string { return "0" }, time.Second},
		"a past date": {func() string { return time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat) }, time.Second},
		"a day":       {func() string { return "86400" }, 5 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var times []time.Time
				client := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					times = append(times, time.Now())
					w.Header().Set("Retry-After", c.says())
					w.WriteHeader(http.StatusTooManyRequests)
				}), nil)
				pace := inquiry.WithPace(client, inquiry.PaceConfig{})
				got := ask(t, inquiry.WithRetries(inquiry.WithBreaker(pace, inquiry.BreakerConfig{}), inquiry.RetryConfig{}), event)
				if got.Class != processor.SlowDown || len(times) != 3 {
					t.Fatalf("%+v after %d tries", got, len(times))
				}
				for i := 1; i < 3; i++ {
					if gap := times[i].Sub(times[i-1]); gap != c.want {
						t.Errorf("%v before try %d, want %v", gap, i+1, c.want)
					}
				}
				if s := pace.State(); s.SlowDowns != 3 || !s.PausedUntil.Equal(times[2].Add(c.want)) {
					t.Errorf("%+v", s)
				}
			})
		})
	}
}

// busy is a vendor that answers 429 while it is asked more than it takes in a second.
type busy struct {
	takes int

	mu       sync.Mutex
	times    []time.Time // of what it took in the last second
	refused  int
	inFlight int
	most     int // in flight at once
}

func (b *busy) Inquire(context.Context, <-chan struct{}, events.Event) (processor.Answer, error) {
	b.mu.Lock()
	b.inFlight++
	b.most = max(b.most, b.inFlight)
	b.mu.Unlock()
	time.Sleep(50 * time.Millisecond)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.inFlight--
	for len(b.times) > 0 && time.Since(b.times[0]) >= time.Second {
		b.times = b.times[1:]
	}
	if len(b.times) >= b.takes {
		b.refused++
		return slowDown(2 * time.Second), nil
	}
	b.times = append(b.times, time.Now())
	return fine, nil
}

// TestNoStormAfterAPause: 64 workers ask a vendor that takes 20 a second, and know no rate. They all meet the first 429; after each
// pause they come back one by one, and meet far fewer.
func TestNoStormAfterAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := &busy{takes: 20}
		pace := inquiry.WithPace(vendor, inquiry.PaceConfig{})
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for range 64 {
			all.Go(func() {
				for ctx.Err() == nil {
					_, _ = pace.Inquire(ctx, nil, event)
				}
			})
		}
		time.Sleep(time.Second)
		if s := pace.State(); s.InFlight != 0 || s.Waiting != 64 || s.Limit != 1 {
			t.Fatalf("after the first: %+v", s)
		}
		vendor.mu.Lock()
		vendor.refused, vendor.most = 0, 0
		vendor.mu.Unlock()
		time.Sleep(5 * time.Minute)
		cancel()
		all.Wait()
		pauses := 300 / 2 // at most
		if vendor.refused > 20*pauses || vendor.most > 32 {
			t.Errorf("%d refused in %d pauses, %d in flight at once", vendor.refused, pauses, vendor.most)
		}
	})
}

func TestOneAtATimeUntilOneIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := &patient{answer: slowDown(10 * time.Second), takes: time.Second}
		p := inquiry.WithPace(vendor, inquiry.PaceConfig{})
		ask(t, p, event)
		go askAll(t.Context(), p, 40)
		time.Sleep(35 * time.Second) // three more are refused, 11 s apart
		times, atOnce := vendor.seen()
		if len(times) != 4 || atOnce != 1 {
			t.Fatalf("asked %d times, %d at once", len(times), atOnce)
		}
		for i, at := range times {
			if want := times[0].Add(time.Duration(i) * 11 * time.Second); !at.Equal(want) {
				t.Errorf("question %d at %v, want %v", i, at, want)
			}
		}
		vendor.set(fine, time.Second)
		time.Sleep(time.Until(times[3]) + 11*time.Second + 500*time.Millisecond)
		var rounds []int
		for range 6 {
			rounds = append(rounds, p.State().InFlight)
			time.Sleep(time.Second)
		}
		if got := fmt.Sprint(rounds); got != "[1 2 4 8 16 6]" { // the last six find room at once
			t.Errorf("in flight by rounds: %v", got)
		}
		if s := p.State(); s.Limit != 0 || s.Cause != "" || s.SlowDowns != 4 || !s.PausedUntil.IsZero() {
			t.Errorf("afterwards: %+v", s)
		}
	})
}

// TestRateHoldsOnTheWayBackFromA429: who waited for room in flight has no slots to make up for.
func TestRateHoldsOnTheWayBackFromA429(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := &patient{answer: slowDown(10 * time.Second)}
		p := inquiry.WithPace(vendor, inquiry.PaceConfig{Rate: 100})
		ask(t, p, event)
		vendor.set(fine, 777*time.Millisecond)
		askAll(t.Context(), p, 500)
		times, _ := vendor.seen()
		noFasterThan(t, 100, times)
		if s := p.State(); len(times) != 501 || s.Limit != 0 || s.Cause != "" {
			t.Errorf("after %d questions: %+v", len(times), s)
		}
	})
}

// TestAnswersToOldQuestionsEndNoPause: what was asked before the 429 tells nothing of the time after it, whenever it comes.
func TestAnswersToOldQuestionsEndNoPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		takes := map[string]time.Duration{"old": 3 * time.Second, "older": 12 * time.Second, "new": time.Second}
		p := inquiry.WithPace(vendor(func(_ context.Context, e events.Event) (processor.Answer, error) {
			time.Sleep(takes[e.SequenceID])
			if e.SequenceID == "refused" {
				return slowDown(10 * time.Second), nil
			}
			return fine, nil
		}), inquiry.PaceConfig{})
		for _, id := range []string{"older", "old", "refused"} {
			go func() { _, _ = p.Inquire(t.Context(), nil, asking(id)) }()
			synctest.Wait()
		}
		for range 5 {
			go func() { _, _ = p.Inquire(t.Context(), nil, asking("new")) }()
		}
		for _, c := range []struct {
			at               time.Duration
			limit, in, queue int
		}{
			{4 * time.Second, 1, 1, 5},                       // the old answer came, and the pause goes on
			{11 * time.Second, 1, 1, 5},                      // the pause is over, but the oldest still takes the room
			{12*time.Second + 500*time.Millisecond, 1, 1, 4}, // its answer made no more room than it took
			{13*time.Second + 500*time.Millisecond, 2, 2, 2},
		} {
			time.Sleep(c.at - time.Since(bubbleBegin))
			if s := p.State(); s.Limit != c.limit || s.InFlight != c.in || s.Waiting != c.queue {
				t.Errorf("after %v: %+v", c.at, s)
			}
		}
		time.Sleep(time.Minute)
	})
}

// bubbleBegin is when time begins in every synctest bubble.
var bubbleBegin = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// TestLatestPauseCounts: a 429 that comes while others are waited for can only prolong the pause.
func TestLatestPauseCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answers := map[string]processor.Answer{"long": slowDown(time.Minute), "short": slowDown(time.Second)}
		p := inquiry.WithPace(vendor(func(_ context.Context, e events.Event) (processor.Answer, error) {
			if e.SequenceID == "short" {
				time.Sleep(2 * time.Second)
			}
			return answers[e.SequenceID], nil
		}), inquiry.PaceConfig{})
		go func() { _, _ = p.Inquire(t.Context(), nil, asking("short")) }()
		synctest.Wait()
		ask(t, p, asking("long"))
		time.Sleep(3 * time.Second)
		if s := p.State(); !s.PausedUntil.Equal(bubbleBegin.Add(time.Minute)) || s.SlowDowns != 2 {
			t.Errorf("%+v", s)
		}
	})
}

// TestCancelledQuestionEndsNoPause: the first after the pause is cancelled; the next must not be two.
func TestCancelledQuestionEndsNoPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := &patient{answer: slowDown(10 * time.Second)}
		p := inquiry.WithPace(vendor, inquiry.PaceConfig{})
		ask(t, p, event)
		vendor.set(fine, time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second+500*time.Millisecond)
		defer cancel()
		go func() { _, _ = p.Inquire(ctx, nil, event) }()
		synctest.Wait()
		go askAll(t.Context(), p, 5)
		time.Sleep(11 * time.Second)
		if s := p.State(); s.InFlight != 1 || s.Limit != 1 || s.Waiting != 4 {
			t.Errorf("%+v", s)
		}
	})
}

func TestDrainingDuringAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := &patient{answer: slowDown(time.Minute)}
		all := inquiry.WithRetries(inquiry.WithBreaker(inquiry.WithPace(vendor, inquiry.PaceConfig{}), inquiry.BreakerConfig{}), inquiry.RetryConfig{})
		draining := make(chan struct{})
		time.AfterFunc(time.Second, func() { close(draining) })
		within(t, time.Second, func() {
			if _, err := all.Inquire(t.Context(), draining, event); !errors.Is(err, processor.ErrNotAsked) || vendor.count() != 1 {
				t.Errorf("%v", err)
			}
		})
	})
}

// TestOnChangeOfPace: a 429 is told at once, moved pauses again, and the end when nobody waits; so is a line of a second.
func TestOnChangeOfPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p *inquiry.Pace
		var told []string
		vendor := &patient{answer: fine}
		p = inquiry.WithPace(vendor, inquiry.PaceConfig{Rate: 10, OnChange: func(now inquiry.PaceStatus) {
			_ = p.State() // no lock is held
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			_, _ = p.Inquire(ctx, nil, event)
			cause, _, _ := strings.Cut(now.Cause, ",")
			told = append(told, fmt.Sprintf("%v %d %s", time.Since(bubbleBegin), now.Waiting, cause))
		}})
		askAll(t.Context(), p, 10) // the last waits for 0.9 s
		askAll(t.Context(), p, 15) // there is a line of a second, and more
		time.Sleep(10 * time.Second)
		vendor.set(slowDown(time.Minute), 0)
		ask(t, p, event)
		ask(t, p, event)
		vendor.set(fine, 0)
		ask(t, p, event)
		want := strings.Join([]string{
			"900ms 10 there are more questions than the rate of 10 a second lets through",
			"2.4s 0 ",
			"12.4s 0 Konaplate answered 429: no question before 2000-01-01T00:01:12Z",
			"1m12.4s 0 Konaplate answered 429: no question before 2000-01-01T00:02:12Z",
			"2m12.4s 0 ",
		}, "\n")
		if got := strings.Join(told, "\n"); got != want {
			t.Errorf("told\n%s\nwant\n%s", got, want)
		}
	})
}
