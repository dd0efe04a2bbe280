package events_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/chargeresult/chargeresult/events"
)

func ExampleDecoder_Decode() {
	// An upstream that wraps its events and has names of its own.
	decoder, err := events.NewDecoder(events.Fields{CorrelationID: "/tx/id", SequenceID: "/tx/controlNumber"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, value := range []string{
		`{"tx": {"id": "261122103000-00000a1", "controlNumber": "CHG0000000001"}}`,
		`{"tx": {"id": "261122103000-00000a1", "controlNumber": 7}}`,
	} {
		event, err := decoder.Decode(events.Charge, events.Message{
			Value:     []byte(value),
			Timestamp: time.Date(2026, 11, 22, 1, 30, 0, 0, time.UTC),
		})
		if undecodable, ok := errors.AsType[*events.DecodeError](err); ok {
			fmt.Println("dead letter:", undecodable.Reason, undecodable.Field, undecodable.Detail)
			continue
		}
		fmt.Println(event.Operation, event.CorrelationID, event.SequenceID, event.RequestedAt.Format(time.RFC3339))
	}
	// Output:
	// CHARGE 261122103000-00000a1 CHG0000000001 2026-11-22T01:30:00Z
	// dead letter: INVALID_EVENT sequenceId must be a string, is a number: "7"
}

// A subscriber reads with isolation level read_committed, tells transactions apart by their Identity, and keeps the highest
// revision of each.
func ExampleDecodeResult() {
	latest := map[events.Identity]events.Result{}
	for _, value := range []string{
		// A charge is not answered yet; then it is.
		`{"correlationId":"261122103000-00000A1","sequenceId":"CHG1","operation":"CHARGE","result":"PENDING","final":false,"revision":0,
		  "attempts":1,"requestedAt":"2026-11-22T01:30:00Z","decidedAt":"2026-11-22T01:30:01Z","source":{"topic":"charge-requested","partition":0,"offset":1}}`,
		`{"correlationId":"261122103000-00000A1","sequenceId":"CHG1","operation":"CHARGE","result":"COMPLETED","final":true,"revision":1,
		  "attempts":2,"requestedAt":"2026-11-22T01:30:00Z","decidedAt":"2026-11-22T01:30:11Z","source":{"topic":"charge-requested","partition":0,"offset":1}}`,
		// Its cancellation has the same correlation ID, and is another transaction.
		`{"correlationId":"261122103000-00000a1","sequenceId":"CNL1","operation":"CANCELLATION","result":"FAILED","final":true,"revision":1,
		  "attempts":1,"requestedAt":"2026-11-22T01:45:00Z","decidedAt":"2026-11-22T01:45:01Z","source":{"topic":"charge-cancelled","partition":0,"offset":7}}`,
	} {
		result, err := events.DecodeResult([]byte(value))
		if err != nil {
			fmt.Println(err) // not a result of version 1: set it aside
			continue
		}
		if known, ok := latest[result.Identity()]; ok && known.Revision >= result.Revision {
			continue // seen, or overtaken
		}
		latest[result.Identity()] = result
	}
	for _, operation := range []events.Operation{events.Charge, events.Cancellation} {
		result := latest[events.Identity{Operation: operation, CorrelationID: "261122103000-00000a1"}]
		fmt.Println(operation, result.Result, "after", result.Attempts, "asks, revision", result.Revision)
	}
	// Output:
	// CHARGE COMPLETED after 2 asks, revision 1
	// CANCELLATION FAILED after 1 asks, revision 1
}

func ExampleDeadLetter_Headers() {
	value, cut := events.Truncate([]byte("a value too large for its topic"), 7)
	letter := events.DeadLetter{
		Source:  events.Source{Topic: "charge-requested", Partition: 3, Offset: 1234},
		Group:   "charge-result",
		Reason:  events.ReasonUndecodable,
		Message: "UNDECODABLE: value is not JSON",
	}
	headers := append(letter.Headers([]events.Header{{Key: "tenant", Value: []byte("7")}}), cut...)

	fmt.Printf("%s\n", value)
	for _, h := range headers {
		fmt.Printf("%s: %s\n", h.Key, h.Value)
	}
	// Output:
	// a value
	// tenant: 7
	// __connect.errors.topic: charge-requested
	// __connect.errors.partition: 3
	// __connect.errors.offset: 1234
	// __connect.errors.connector.name: charge-result
	// __connect.errors.stage: VALUE_CONVERTER
	// __connect.errors.exception.class.name: UNDECODABLE
	// __connect.errors.exception.message: UNDECODABLE: value is not JSON
	// reason: UNDECODABLE
	// attempts: 0
	// redrive-count: 0
	// value-size: 31
	// value-sha256: 82b30e558380d2a18c5c9058b0d31363457f6aaeb3cc830e9ade3a1015ab57b6
}

func ExampleRetry() {
	seen := time.Date(2026, 11, 22, 1, 30, 5, 0, time.UTC)
	pending := events.Retry{
		Origin: events.Source{Topic: "charge-requested", Partition: 3, Offset: 1234}, OriginTime: seen,
		Operation: events.Charge, Hop: 1, Attempts: 1, Due: seen.Add(10 * time.Second), Reason: events.WaitPending,
		FirstSeen: seen, FirstAsked: seen, Interim: true,
	}
	topic := events.RetryTopic(events.TopicRetryPrefix, 10*time.Second)
	headers := pending.Headers([]events.Header{{Key: "tenant", Value: []byte("7")}})

	// Whoever reads the topic:
	delay, _ := events.RetryDelay(events.TopicRetryPrefix, topic)
	retry, original, err := events.DecodeRetry(headers)
	if err != nil {
		fmt.Println(err) // names every header that is missing or bad
		return
	}
	fmt.Println(topic, "holds what waits for", delay)
	fmt.Println(retry.Origin, retry.Reason, "after", retry.Attempts, "asks, due at", retry.Due.Format(time.TimeOnly))
	fmt.Printf("%s: %s\n", original[0].Key, original[0].Value)
	// Output:
	// charge-result.retry.10s holds what waits for 10s
	// charge-requested/3/1234 PENDING after 1 asks, due at 01:30:15
	// tenant: 7
}
