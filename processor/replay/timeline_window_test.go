package replay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chargeresult/chargeresult/events"
)

// What can't be asked, or is not there, is named; the rest is told.
func TestFindIncomplete(t *testing.T) {
	for name, test := range map[string]struct {
		world  func(k *kafka, source events.Source, cfg *FindConfig)
		want   string
		unread string
	}{
		"no claim store":   {func(_ *kafka, _ events.Source, c *FindConfig) { c.Claims = nil }, "CHARGE final: event final", "claim store: none is configured"},
		"claim store down": {func(_ *kafka, _ events.Source, c *FindConfig) { c.Claims = noClaims{} }, "CHARGE final: event final", "claim store: look up claims: claim store unavailable: redis h:6379"},
		"topic missing":    {func(_ *kafka, _ events.Source, c *FindConfig) { c.DeadLetter = "nowhere" }, "CHARGE final: event final", "nowhere: there is no such topic"},
		"removed by retention": {func(k *kafka, at events.Source, _ *FindConfig) {
			k.sent(event(requestedTopic, 1)) // so that the partition is not empty
			k.truncate(requestedTopic, at.Partition, at.Offset+1)
		}, "CHARGE final: final event", "charge-requested[0] below offset 1: removed by retention"},
		"open transaction": {func(k *kafka, at events.Source, _ *FindConfig) {
			end := k.open("t", &kgo.Record{Topic: resultTopic, Partition: at.Partition, Value: []byte("x")})
			go func() {
				time.Sleep(time.Minute)
				end(kgo.TryAbort)
			}()
		}, "CHARGE final: event final", "charge-result[0] from offset 1 to 2: held back by an open transaction"},
		"no time": {func(k *kafka, _ events.Source, _ *FindConfig) {
			k.cluster.ControlKey(int16(kmsg.Fetch), func(kmsg.Request) (kmsg.Response, error, bool) {
				k.cluster.KeepControl()
				k.cluster.SleepControl(func() { time.Sleep(2 * DefaultLimit) })
				return nil, nil, false
			})
		}, "", "charge-result[0] from offset 0 to 1: no time left"},
	} {
		t.Run(name, func(t *testing.T) {
			atNoon(t, func(k *kafka) {
				source := k.sent(event(requestedTopic, 1))[0]
				k.sent(keyed(k.resultRecord(1, 1, source, group), correlationID(1)))
				line := k.find(1, func(c *FindConfig) { test.world(k, source, c) })
				k.want(line, false, test.want)
				if !slices.Contains(line.Unread, test.unread) {
					t.Errorf("unread: %q, want %q", line.Unread, test.unread)
				}
				time.Sleep(2 * time.Minute)
			})
		})
	}
}

// A day on either side of the ID's time is searched for events, and the deadline more for what comes of them; then to the end, if there is no outcome.
func TestFindWindow(t *testing.T) {
	for name, test := range map[string]struct {
		event, final time.Duration // after the time in the ID
		since        time.Duration
		want         string
	}{
		"a day before":      {-23 * time.Hour, -23 * time.Hour, 0, "CHARGE final: event final"},
		"two days before":   {-49 * time.Hour, -49 * time.Hour, 0, ""},
		"said to be before": {-49 * time.Hour, -49 * time.Hour, -50 * time.Hour, "CHARGE final: event final"},
		"a day after":       {23 * time.Hour, 46 * time.Hour, 0, "CHARGE final: event final"},
		"two days after":    {50 * time.Hour, 200 * time.Hour, 0, ""},
		"said to be after":  {50 * time.Hour, 200 * time.Hour, 40 * time.Hour, "CHARGE final: event final"},
		"answered late":     {time.Hour, 200 * time.Hour, 0, "CHARGE final: event final"},
	} {
		t.Run(name, func(t *testing.T) {
			bubbleAt(t, noon.Add(300*time.Hour), func(k *kafka) {
				read := event(requestedTopic, 1)
				read.Timestamp = noon.Add(test.event)
				final := keyed(k.resultRecord(1, 1, k.sent(read)[0], group), correlationID(1))
				final.Timestamp = noon.Add(test.final)
				k.sent(final)
				line := k.find(1, func(c *FindConfig) {
					if test.since != 0 {
						c.Since = noon.Add(test.since)
					}
				})
				k.want(line, true, test.want)
			})
		})
	}
}

// What comes within the deadline is told although there is a final result before.
func TestFindLateRevision(t *testing.T) {
	bubbleAt(t, noon.Add(300*time.Hour), func(k *kafka) {
		read := event(requestedTopic, 1)
		read.Timestamp = noon
		source := k.sent(read)[0]
		for revision := 1; revision <= 2; revision++ {
			r := keyed(k.resultRecord(1, revision, source, group), correlationID(1))
			r.Timestamp = noon.Add(time.Duration(revision) * 20 * time.Hour)
			k.sent(r)
		}
		k.want(k.find(1), true, "CHARGE final: event final final")
	})
}

