package telemetry

import (
	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// Every name of a span or an attribute that the program emits stands in this file. Those of messaging and of Redis are still in development
// upstream: when they change, this file and the golden files of the tests do.

// schemaURL says which version of the semantic conventions the names are of.
const schemaURL = semconv.SchemaURL

// Scope is the name of the instrumentation: that of every meter and tracer.
const Scope = "github.com/chargeresult/chargeresult"

// The operations, which begin the spans' names; a topic follows, or a script.
const (
	opPoll    = "poll"    // of a poll's messages: their admission
	opProcess = "process" // of one message
	opClaim   = "claim"   // of one message's transaction: its share of the round trip
	opSend    = "send"    // of one record, until it is committed
	opScript  = "EVALSHA" // one round trip to Redis
)

// Our own attributes.
const (
	keyCorrelationID = attribute.Key("charge.correlation_id")
	keySequenceID    = attribute.Key("charge.sequence_id")
	keyOperation     = attribute.Key("charge.operation") // CHARGE, CANCELLATION
	keyHop           = attribute.Key("charge.hop")       // how often the transaction has waited before
	keyAttempt       = attribute.Key("charge.attempt")   // how often Konaplate has been asked, this time included
	keyVerdict       = attribute.Key("charge.verdict")   // of the claim: ours, duplicate, redelivered, conflict
	keyAnswer        = attribute.Key("charge.answer")    // class of an answer that is no result: a row of the reply table
	keyCode          = attribute.Key("charge.code")      // Konaplate's
	keyResult        = attribute.Key("charge.result")    // COMPLETED, FAILED, PENDING, UNKNOWN
	keyReason        = attribute.Key("charge.reason")    // of UNKNOWN, of a dead letter, or why it waits
	keyOutcome       = attribute.Key("charge.outcome")   // where it went, if it has no result: wait, dead, duplicate, redelivered, abandoned
	keyDelay         = attribute.Key("charge.delay_ms")  // of a wait
	keyLink          = attribute.Key("charge.link")      // what a link leads to: one of the values below
	linkMessage      = "message"                         // the context that a message of the poll came with
	linkPoll         = "poll"                            // the poll that a message came in
	linkFirst        = "first"                           // the first trace of the transaction
	linkPrevious     = "previous"                        // the trace of the ask before
	pathInquiry      = "/api/v1/recharges/by-bank-account/result/inquiry"
	nameInquiry      = "POST " + pathInquiry
)

// Attributes of metrics alone.
const (
	attrOperation = attribute.Key("operation")
	attrResult    = attribute.Key("result")
	attrClass     = attribute.Key("class")
	attrOutcome   = attribute.Key("outcome")
)

// messaging says which operation on which topic it is. A topic is left out of what concerns several.
func messaging(name string, kind attribute.KeyValue, destination string) []attribute.KeyValue {
	set := []attribute.KeyValue{semconv.MessagingSystemKafka, semconv.MessagingOperationName(name)}
	if kind.Valid() {
		set = append(set, kind)
	}
	if destination != "" {
		set = append(set, semconv.MessagingDestinationName(destination))
	}
	return set
}
