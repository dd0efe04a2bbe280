package console

import (
	"testing"
	"time"
)

func TestDurations(t *testing.T) {
	for _, test := range []struct {
		d     time.Duration
		short string
		long  string
	}{
		{0, "0 s", "0 s"},
		{-time.Second, "0 s", "0 s"},
		{340 * time.Microsecond, "340 µs", "0 s"},
		{12*time.Millisecond + 900*time.Microsecond, "12 ms", "0 s"},
		{1840 * time.Millisecond, "1.84 s", "1 s"},
		{2 * time.Second, "2 s", "2 s"},
		{9999 * time.Millisecond, "9.99 s", "9 s"},
		{59*time.Second + 999*time.Millisecond, "59 s", "59 s"},
		{time.Minute, "1 m", "1 m"},
		{133 * time.Second, "2 m 13 s", "2 m 13 s"},
		{time.Hour - 1, "59 m 59 s", "59 m 59 s"},
		{3*time.Hour + 5*time.Minute + 59*time.Second, "3 h 5 m", "3 h 5 m"},
		{24 * time.Hour, "1 d", "1 d"},
		{52 * time.Hour, "2 d 4 h", "2 d 4 h"},
	} {
		if got := lasting(test.d).Text; got != test.short {
			t.Errorf("%v lasts %q, want %q", test.d, got, test.short)
		}
		if got := long(max(test.d, 0)); got != test.long {
			t.Errorf("%v for people is %q, want %q", test.d, got, test.long)
		}
	}
	if got, want := lasting(133482*time.Millisecond), (span{"PT133.482S", "133.482 s", "2 m 13 s"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestMoments(t *testing.T) {
	kst := time.FixedZone("KST", 9*60*60)
	for _, test := range []struct {
		t          time.Time
		clock, ago string
	}{
		{at, "10:33:18", "just now"},
		{at.Add(-999 * time.Millisecond), "10:33:17", "just now"},
		{at.Add(time.Millisecond), "10:33:18", "in 1 s"},
		{at.Add(-193 * time.Second).In(kst), "10:30:05", "3 m 13 s ago"},
		{at.Add(8200 * time.Millisecond), "10:33:26", "in 9 s"},
		{at.Add(-26 * time.Hour), "Nov 22 08:33:18", "1 d 2 h ago"},
		{at.AddDate(-1, 0, 0), "2025-11-23 10:33:18", "365 d ago"},
	} {
		got := when(test.t, at)
		if got.Clock != test.clock || got.Ago != test.ago {
			t.Errorf("%v is %q, %q; want %q, %q", test.t, got.Clock, got.Ago, test.clock, test.ago)
		}
		if parsed, err := time.Parse(time.RFC3339Nano, got.ISO); err != nil || !parsed.Equal(test.t) {
			t.Errorf("%v in a datetime attribute is %q", test.t, got.ISO)
		}
	}
	if got := when(time.Time{}, at); got != (moment{}) {
		t.Errorf("the zero time is %+v, want nothing", got)
	}
}

func TestNumbers(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1: "-1", -123: "-123", -1234: "-1,234"} {
		if got := grouped(n); got != want {
			t.Errorf("%d is written %q, want %q", n, got, want)
		}
	}
	for _, test := range []struct {
		part, whole int64
		want        string
	}{
		{0, 0, "–"}, {0, 10, "0 %"}, {10, 10, "100 %"}, {1, 100_000, "< 0.1 %"}, {99_999, 100_000, "> 99.9 %"}, {66, 1000, "6.6 %"}, {1, 3, "33 %"},
	} {
		if got := percent(test.part, test.whole); got != test.want {
			t.Errorf("%d of %d is %q, want %q", test.part, test.whole, got, test.want)
		}
	}
	if got := plural(1, "record", "records") + ", " + plural(1200, "record", "records"); got != "1 record, 1,200 records" {
		t.Error(got)
	}
}

func TestQuotedForTheShell(t *testing.T) {
	for word, want := range map[string]string{
		"kafka-1:9092,kafka-2:9092": "kafka-1:9092,kafka-2:9092",
		"":                          "''",
		"a b":                       "'a b'",
		"a'; rm -rf /; '":           `'a'\''; rm -rf /; '\'''`,
		"$(id)":                     "'$(id)'",
	} {
		if got := quoted(word); got != want {
			t.Errorf("%q is quoted %s, want %s", word, got, want)
		}
	}
}
