package events_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chargeresult/chargeresult/events"
)

func goldenRetry() events.Retry {
	at := time.Date(2026, 11, 22, 1, 30, 5, 0, time.UTC)
	return events.Retry{
		Origin:        events.Source{Topic: "charge-requested", Partition: 3, Offset: 1234},
		OriginTopicID: [16]byte{0x5f, 0x0c, 0x1b, 0x2a, 15: 0xe8},
		OriginTime:    at.Add(-time.Second + 7*time.Millisecond),
		Operation:     events.Charge,
		Hop:           2,
		Attempts:      1,
		Due:           at.Add(time.Minute + time.Nanosecond),
		Reason:        events.WaitPending,
		FirstSeen:     at,
		FirstAsked:    at.Add(10 * time.Second),
		Interim:       true,
		Trace:         "00-7d2f6f0b9a3c4e1d8b5a0c1d2e3f4a5b-1f2e3d4c5b6a7988-01",
		FirstTrace:    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 vendor=opaque",
	}
}

const goldenRetryHeaders = `
retry-origin: charge-requested/3/1234
retry-origin-id: 5f0c1b2a0000000000000000000000e8
retry-origin-time: 1795311004007
retry-operation: CHARGE
retry-hop: 2
retry-attempts: 1
retry-due: 2026-11-22T01:31:05.000000001Z
retry-reason: PENDING
retry-first-seen: 2026-11-22T01:30:05Z
retry-interim: true
retry-first-asked: 2026-11-22T01:30:15Z
retry-trace: 00-7d2f6f0b9a3c4e1d8b5a0c1d2e3f4a5b-1f2e3d4c5b6a7988-01
retry-trace-first: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 vendor=opaque`

func TestRetryHeaders(t *testing.T) {
	// What an original may bring: it was a retry record and a dead letter of something else.
	another := goldenRetry()
	another.Origin.Topic, another.Hop = "elsewhere", 9
	original := another.Headers([]events.Header{{Key: "a"}, {Key: "a", Value: []byte{}}, {Key: "", Value: []byte{0xff}}})
	original = goldenDeadLetter().Headers(original)
	original = append(original, events.Header{Key: events.HeaderRetryDue, Value: []byte("never")})

	for name, zone := range map[string]*time.Location{"UTC": time.UTC, "KST": time.FixedZone("KST", 9*60*60)} {
		r := goldenRetry()
		r.Due, r.FirstSeen = r.Due.In(zone), r.FirstSeen.In(zone)
		backing := make([]events.Header, 100)
		copy(backing, original)
		headers := r.Headers(backing[:len(original)])
		if got, want := show(headers[len(original):]), strings.TrimSpace(goldenRetryHeaders); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
		}
		if backing[len(original)].Key != "" {
			t.Error("wrote into the original's memory")
		}
		traced := append(headers, events.Header{Key: "traceparent", Value: []byte("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")})
		got, before, err := events.DecodeRetry(traced)
		if err != nil || got != goldenRetry() || !reflect.DeepEqual(before, original) {
			t.Errorf("%s: %+v of %q, %v", name, got, before, err)
		}
		if due, ok := events.RetryDue(traced); !ok || due != goldenRetry().Due {
			t.Errorf("%s: due %v, %v", name, due, ok)
		}
		if _ = append(before, events.Header{Key: "x"}); headers[len(original)].Key != events.HeaderRetryOrigin {
			t.Error("appending to the original's headers wrote into the record's")
		}
	}
}

