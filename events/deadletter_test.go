package events_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/chargeresult/chargeresult/events"
)

func goldenDeadLetter() events.DeadLetter {
	return events.DeadLetter{
		Source:       events.Source{Topic: "charge-requested", Partition: 3, Offset: 1234},
		Group:        "charge-result",
		Reason:       events.ReasonInvalidEvent,
		Message:      "INVALID_EVENT: sequenceId is empty",
		Attempts:     2,
		RedriveCount: 1,
		Trace:        "00-7d2f6f0b9a3c4e1d8b5a0c1d2e3f4a5b-1f2e3d4c5b6a7988-01",
	}
}

func TestDeadLetterHeaders(t *testing.T) {
	// What an original may bring: no value, an empty one, equal keys, and headers of another dead letter.
	original := []events.Header{
		{Key: "traceparent", Value: []byte("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")},
		{Key: "a"},
		{Key: "a", Value: []byte{}},
		{Key: "", Value: []byte{0xff}},
		{Key: events.HeaderErrorTopic, Value: []byte("elsewhere")},
		{Key: events.HeaderReason, Value: []byte("other")},
	}
	backing := make([]events.Header, 50)
	copy(backing, original)
	headers := goldenDeadLetter().Headers(backing[:len(original)])

	if got, want := show(headers[len(original):]), strings.TrimSpace(`
__connect.errors.topic: charge-requested
__connect.errors.partition: 3
__connect.errors.offset: 1234
__connect.errors.connector.name: charge-result
__connect.errors.stage: VALUE_CONVERTER
__connect.errors.exception.class.name: INVALID_EVENT
__connect.errors.exception.message: INVALID_EVENT: sequenceId is empty
reason: INVALID_EVENT
attempts: 2
redrive-count: 1
processed-traceparent: 00-7d2f6f0b9a3c4e1d8b5a0c1d2e3f4a5b-1f2e3d4c5b6a7988-01`); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if backing[len(original)].Key != "" {
		t.Error("wrote into the original's memory")
	}
	if got := events.OriginalHeaders(headers); !reflect.DeepEqual(got, original) {
		t.Errorf("the original's headers came back as %q", got)
	}
	if got := events.OriginalHeaders(original[:2]); !reflect.DeepEqual(got, original[:2]) {
		t.Errorf("no dead letter, but its headers came back as %q", got)
	}
}

func TestDeadLetterStage(t *testing.T) {
	for reason, want := range map[string]string{
		events.ReasonUndecodable:  "VALUE_CONVERTER",
		events.ReasonInvalidEvent: "VALUE_CONVERTER",
		events.ReasonConflict:     "TASK_PUT",
	} {
		headers := events.DeadLetter{Reason: reason}.Headers(nil)
		if got := headers[4]; got.Key != events.HeaderErrorStage || string(got.Value) != want {
			t.Errorf("%s: %s", reason, got)
		}
	}
}

func TestTruncate(t *testing.T) {
	value := []byte("0123456789")
	for _, limit := range []int{10, 11} {
		if got, headers := events.Truncate(value, limit); !bytes.Equal(got, value) || headers != nil {
			t.Errorf("%d: %q, %s", limit, got, show(headers))
		}
	}
	if got, headers := events.Truncate(nil, 0); got != nil || headers != nil {
		t.Errorf("tombstone: %q, %s", got, show(headers))
	}
	got, headers := events.Truncate(value, 4)
	if want := fmt.Sprintf("value-size: 10\nvalue-sha256: %x", sha256.Sum256(value)); string(got) != "0123" || show(headers) != want {
		t.Errorf("%q, %s", got, show(headers))
	}
	if _ = append(got, 'x'); string(value) != "0123456789" {
		t.Error("appending to the cut value wrote into the original")
	}
}