// An ID without a time is looked for everywhere, and any text may be one.
func TestFindAnyID(t *testing.T) {
	for _, id := range []string{"7f3c9b2e-8a41-4c1d-9e0f-Ab12cd34ef56", `a "quoted" <id>`, "오더", "abc"} {
		t.Run(id, func(t *testing.T) {
			bubble(t, func(k *kafka) {
				any, err := events.NewDecoder(events.Fields{AnyCorrelationID: true})
				k.must(err)
				result, err := events.DecodeResult(k.resultRecord(1, 1, at(0), group).Value)
				k.must(err)
				result.CorrelationID = id
				quoted, err := json.Marshal(id)
				k.must(err)
				value, headers, err := result.Encode(group)
				k.must(err)
				k.sent(keyed(&kgo.Record{Topic: requestedTopic, Value: fmt.Appendf(nil, `{"correlationId":%s,"sequenceId":"S"}`, quoted)}, "k"),
					keyed(&kgo.Record{Topic: resultTopic, Value: value, Headers: kafkaHeaders(headers)}, "k"))
				k.want(k.findID(strings.ToUpper(id), func(c *FindConfig) { c.Decoder = any }), true, "CHARGE final: event final")
			})
		})
	}
}

// What only mentions the ID is not its story.
func TestFindMentions(t *testing.T) {
	atNoon(t, func(k *kafka) {
		mention := fmt.Appendf(nil, `{"correlationId":%q,"sequenceId":"S","of":%q}`, correlationID(2), correlationID(1))
		source := k.sent(keyed(&kgo.Record{Topic: requestedTopic, Value: mention}, correlationID(1)))[0]
		retry := keyed(k.retry(shortRetry, 2, 1, source), correlationID(1))
		retry.Value = mention
		letter := keyed(k.deadLetter(source, group), correlationID(1))
		letter.Value = mention
		result := keyed(k.resultRecord(2, 1, source, group), correlationID(1))
		result.Headers = append(result.Headers, kgo.RecordHeader{Key: "of", Value: []byte(correlationID(1))})
		k.sent(retry, letter, result, keyed(&kgo.Record{Topic: resultTopic, Value: []byte(correlationID(1))}, "k"),
			keyed(&kgo.Record{Topic: shortRetry, Value: []byte(correlationID(1))}, "k"))
		k.want(k.find(1), true, "")
		if line := k.find(2); !strings.HasPrefix(brief(line), "CHARGE final") {
			t.Errorf("the other: %s", brief(line))
		}
	})
}

func TestFindFails(t *testing.T) {
	if _, err := Find(t.Context(), FindConfig{}, "x"); err == nil || !strings.Contains(err.Error(), "Decoder") {
		t.Errorf("an empty configuration: %v", err)
	}
	atNoon(t, func(k *kafka) {
		ctx, cancel := context.WithCancelCause(k.Context())
		gone := errors.New("nobody waits any more")
		cancel(gone)
		cfg := FindConfig{
			Client: k.client, Group: group, Result: resultTopic, DeadLetter: deadTopic, Duplicates: duplicatesTopic, Deadline: time.Hour,
			RetryPrefix: "r", Decoder: decoder(t), Inputs: map[string]events.Operation{requestedTopic: events.Charge},
		}
		if _, err := Find(ctx, cfg, correlationID(1)); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want that the context ended", err)
		}
	})
}

func TestTimeOf(t *testing.T) {
	for id, want := range map[string]string{
		"261122103000-00000a1": "2026-11-22T10:30:00Z", "261122103000-00000A1": "2026-11-22T10:30:00Z",
		"261322103000-00000a1": "", "261122103000_00000a1": "", "261122103000-00000g1": "", "261122103000-00000a": "", "": "", "2611221030001-0000a1": "",
	} {
		got, ok := TimeOf(id)
		if ok != (want != "") || ok && got.Format(time.RFC3339) != want {
			t.Errorf("%q: %v, %t; want %q", id, got, ok, want)
		}
	}
}

func TestTraceID(t *testing.T) {
	for text, want := range map[string]string{
		traceA: traceA[3:35], traceA + " vendor=1": traceA[3:35], "cc-" + traceA[3:] + "-more": traceA[3:35],
		"": "", "x": "", "00-00000000000000000000000000000000-b7ad6b7169203331-01": "", strings.ToUpper(traceA): "", "00-" + traceA[3:34] + "-b7ad6b7169203331-01": "",
	} {
		if got := traceID(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestShort(t *testing.T) {
	for d, want := range map[time.Duration]string{
		12_420 * time.Millisecond: "12.4 s", 90 * time.Second: "1m30s", 26 * time.Hour: "26h0m0s", 50 * time.Hour: "2 days",
	} {
		if got := short(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
	if got := clock(noon, noon.Add(time.Hour)) + ", " + clock(noon, noon.Add(24*time.Hour)); got != "10:30:00Z, 2026-11-22 10:30:00Z" {
		t.Errorf("clock: %s", got)
	}
}
