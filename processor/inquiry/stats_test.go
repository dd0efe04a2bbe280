package inquiry_test

import (
	"context"
	"errors"
	"maps"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor"
	"github.com/chargeresult/chargeresult/processor/inquiry"
)

// answers is a vendor that gives one class after a time.
func answers(class processor.Class, takes time.Duration) vendor {
	return func(context.Context, events.Event) (processor.Answer, error) {
		time.Sleep(takes)
		return processor.Answer{Class: class}, nil
	}
}

// changing is a vendor that a test can exchange.
func changing(now *vendor) vendor {
	return func(ctx context.Context, e events.Event) (processor.Answer, error) { return (*now)(ctx, e) }
}

func TestStatsCountTriesByClass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var konaplate vendor
		s := inquiry.WithStats(changing(&konaplate))
		want := map[processor.Class]int64{}
		for _, class := range processor.Classes() {
			konaplate = answers(class, time.Duration(class)*10*time.Millisecond)
			for range class {
				ask(t, s, event)
			}
			want[class] = int64(class)
		}
		konaplate = func(context.Context, events.Event) (processor.Answer, error) {
			time.Sleep(time.Second)
			return processor.Answer{}, context.Canceled
		}
		if _, err := s.Inquire(t.Context(), nil, event); !errors.Is(err, context.Canceled) {
			t.Errorf("an interrupted try: %v", err)
		}
		got := s.Snapshot()
		if !maps.Equal(got.ByClass, want) || got.Tries != 45 {
			t.Errorf("%+v, want %v", got, want)
		}
		if got.P50 < 70*time.Millisecond || got.P50 > 79*time.Millisecond || got.P99 != 90*time.Millisecond || got.Slowest != 90*time.Millisecond {
			t.Errorf("latencies: %+v", got)
		}
		time.Sleep(time.Hour)
		if total := s.Totals(); !maps.Equal(total, want) {
			t.Errorf("totals after an hour: %v, want %v", total, want)
		}
	})
}

func TestStatsForgetWhatIsOlderThanAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var konaplate vendor
		s := inquiry.WithStats(changing(&konaplate))
		tried := func(want int64, slowest, span time.Duration) {
			t.Helper()
			if got := s.Snapshot(); got.Tries != want || got.Slowest != slowest || got.Span != span {
				t.Errorf("%+v; want %d tries, %v, over %v", got, want, slowest, span)
			}
		}
		tried(0, 0, 0)
		konaplate = answers(processor.Answered, 2*time.Second)
		ask(t, s, event)
		tried(1, 2*time.Second, 2*time.Second)
		time.Sleep(8 * time.Second)
		konaplate = answers(processor.VendorDown, time.Second)
		ask(t, s, event) // at 11 s
		time.Sleep(48 * time.Second)
		tried(2, 2*time.Second, 59*time.Second)
		time.Sleep(time.Second)
		tried(1, time.Second, 55*time.Second)
		time.Sleep(9 * time.Second)
		tried(1, time.Second, 59*time.Second) // at 69 s
		time.Sleep(time.Second)
		tried(0, 0, 55*time.Second)
		time.Sleep(time.Hour)
		tried(0, 0, 55*time.Second)
		ask(t, s, event)
		tried(1, time.Second, 56*time.Second)
	})
}

// Counting may be asked for while it goes on.
func TestStatsWhileAsking(t *testing.T) {
	s := inquiry.WithStats(answers(processor.Answered, 0))
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				ask(t, s, event)
				s.Snapshot()
			}
		})
	}
	all.Wait()
	if got := s.Snapshot(); got.ByClass[processor.Answered] != 800 {
		t.Errorf("%+v", got)
	}
}

// BenchmarkStats is what a try costs more.
func BenchmarkStats(b *testing.B) {
	next := vendor(func(context.Context, events.Event) (processor.Answer, error) { return fine, nil })
	for name, inquirer := range map[string]processor.Inquirer{"with": inquiry.WithStats(next), "without": next} {
		b.Run(name, func(b *testing.B) {
			ctx := b.Context()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := inquirer.Inquire(ctx, nil, event); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
