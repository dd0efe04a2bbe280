//go:build integration

package main

import (
	"strings"
	"testing"

	"github.com/chargeresult/chargeresult/deploy/testbed"
	"github.com/chargeresult/chargeresult/events"
)

// TestConflict: a charge and its cancellation may share a correlation ID, and both get their result. Within one operation the same correlation ID
// with the same sequence ID is a duplicate, whatever its case and key; with another sequence ID it is a conflict.
func TestConflict(t *testing.T) {
	s := newSite(t, testbed.SharedKafka(t), testbed.SharedRedis(t), 4, steady)
	s.extra = []string{"CHARGERESULT_GUARD_DEAD_LETTERS=0"} // they are too many, and it is meant so
	var sent sending
	const n = 200
	s.send(&sent, 0, n, 0)
	s.cancel(&sent, 0, n)
	s.startAndAwait("")
	s.awaitDone(eventually) // the owners are decided
	for i := range n {
		s.produce(s.requested(), "late", strings.ToUpper(eventJSON(i, "CHG"))) // no event: field names are case-sensitive
		value := strings.Replace(eventJSON(i, sequenceID(i)), correlationID(i), strings.ToUpper(correlationID(i)), 1)
		s.produce(s.requested(), "late", value)
		s.produce(s.requested(), "late", eventJSON(i, sequenceID(i)+"X"))
		s.produce(s.cancelled(), "late", eventJSON(i, sequenceID(i))) // the charge's, where the cancellation has its own
		sent.records += 4
	}
	s.flush()
	s.awaitDone(eventually)
	v := s.judge(&sent)
	if len(v.missing)+len(v.twice)+len(v.unordered)+len(v.repeated)+v.unended > 0 {
		t.Error(v)
	}
	reasons := map[string]int{}
	for _, r := range testbed.Dump(t, s.brokers, s.letters()) {
		reasons[header(r, events.HeaderReason)]++
	}
	if want := 2 * n; reasons[events.ReasonConflict] != want || reasons[events.ReasonInvalidEvent] != n || v.letters != want+n {
		t.Errorf("dead letters %v, want %d conflicts and %d invalid events", reasons, want, n)
	}
	if v.duplicates != n {
		t.Errorf("%d duplicates, want %d", v.duplicates, n)
	}
	if twice := s.answeredTwice(); len(twice) > 0 {
		t.Errorf("%d were asked again, such as %s", len(twice), twice[0])
	}
}