// TestRetryNeverAsked: the first ask and the traces that an original brings from elsewhere are not ours.
func TestRetryNeverAsked(t *testing.T) {
	want := goldenRetry()
	want.FirstAsked, want.Attempts, want.Trace, want.FirstTrace = time.Time{}, 0, "", ""
	got, _, err := events.DecodeRetry(want.Headers(goldenRetry().Headers(nil)))
	if err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestDecodeRetryNamesEveryFault(t *testing.T) {
	const otherwise = "events: decode retry: "
	set := func(changes ...string) []events.Header { // key, value, ...; no value: no header
		headers := goldenRetry().Headers(nil)
		for pair := range slices.Chunk(changes, 2) {
			headers = slices.DeleteFunc(headers, func(h events.Header) bool { return h.Key == pair[0] && pair[1] == "-" })
			for i := range headers {
				if headers[i].Key == pair[0] {
					headers[i].Value = []byte(pair[1])
				}
			}
		}
		return headers
	}
	for _, c := range []struct {
		headers []events.Header
		want    string
	}{
		{nil, "retry-origin is missing"},
		{goldenDeadLetter().Headers(nil), "retry-origin is missing"},
		{set(events.HeaderRetryOrigin, "-"), "retry-origin is missing"},
		{set(events.HeaderRetryOrigin, "t/1"), `retry-origin is "t/1"`},
		{set(events.HeaderRetryOrigin, "t/1/2/3"), `retry-origin is "t/1/2/3"`},
		{set(events.HeaderRetryOrigin, "/1/2"), `retry-origin is "/1/2"`},
		{set(events.HeaderRetryOrigin, "a topic/1/2"), `retry-origin is "a topic/1/2"`},
		{set(events.HeaderRetryOrigin, "t/-1/2"), `retry-origin is "t/-1/2"`},
		{set(events.HeaderRetryOrigin, "t/2147483648/2"), `retry-origin is "t/2147483648/2"`},
		{set(events.HeaderRetryOrigin, "t/0/9223372036854775808"), `retry-origin is "t/0/9223372036854775808"`},
		{set(events.HeaderRetryTopicID, "00"), `retry-origin-id is "00"`},
		{set(events.HeaderRetryTopicID, strings.Repeat("x", 32)), `retry-origin-id is "` + strings.Repeat("x", 32) + `"`},
		{set(events.HeaderRetryTopicID, strings.Repeat("0", 34)), `retry-origin-id is "` + strings.Repeat("0", 34) + `"`},
		{set(events.HeaderRetryTimestamp, "now"), `retry-origin-time is "now"`},
		{set(events.HeaderRetryOperation, "charge"), `retry-operation is "charge"`},
		{set(events.HeaderRetryHop, "0"), `retry-hop is "0"`},
		{set(events.HeaderRetryHop, "+1"), `retry-hop is "+1"`},
		{set(events.HeaderRetryAttempts, "-1"), `retry-attempts is "-1"`},
		{set(events.HeaderRetryDue, "2026-11-22"), `retry-due is "2026-11-22"`},
		{set(events.HeaderRetryReason, ""), `retry-reason is ""`},
		{set(events.HeaderRetryFirstSeen, ""), `retry-first-seen is ""`},
		{set(events.HeaderRetryFirstAsked, "soon"), `retry-first-asked is "soon"`},
		{set(events.HeaderRetryInterim, "1"), `retry-interim is "1"`},
		{
			set(events.HeaderRetryHop, "x", events.HeaderRetryDue, "-", events.HeaderRetryInterim, ""),
			`retry-hop is "x", retry-due is missing, retry-interim is ""`,
		},
	} {
		got, original, err := events.DecodeRetry(c.headers)
		if err == nil || err.Error() != otherwise+c.want || got != (events.Retry{}) || original != nil {
			t.Errorf("got %+v, %v; want %s", got, err, c.want)
		}
	}
	if got, _, err := events.DecodeRetry(set(events.HeaderRetryReason, "OF_A_NEWER_VERSION")); err != nil || got.Reason != "OF_A_NEWER_VERSION" {
		t.Errorf("an unknown reason: %q, %v", got.Reason, err)
	}
}

func TestRetryDue(t *testing.T) {
	for name, headers := range map[string][]events.Header{
		"no headers": nil,
		"no due":     goldenDeadLetter().Headers(nil),
		"bad due":    {{Key: events.HeaderRetryDue, Value: []byte("soon")}},
	} {
		if due, ok := events.RetryDue(headers); ok || !due.IsZero() {
			t.Errorf("%s: %v, %v", name, due, ok)
		}
	}
}

func TestRetryTopic(t *testing.T) {
	const prefix = events.TopicRetryPrefix
	for delay, want := range map[time.Duration]string{
		500 * time.Millisecond:        "500ms",
		1500 * time.Millisecond:       "1.5s",
		10 * time.Second:              "10s",
		time.Minute:                   "1m",
		90 * time.Second:              "1m30s",
		5 * time.Minute:               "5m",
		10 * time.Minute:              "10m",
		time.Hour:                     "1h",
		90 * time.Minute:              "1h30m",
		time.Hour + 10*time.Minute:    "1h10m",
		time.Hour + 20*time.Second:    "1h0m20s",
		24 * time.Hour:                "24h",
		100*time.Hour + time.Second:   "100h0m1s",
		10*time.Hour + 30*time.Minute: "10h30m",
	} {
		topic := events.RetryTopic(prefix, delay)
		if topic != prefix+"."+want {
			t.Errorf("%v: %s, want %s", delay, topic, want)
		}
		if got, ok := events.RetryDelay(prefix, topic); !ok || got != delay {
			t.Errorf("%s: %v, %v", topic, got, ok)
		}
	}
	for _, topic := range []string{
		"", prefix, prefix + ".", prefix + ".10", prefix + ".1m0s", prefix + ".60s", prefix + ".0s", prefix + ".-10s", prefix + ".10s.old",
		prefix + "10s", "my." + prefix + ".10s", events.TopicDeadLetter,
	} {
		if got, ok := events.RetryDelay(prefix, topic); ok {
			t.Errorf("%q is a retry topic of %v", topic, got)
		}
	}
}
