//go:build integration

package main

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chargeresult/chargeresult/deploy/testbed"
	"github.com/chargeresult/chargeresult/events"
)

// noise is n bytes that are nothing.
func noise(n int) []byte {
	b := make([]byte, n)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// TestInvalid sends what is no event among events. Each becomes a dead letter that is the original byte by byte, and the stream goes on.
func TestInvalid(t *testing.T) {
	s := newSite(t, testbed.SharedKafka(t), testbed.SharedRedis(t), 2, steady)
	valid := eventJSON(1, "CHG")
	bad := map[string]struct {
		value  []byte
		reason string
	}{
		"not JSON":            {[]byte("charge please"), events.ReasonUndecodable},
		"tombstone":           {nil, events.ReasonUndecodable},
		"empty":               {[]byte{}, events.ReasonUndecodable},
		"missing field":       {[]byte(`{"correlationId":"261122103000-00000a1"}`), events.ReasonInvalidEvent},
		"malformed field":     {[]byte(strings.Replace(valid, "261122", "261322", 1)), events.ReasonInvalidEvent},
		"field of a kind":     {[]byte(`{"correlationId":261122103000,"sequenceId":"CHG"}`), events.ReasonInvalidEvent},
		"invalid UTF-8":       {[]byte(strings.Replace(valid, "CHG", "CH\xff", 1)), events.ReasonUndecodable},
		"900 KiB of noise":    {noise(900 << 10), events.ReasonUndecodable},
		"trailing data":       {[]byte(valid + "{}"), events.ReasonUndecodable},
		"structured, no data": {[]byte(`{"specversion":"1.0"}`), events.ReasonUndecodable},
	}
	var sent sending
	originals := map[string]*kgo.Record{}
	at := time.Date(2026, 11, 22, 10, 30, 0, 123e6, time.UTC)
	for i, name := range slices.Sorted(maps.Keys(bad)) {
		r := &kgo.Record{
			Topic: s.requested(), Key: fmt.Appendf(nil, "bad \xfe %d", i), Value: bad[name].value, Timestamp: at.Add(time.Duration(i) * time.Millisecond),
			Headers: []kgo.RecordHeader{{Key: "test", Value: []byte(name)}, {Key: "binary", Value: []byte{0, 0xff}}, {Key: "null"}, {Key: "test", Value: []byte("again")}},
		}
		if strings.HasPrefix(name, "structured") {
			r.Headers = append(r.Headers, kgo.RecordHeader{Key: events.HeaderContentType, Value: []byte("application/cloudevents+json")})
		}
		s.send(&sent, 10*i, 10, 0)
		s.produceRecord(r)
		originals[name] = r
	}
	s.send(&sent, 1000, 100, 0)
	s.startAndAwait("")
	s.awaitDone(eventually)

	v := s.judge(&sent)
	v.letters, v.unended = v.letters-len(bad), v.unended+len(bad)
	if v.String() != "" {
		t.Error(v)
	}
	for _, letter := range testbed.Dump(t, s.brokers, s.letters()) {
		name := string(letter.Headers[0].Value)
		original := originals[name]
		if original == nil {
			t.Errorf("a dead letter of nothing that was sent: %v", letter.Headers)
			continue
		}
		delete(originals, name)
		checkLetter(t, name, letter, original, bad[name].reason, s.group)
	}
	if len(originals) > 0 {
		t.Errorf("no dead letter: %v", slices.Sorted(maps.Keys(originals)))
	}
}

func checkLetter(t *testing.T, name string, letter, original *kgo.Record, reason, group string) {
	t.Helper()
	if !bytes.Equal(letter.Key, original.Key) || !bytes.Equal(letter.Value, original.Value) || (letter.Value == nil) != (original.Value == nil) || !letter.Timestamp.Equal(original.Timestamp) {
		t.Errorf("%s: key %q, %d bytes, %v; sent were %q, %d bytes, %v", name, letter.Key, len(letter.Value), letter.Timestamp, original.Key, len(original.Value), original.Timestamp)
	}
	if n := len(original.Headers); !slices.EqualFunc(letter.Headers[:n], original.Headers, func(a, b kgo.RecordHeader) bool {
		return a.Key == b.Key && bytes.Equal(a.Value, b.Value) && (a.Value == nil) == (b.Value == nil)
	}) {
		t.Errorf("%s: headers %v, sent were %v", name, letter.Headers[:n], original.Headers)
	}
	for key, want := range map[string]string{
		"__connect.errors.topic": original.Topic, "__connect.errors.partition": fmt.Sprint(original.Partition), "__connect.errors.offset": fmt.Sprint(original.Offset),
		"__connect.errors.connector.name": group, "__connect.errors.exception.class.name": reason, "reason": reason, "attempts": "0", "redrive-count": "0",
	} {
		if got := header(letter, key); got != want {
			t.Errorf("%s: header %s is %q, want %q", name, key, got, want)
		}
	}
	if header(letter, "__connect.errors.exception.message") == "" {
		t.Errorf("%s: it does not say what is wrong", name)
	}
}

// TestTooLargeToKeep sends what is no event in records so large that the dead letter, with its own headers, would not fit: of a value
// the beginning is kept, with its size and hash; headers are left out. Neither stops the partition.
func TestTooLargeToKeep(t *testing.T) {
	s := newSite(t, testbed.SharedKafka(t), testbed.SharedRedis(t), 1, steady)
	const most = 1<<20 - 200 // what the broker takes, less the batch's own bytes
	value := &kgo.Record{Topic: s.requested(), Key: []byte("value"), Value: noise(most)}
	headers := &kgo.Record{Topic: s.requested(), Key: []byte("headers"), Value: []byte("no event"), Headers: []kgo.RecordHeader{{Key: "large", Value: noise(most)}}}
	var sent sending
	s.send(&sent, 0, 10, 0)
	s.produceRecord(value)
	s.produceRecord(headers)
	s.send(&sent, 10, 10, 0)
	s.startAndAwait("")
	s.awaitDone(eventually)
	v := s.judge(&sent)
	v.letters, v.unended = v.letters-2, v.unended+2
	if v.String() != "" {
		t.Error(v)
	}
	letters := testbed.Dump(t, s.brokers, s.letters())
	if len(letters) != 2 {
		t.Fatalf("%d dead letters", len(letters))
	}
	if got := letters[0]; !bytes.HasPrefix(value.Value, got.Value) || header(got, events.HeaderValueSize) != fmt.Sprint(most) || len(header(got, events.HeaderValueSHA256)) != 64 {
		t.Errorf("a large value: %d bytes, size %q, hash %q", len(got.Value), header(got, events.HeaderValueSize), header(got, events.HeaderValueSHA256))
	}
	if got := letters[1]; !bytes.Equal(got.Value, headers.Value) || header(got, "large") != "" || !strings.Contains(header(got, events.HeaderErrorMessage), "headers are left out") {
		t.Errorf("large headers: value %q, message %q", got.Value, header(got, events.HeaderErrorMessage))
	}
}

// TestCloudEvents sends events as CloudEvents, in both modes.
func TestCloudEvents(t *testing.T) {
	s := newSite(t, testbed.SharedKafka(t), testbed.SharedRedis(t), 2, steady)
	var sent sending
	s.send(&sent, 0, 50, 0)
	for i := 50; i < 150; i++ {
		r := &kgo.Record{Topic: s.requested(), Key: fmt.Appendf(nil, "key%d", i), Value: []byte(eventJSON(i, sequenceID(i)))}
		if i%2 == 0 {
			r.Headers = []kgo.RecordHeader{
				{Key: "ce_specversion", Value: []byte("1.0")},
				{Key: "ce_id", Value: []byte("1")},
				{Key: "ce_source", Value: []byte("/test")},
				{Key: "ce_type", Value: []byte("charge.requested")},
				{Key: "content-type", Value: []byte("application/json")},
			}
		} else {
			r.Headers = []kgo.RecordHeader{{Key: "content-type", Value: []byte("application/cloudevents+json; charset=utf-8")}}
			r.Value = fmt.Appendf(nil, `{"specversion":"1.0","id":"1","source":"/test","type":"charge.requested","data":%s}`, r.Value)
		}
		s.produceRecord(r)
		sent.records++
		sent.transactions[events.Identity{Operation: events.Charge, CorrelationID: correlationID(i)}]++
	}
	s.startAndAwait("")
	s.awaitDone(eventually)
	s.judged(&sent)
}
