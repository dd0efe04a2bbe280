package events_test

import (
	"bytes"
	"crypto/sha1"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/chargeresult/chargeresult/events"
)

// goldenResult is the result in testdata/charge-result.v1.json.
func goldenResult() events.Result {
	return events.Result{
		CorrelationID: "261122103000-00000A1",
		SequenceID:    "CHG0000000001",
		Operation:     events.Charge,
		Result:        events.Completed,
		Final:         true,
		Revision:      1,
		Attempts:      1,
		Code:          "000_000",
		RequestedAt:   time.Date(2026, 11, 22, 10, 30, 0, 0, time.FixedZone("", 9*60*60)),
		DecidedAt:     time.Date(2026, 11, 22, 1, 30, 0, 123e6, time.UTC),
		Source:        events.Source{Topic: "charge-requested", Partition: 3, Offset: 1234},
	}
}

// change returns the golden result with one change.
func change(f func(r *events.Result)) events.Result {
	r := goldenResult()
	f(&r)
	return r
}

// validResults has one result of every shape the contract allows.
func validResults() map[string]events.Result {
	return map[string]events.Result{
		"completed":          goldenResult(),
		"without code":       change(func(r *events.Result) { r.Code = "" }),
		"failed":             change(func(r *events.Result) { r.Result, r.Code = events.Failed, "007_001" }),
		"cancellation":       change(func(r *events.Result) { r.Operation = events.Cancellation }),
		"replayed":           change(func(r *events.Result) { r.Revision, r.ReplayID = 2, "2026-11-22-repair" }),
		"any correlation ID": change(func(r *events.Result) { r.CorrelationID = "é <&> \"1\"" }),
		"pending":            change(func(r *events.Result) { r.Result, r.Final, r.Revision = events.Pending, false, 0 }),
		"never asked": change(func(r *events.Result) {
			r.Result, r.Reason, r.Attempts = events.Unknown, events.ReasonDeadlineExceeded, 0
		}),
		"not found": change(func(r *events.Result) { r.Result, r.Reason = events.Unknown, events.ReasonTransactionNotFound }),
		"refused":   change(func(r *events.Result) { r.Result, r.Reason = events.Unknown, events.ReasonInvalidSequenceID }),
		"rejected":  change(func(r *events.Result) { r.Result, r.Reason = events.Unknown, events.ReasonRejected }),
	}
}

// invalidResults names the field that each is refused for.
func invalidResults() map[string][]events.Result {
	return map[string][]events.Result{
		"correlationId": {
			change(func(r *events.Result) { r.CorrelationID = "" }),
			change(func(r *events.Result) { r.CorrelationID = strings.Repeat("a", 129) }),
			change(func(r *events.Result) { r.CorrelationID = "a\nb" }),
		},
		"sequenceId": {
			change(func(r *events.Result) { r.SequenceID = "" }),
			change(func(r *events.Result) { r.SequenceID = strings.Repeat("a", 31) }),
		},
		"operation": {change(func(r *events.Result) { r.Operation = "charge" })},
		"result":    {change(func(r *events.Result) { r.Result = "" }), change(func(r *events.Result) { r.Result = "REVERSED" })},
		"final": {
			change(func(r *events.Result) { r.Result, r.Revision = events.Pending, 0 }),
			change(func(r *events.Result) { r.Final, r.Revision = false, 0 }),
		},
		"revision": {
			change(func(r *events.Result) { r.Revision = 0 }),
			change(func(r *events.Result) { r.Revision = -1 }),
			change(func(r *events.Result) { r.Result, r.Final = events.Pending, false }),
			change(func(r *events.Result) { r.Result, r.Final, r.Revision = events.Pending, false, -1 }),
		},
		"attempts": {
			change(func(r *events.Result) { r.Attempts = 0 }),
			change(func(r *events.Result) { r.Result, r.Reason, r.Attempts = events.Unknown, events.ReasonRejected, -1 }),
		},
		"code": {change(func(r *events.Result) { r.Code = "000-000" }), change(func(r *events.Result) { r.Code = "0000_000" })},
		"reason": {
			change(func(r *events.Result) { r.Result = events.Unknown }),
			change(func(r *events.Result) { r.Reason = events.ReasonRejected }),
			change(func(r *events.Result) { r.Result, r.Reason = events.Unknown, "rejected" }),
			change(func(r *events.Result) { r.Result, r.Reason = events.Unknown, strings.Repeat("A", 65) }),
		},
		"requestedAt": {change(func(r *events.Result) { r.RequestedAt = r.RequestedAt.AddDate(9000, 0, 0) })},
		"decidedAt":   {change(func(r *events.Result) { r.DecidedAt = r.DecidedAt.AddDate(-3000, 0, 0) })},
		"source": {
			change(func(r *events.Result) { r.Source.Topic = "" }),
			change(func(r *events.Result) { r.Source.Topic = "a/b" }),
			change(func(r *events.Result) { r.Source.Topic = strings.Repeat("a", 250) }),
			change(func(r *events.Result) { r.Source.Partition = -1 }),
			change(func(r *events.Result) { r.Source.Offset = -1 }),
		},
		"replayId": {change(func(r *events.Result) { r.ReplayID = "a\x00" })},
	}
}

