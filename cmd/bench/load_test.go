package main

import (
	"bytes"
	"testing"
)

// A twentieth of the records repeat an earlier event, under its key, and the rest are events of their own.
func TestLoad(t *testing.T) {
	const records = 20_000
	l := load{records: records}
	seen := map[int]string{}
	distinct := map[string]bool{}
	for i := range records {
		event, r := l.original(i), l.record(i)
		if first, repeated := seen[event]; repeated != duplicate(i) {
			t.Fatalf("record %d holds event %d: seen before: %v", i, event, repeated)
		} else if repeated && first != string(r.Key)+string(r.Value) {
			t.Fatalf("record %d is another than the first of event %d", i, event)
		}
		seen[event] = string(r.Key) + string(r.Value)
		distinct[string(r.Key)] = true
		if i-event > duplicateReach+1 {
			t.Fatalf("record %d repeats event %d, out of reach", i, event)
		}
		if n, err := eventOf(r.Value, records); err != nil || n != event {
			t.Fatalf("eventOf(%s) = %d, %v; want %d", r.Value, n, err, event)
		}
	}
	if s := newSent(l, 8); s.events != len(seen) || s.awaited != s.events || records-s.events != (records-duplicateReach)/duplicateEvery {
		t.Errorf("%d events, %d of which count, %d distinct", s.events, s.awaited, len(seen))
	}
	if len(distinct) != keys {
		t.Errorf("%d keys, want %d", len(distinct), keys)
	}
}

// Half of the events of a load with a hot key have it; what shares its partition does not count.
func TestHotLoad(t *testing.T) {
	const records = 10_000
	s := newSent(load{records: records, hot: true}, 8)
	hot, beside := 0, 0
	for i := range records {
		switch {
		case duplicate(i):
		case bytes.Equal(s.record(i).Key, []byte(hotKey)):
			hot++
			if s.partition[i] != s.hottest || s.counts(i) {
				t.Fatalf("event %d is in partition %d, and counts: %v", i, s.partition[i], s.counts(i))
			}
		case s.partition[i] == s.hottest:
			beside++
		}
	}
	if hot < s.events*9/20 || hot > s.events*11/20 {
		t.Errorf("%d of %d events are hot", hot, s.events)
	}
	if want := s.events - hot - beside; s.awaited != want || beside == 0 {
		t.Errorf("%d events count, want %d; %d share the partition", s.awaited, want, beside)
	}
}

func TestEventOf(t *testing.T) {
	for _, value := range []string{
		``, `{"result":"COMPLETED"}`, `{"correlationId":"261122103000-00000"}`, `{"correlationId":"261122103000-0000zzz"}`, `{"correlationId":"261122103000-0000064"}`,
	} {
		if n, err := eventOf([]byte(value), 100); err == nil {
			t.Errorf("eventOf(%s) = %d", value, n)
		}
	}
}
