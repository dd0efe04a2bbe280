package events_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode"

	"pgregory.net/rapid"

	"github.com/chargeresult/chargeresult/events"
)

// The value of a result is appended by hand. It is what encoding/json makes of it, to the byte, whatever is in the fields.
func TestEncodeIsWhatJSONMarshals(t *testing.T) {
	for name, r := range validResults() {
		if fault := unlikeJSON(r); fault != "" {
			t.Errorf("%s: %s", name, fault)
		}
	}
	rapid.Check(t, encodeIsWhatJSONMarshals)
}

func FuzzEncode(f *testing.F) { f.Fuzz(rapid.MakeFuzz(encodeIsWhatJSONMarshals)) }

func encodeIsWhatJSONMarshals(t *rapid.T) {
	r := drawResult(t)
	if fault := unlikeJSON(r); fault != "" {
		t.Errorf("%+v: %s", r, fault)
	}
}

// unlikeJSON says how r's value differs from encoding/json's; a result that breaks the contract has none.
func unlikeJSON(r events.Result) string {
	got, _, err := r.Encode("g")
	want, wantErr := json.Marshal(r)
	switch {
	case r.Validate() != nil:
		return ""
	case (err == nil) != (wantErr == nil):
		return "Encode: " + strings.TrimSpace(string(got)) + "; Marshal: " + string(want)
	case !bytes.Equal(got, want):
		return "got\n" + string(got) + "\nwant\n" + string(want)
	}
	return ""
}

// odd is what json.Marshal escapes, and what one might think that it does.
var odd = []rune{'<', '>', '&', '"', '\'', '\\', '/', ' ', '~', '\u2028', '\u2029', '\ufffd', '\ufeff', 'é', '충', '😀', 'a', '0'}

// drawResult draws a result that mostly keeps the contract.
func drawResult(t *rapid.T) events.Result {
	text := func(name string, most int) string {
		anything := rapid.Rune().Filter(func(r rune) bool { return !unicode.IsControl(r) })
		return rapid.StringOfN(rapid.OneOf(rapid.SampledFrom(odd), rapid.RuneFrom(nil, unicode.ASCII_Hex_Digit), anything), 1, most, -1).Draw(t, name)
	}
	instant := func(name string) time.Time {
		// Zones of a day and more can't be written.
		zone := time.FixedZone("", rapid.OneOf(rapid.Just(0), rapid.IntRange(-90_000, 90_000)).Draw(t, name+" zone"))
		nanoseconds := rapid.SampledFrom([]int64{0, 1, 120e6, 123456e3, 999999999}).Draw(t, name+" nanoseconds")
		return time.Unix(rapid.Int64Range(-62e9, 253e9).Draw(t, name), nanoseconds).In(zone)
	}
	r := events.Result{
		CorrelationID: text("correlationId", 128),
		SequenceID:    text("sequenceId", 30),
		Operation:     rapid.SampledFrom([]events.Operation{events.Charge, events.Cancellation}).Draw(t, "operation"),
		Result:        rapid.SampledFrom([]string{events.Completed, events.Failed, events.Pending, events.Unknown}).Draw(t, "result"),
		Attempts:      rapid.IntRange(1, 1<<40).Draw(t, "attempts"),
		Code:          rapid.SampledFrom([]string{"", "000_000", "007_009"}).Draw(t, "code"),
		RequestedAt:   instant("requestedAt"),
		DecidedAt:     instant("decidedAt"),
		Source: events.Source{
			Topic: rapid.StringMatching(`[a-zA-Z0-9._-]{1,40}`).Draw(t, "topic"), Partition: rapid.Int32Min(0).Draw(t, "partition"), Offset: rapid.Int64Min(0).Draw(t, "offset"),
		},
	}
	if rapid.Bool().Draw(t, "replayed") {
		r.ReplayID = text("replayId", 128)
	}
	if r.Final = r.Result != events.Pending; r.Final {
		r.Revision = rapid.IntMin(1).Draw(t, "revision")
	}
	if r.Result == events.Unknown {
		r.Reason = rapid.SampledFrom([]string{events.ReasonRejected, events.ReasonTransactionNotFound}).Draw(t, "reason")
	}
	return r
}

// TestHeadersShareNoMemory: who appends to the value of a header does not write into another one's.
func TestHeadersShareNoMemory(t *testing.T) {
	_, ofResult, err := goldenResult().Encode("charge-result")
	if err != nil {
		t.Fatal(err)
	}
	for _, headers := range [][]events.Header{ofResult, goldenRetry().Headers(nil)} {
		before := show(headers)
		for _, h := range headers {
			_ = append(h.Value, "overwritten"...)
		}
		if got := show(headers); got != before {
			t.Errorf("got\n%s\nwant\n%s", got, before)
		}
	}
}

// TestEncodeAllocations: a result is published for every event, so that what encoding it leaves to the garbage collector counts: the value, the
// headers, and their values.
func TestEncodeAllocations(t *testing.T) {
	r := change(func(r *events.Result) { r.CorrelationID = strings.ToLower(r.CorrelationID) })
	if n := testing.AllocsPerRun(100, func() {
		if _, _, err := r.Encode("charge-result"); err != nil {
			t.Fatal(err)
		}
	}); n > 4 {
		t.Errorf("%v allocations, want 4 at most", n)
	}
}
