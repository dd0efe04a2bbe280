package events_test

import (
	"bytes"
	"errors"
	"go/build"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/chargeresult/chargeresult/events"
)

func TestNewDecoderRefusesWhatIsNoPointer(t *testing.T) {
	for _, pointer := range []string{"correlationId", "$.id", "/a~", "/a~2b", "/~~0", "/\xff"} {
		for _, f := range []events.Fields{{CorrelationID: pointer}, {SequenceID: pointer}, {RequestedAt: pointer}} {
			if _, err := events.NewDecoder(f); err == nil || !strings.Contains(err.Error(), "JSON pointer") {
				t.Errorf("%+v: %v", f, err)
			}
		}
	}
}

func TestPointerEscapes(t *testing.T) {
	// RFC 6901, section 4: ~01 is ~1, not a slash.
	d := newDecoder(t, events.Fields{SequenceID: "/a~01~1"})
	e, err := d.Decode(events.Charge, events.Message{
		Value:     []byte(`{"correlationId":"261122103000-00000a1","a~1/":"1"}`),
		Timestamp: recorded,
	})
	if err != nil || e.SequenceID != "1" {
		t.Errorf("%+v, %v", e, err)
	}
}

func TestDecodeErrorIsData(t *testing.T) {
	d := newDecoder(t, events.Fields{CorrelationID: "/id"})
	_, err := d.Decode(events.Charge, events.Message{Value: []byte(`{"id":7}`)})
	got, ok := errors.AsType[*events.DecodeError](err)
	if !ok || got.Reason != events.ReasonInvalidEvent || got.Field != "correlationId" || got.Detail == "" {
		t.Errorf("%#v", err)
	}
	_, err = d.Decode(events.Charge, events.Message{})
	got, ok = errors.AsType[*events.DecodeError](err)
	if !ok || got.Reason != events.ReasonUndecodable || got.Field != "value" || got.Detail == "" {
		t.Errorf("%#v", err)
	}
}

func TestDecodeShowsLittleOfAValue(t *testing.T) {
	d := newDecoder(t, events.Fields{})
	huge := strings.Repeat("\\u0000é", 1<<16)
	for _, value := range []string{
		`{"correlationId":"` + huge + `"}`,
		`{"correlationId":["` + huge + `"]}`,
		`{"correlationId":"261122103000-00000a1","sequenceId":"` + huge + `"}`,
		`{"correlationId":"261122103000-00000a1","sequenceId":"1","requestedAt":"` + huge + `"}`,
		huge,
	} {
		_, err := d.Decode(events.Charge, events.Message{Value: []byte(value), Timestamp: recorded})
		if err == nil {
			t.Fatal("accepted")
		}
		if s := err.Error(); len(s) > 512 || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("%d bytes: %s", len(s), s)
		}
	}
}

func TestDecodeSurvivesNesting(t *testing.T) {
	d := newDecoder(t, events.Fields{})
	nested := func(depth int) events.Message {
		value := `{"x":` + strings.Repeat("[", depth) + strings.Repeat("]", depth) + `,"correlationId":"261122103000-00000a1","sequenceId":"1"}`
		return events.Message{Value: []byte(value), Timestamp: recorded}
	}
	if _, err := d.Decode(events.Charge, nested(9_000)); err != nil {
		t.Errorf("deep, but ignored: %v", err)
	}
	_, err := d.Decode(events.Charge, nested(1_000_000))
	if got, ok := errors.AsType[*events.DecodeError](err); !ok || got.Reason != events.ReasonUndecodable {
		t.Errorf("absurdly deep: %v", err)
	}
}

func TestDecodeNeitherChangesNorKeepsTheMessage(t *testing.T) {
	for _, c := range corpus(t) {
		m, twin := c.message(t), c.message(t)
		first, firstErr := c.decoder(t).Decode(events.Charge, m)
		if !bytes.Equal(m.Value, twin.Value) {
			t.Fatalf("%s: value changed", c.Name)
		}
		for i := range m.Value {
			m.Value[i] = 'x'
		}
		second, secondErr := c.decoder(t).Decode(events.Charge, twin)
		if first != second || (firstErr == nil) != (secondErr == nil) || firstErr != nil && firstErr.Error() != secondErr.Error() {
			t.Errorf("%s: %+v, %v changed with the message; was %+v, %v", c.Name, first, firstErr, second, secondErr)
		}
	}
}

func TestDecodeOfTheLastContentType(t *testing.T) {
	d := newDecoder(t, events.Fields{})
	plain, structured := []byte("application/json"), []byte("application/cloudevents+json")
	m := events.Message{
		Value:     []byte(`{"correlationId":"261122103000-00000a1","sequenceId":"1"}`),
		Headers:   []events.Header{{Key: "content-type", Value: structured}, {Key: "Content-Type", Value: plain}, {Key: "x"}},
		Timestamp: recorded,
	}
	if _, err := d.Decode(events.Charge, m); err != nil {
		t.Error(err)
	}
	m.Headers[1].Value = structured
	if _, err := d.Decode(events.Charge, m); err == nil {
		t.Error("read as plain JSON")
	}
}

func TestDecodeNeedsATimestampResultsCanCarry(t *testing.T) {
	d := newDecoder(t, events.Fields{})
	value := []byte(`{"correlationId":"261122103000-00000a1","sequenceId":"1"}`)
	for _, timestamp := range []time.Time{{}, time.UnixMilli(math.MaxInt64), time.UnixMilli(math.MinInt64)} {
		_, err := d.Decode(events.Charge, events.Message{Value: value, Timestamp: timestamp})
		if got, ok := errors.AsType[*events.DecodeError](err); !ok || got.Field != "requestedAt" {
			t.Errorf("%v: %v", timestamp, err)
		}
	}
	zone := time.FixedZone("x", 3600)
	e, err := d.Decode(events.Charge, events.Message{Value: value, Timestamp: recorded.In(zone)})
	if err != nil || e.RequestedAt != recorded {
		t.Errorf("%v, %v: want it in UTC", e.RequestedAt, err)
	}
}

func TestDecodeAnyCorrelationID(t *testing.T) {
	d := newDecoder(t, events.Fields{AnyCorrelationID: true})
	for length, ok := range map[int]bool{0: false, 1: true, 128: true, 129: false} {
		value := `{"correlationId":"` + strings.Repeat("é", length) + `","sequenceId":"1"}`
		if _, err := d.Decode(events.Charge, events.Message{Value: []byte(value), Timestamp: recorded}); (err == nil) != ok {
			t.Errorf("%d characters: %v", length, err)
		}
	}
}

// TestStandardLibraryOnly: subscribers import this package, and get nothing with it but what is beneath it.
func TestStandardLibraryOnly(t *testing.T) {
	const beneath = "github.com/chargeresult/chargeresult/events/jsonvalue"
	for _, dir := range []string{".", "jsonvalue"} {
		pkg, err := build.ImportDir(dir, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range pkg.Imports {
			first, _, _ := strings.Cut(path, "/")
			if standard := !strings.Contains(first, "."); !standard && path != beneath {
				t.Errorf("%s imports %s: subscribers import this package", dir, path)
			}
		}
	}
}
