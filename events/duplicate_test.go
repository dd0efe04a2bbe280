package events_test

import (
	"strings"
	"testing"

	"github.com/chargeresult/chargeresult/events"
)

func goldenDuplicate() events.Duplicate {
	return events.Duplicate{
		CorrelationID: "261122103000-00000a1",
		SequenceID:    "CHG0000000001",
		Operation:     events.Charge,
		Verdict:       events.VerdictDuplicate,
		Source:        events.Source{Topic: "charge-requested", Partition: 3, Offset: 1300},
		Owner:         "5f0c1b2a3d4e5f60718293a4b5c6d7e8/3/1234",
	}
}

// invalidDuplicates names the field that each is refused for.
func invalidDuplicates() map[string]events.Duplicate {
	change := func(f func(d *events.Duplicate)) events.Duplicate {
		d := goldenDuplicate()
		f(&d)
		return d
	}
	return map[string]events.Duplicate{
		"correlationId": change(func(d *events.Duplicate) { d.CorrelationID = "" }),
		"sequenceId":    change(func(d *events.Duplicate) { d.SequenceID = "\t" }),
		"operation":     change(func(d *events.Duplicate) { d.Operation = "" }),
		"verdict":       change(func(d *events.Duplicate) { d.Verdict = "conflict" }),
		"source":        change(func(d *events.Duplicate) { d.Source.Offset = -1 }),
		"owner":         change(func(d *events.Duplicate) { d.Owner = "" }),
	}
}

func TestDuplicateRoundTrip(t *testing.T) {
	for _, verdict := range []string{events.VerdictDuplicate, events.VerdictRedelivered} {
		d := goldenDuplicate()
		d.Verdict = verdict
		key, value, err := d.Encode()
		if err != nil || string(key) != "charge-requested/3/1300" {
			t.Fatalf("key %s, %v", key, err)
		}
		value = append(value[:len(value)-1], `,"later":{}}`...)
		if got, err := events.DecodeDuplicate(value); err != nil || got != d {
			t.Errorf("%+v, %v", got, err)
		}
	}
}

func TestInvalidDuplicatesAreRefused(t *testing.T) {
	for field, d := range invalidDuplicates() {
		if _, value, err := d.Encode(); value != nil || err == nil || !strings.Contains(err.Error(), ": "+field+" ") {
			t.Errorf("%s: %s, %v", field, value, err)
		}
	}
	for _, value := range []string{"", "null", "{}", "7"} {
		if d, err := events.DecodeDuplicate([]byte(value)); err == nil || d != (events.Duplicate{}) {
			t.Errorf("%s: %+v, %v", value, d, err)
		}
	}
}