func TestEncodeGolden(t *testing.T) {
	value, headers, err := goldenResult().Encode("charge-result")
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/charge-result.v1.json")
	if err != nil {
		t.Fatal(err)
	}
	if want = bytes.TrimSpace(want); !bytes.Equal(value, want) {
		t.Errorf("version 1 changed: got\n%s, want\n%s", value, want)
	}
	if got, want := show(headers), strings.TrimSpace(`
ce_specversion: 1.0
ce_id: 3f7a78cf-1949-5945-8fe3-a18d8bc53cbc
ce_type: charge.result.v1
ce_source: /chargeresult/charge-result
ce_subject: 261122103000-00000A1
ce_time: 2026-11-22T01:30:00.123Z
content-type: application/json`); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func show(headers []events.Header) string {
	var lines []string
	for _, h := range headers {
		lines = append(lines, h.Key+": "+string(h.Value))
	}
	return strings.Join(lines, "\n")
}

func TestEncodeEscapesTheGroup(t *testing.T) {
	_, headers, err := goldenResult().Encode("team a/b")
	if err != nil || string(headers[3].Value) != "/chargeresult/team%20a%2Fb" {
		t.Errorf("%s, %v", show(headers), err)
	}
}

func TestResultsRoundTrip(t *testing.T) {
	for name, r := range validResults() {
		value, _, err := r.Encode("g")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, err := events.DecodeResult(value)
		if err != nil || !sameResult(got, r) {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, r)
		}
	}
}

// sameResult compares times as instants: their zones lose their names on the wire.
func sameResult(a, b events.Result) bool {
	same := a.RequestedAt.Equal(b.RequestedAt) && a.DecidedAt.Equal(b.DecidedAt)
	a.RequestedAt, a.DecidedAt = b.RequestedAt, b.DecidedAt
	return same && a == b
}

func TestInvalidResultsAreRefused(t *testing.T) {
	invalid := invalidResults()
	for _, text := range []string{"a\xffb", string(rune(0x85))} {
		invalid["sequenceId"] = append(invalid["sequenceId"], change(func(r *events.Result) { r.SequenceID = text }))
	}
	invalid["requestedAt"] = append(invalid["requestedAt"], change(func(r *events.Result) { r.RequestedAt = time.Time{} }))
	invalid["decidedAt"] = append(invalid["decidedAt"], change(func(r *events.Result) { r.DecidedAt = time.Time{} }))
	invalid["reason"] = append(invalid["reason"], change(func(r *events.Result) { r.Result, r.Reason = events.Unknown, "NOT_INVENTED_YET" }))
	for field, results := range invalid {
		for _, r := range results {
			if value, headers, err := r.Encode("g"); err == nil || value != nil || headers != nil || !strings.Contains(err.Error(), ": "+field+" ") &&
				!strings.Contains(err.Error(), ": reason ") {
				t.Errorf("%s: %s, %v", field, value, err)
			}
		}
	}
}

func TestDecodeResultOfALaterWriter(t *testing.T) {
	value, err := os.ReadFile("testdata/charge-result.v1.future.json")
	if err != nil {
		t.Fatal(err)
	}
	r, err := events.DecodeResult(value)
	if err != nil {
		t.Fatal(err)
	}
	if r.Reason != "NOT_INVENTED_YET" || r.Revision != 12 || r.Operation != events.Cancellation || r.ReplayID != "replay-1" {
		t.Errorf("%+v", r)
	}
}

func TestDecodeResultRefuses(t *testing.T) {
	golden, err := os.ReadFile("testdata/charge-result.v1.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range []string{
		"", "null", "{}", "[]", string(golden) + "{}",
		strings.Replace(string(golden), `"final":true`, `"final":false`, 1),
		strings.Replace(string(golden), `"revision":1`, `"revision":"1"`, 1),
		strings.Replace(string(golden), `"result":"COMPLETED"`, `"result":"REVERSED"`, 1),
	} {
		if r, err := events.DecodeResult([]byte(value)); err == nil || r != (events.Result{}) {
			t.Errorf("%s: %+v, %v", value, r, err)
		}
	}
}

func TestResultID(t *testing.T) {
	// The namespace and the ID again, from RFC 9562's own words.
	uuid5 := func(namespace [16]byte, name string) [16]byte {
		sum := sha1.Sum(append(namespace[:], name...))
		sum[6], sum[8] = sum[6]&0x0f|0x50, sum[8]&0x3f|0x80
		return [16]byte(sum[:16])
	}
	urls := [16]byte{0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8}
	id := uuid5(uuid5(urls, "https://github.com/chargeresult/chargeresult"), "CHARGE/261122103000-00000a1/1")
	want := fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
	if got := goldenResult().ID(); got != want {
		t.Errorf("%s, want %s", got, want)
	}

	// Only identity and revision count.
	same := change(func(r *events.Result) {
		r.CorrelationID, r.Result, r.Attempts, r.Source.Offset = strings.ToLower(r.CorrelationID), events.Failed, 7, 1
		r.DecidedAt, r.ReplayID = r.DecidedAt.Add(time.Hour), "again"
	})
	if same.ID() != want || same.Identity() != goldenResult().Identity() {
		t.Errorf("%s, want %s", same.ID(), want)
	}
	for _, other := range []events.Result{
		change(func(r *events.Result) { r.Revision = 2 }),
		change(func(r *events.Result) { r.Operation = events.Cancellation }),
		change(func(r *events.Result) { r.CorrelationID = "261122103000-00000a2" }),
	} {
		if other.ID() == want {
			t.Errorf("%+v has the same ID", other)
		}
	}
}

func TestIdentities(t *testing.T) {
	want := events.Identity{Operation: events.Charge, CorrelationID: "261122103000-00000a1"}
	e := events.Event{Operation: events.Charge, CorrelationID: "261122103000-00000A1"}
	d := events.Duplicate{Operation: events.Charge, CorrelationID: "261122103000-00000A1"}
	if got := []events.Identity{e.Identity(), d.Identity(), goldenResult().Identity()}; !reflect.DeepEqual(got, []events.Identity{want, want, want}) {
		t.Errorf("%+v", got)
	}
}
