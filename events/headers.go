package events

// The headers of a result: CloudEvents 1.0, binary mode, as its Kafka protocol binding names them.
const (
	HeaderSpecVersion = "ce_specversion" // always "1.0"
	HeaderID          = "ce_id"          // [Result.ID]
	HeaderType        = "ce_type"        // always [ResultType]
	HeaderSource      = "ce_source"      // "/chargeresult/" and the consumer group, percent-encoded
	HeaderSubject     = "ce_subject"     // the correlation ID, in the case it was sent in
	HeaderTime        = "ce_time"        // when the result was decided, RFC 3339
	HeaderContentType = "content-type"   // the media type of the value
)

// The headers of a dead letter that say where it came from and why it died, under the names and with the string values of
// Kafka Connect's DeadLetterQueueReporter, so that tools made for Connect understand them. Connect's task.id, class.name and
// exception.stacktrace are left out: there is no task, no Java class and no stack trace.
const (
	HeaderErrorTopic     = "__connect.errors.topic"                // the original record's topic
	HeaderErrorPartition = "__connect.errors.partition"            // its partition, decimal
	HeaderErrorOffset    = "__connect.errors.offset"               // its offset, decimal
	HeaderErrorConnector = "__connect.errors.connector.name"       // the consumer group
	HeaderErrorStage     = "__connect.errors.stage"                // VALUE_CONVERTER if it was not decoded, TASK_PUT after that
	HeaderErrorClass     = "__connect.errors.exception.class.name" // the reason again: what such tools group by
	HeaderErrorMessage   = "__connect.errors.exception.message"    // for people
)

// The headers of a dead letter that Kafka Connect has no name for. Numbers are decimal.
const (
	HeaderReason       = "reason"        // UNDECODABLE, INVALID_EVENT or CONFLICT
	HeaderAttempts     = "attempts"      // how often Konaplate was asked; 0 if it never was
	HeaderRedriveCount = "redrive-count" // how often the record was redriven before it died this time
	HeaderKeySize      = "key-size"      // only if the key is cut: its full size in bytes
	HeaderKeySHA256    = "key-sha256"    // only if the key is cut: SHA-256 of the full key, lower-case hex
	HeaderValueSize    = "value-size"    // only if the value is cut: its full size in bytes
	HeaderValueSHA256  = "value-sha256"  // only if the value is cut: SHA-256 of the full value, lower-case hex

	HeaderProcessedTrace = "processed-traceparent" // trace context in which it died; absent if there was none
)

// The W3C trace context that a record belongs to: https://www.w3.org/TR/trace-context. A result carries that of the ask that decided. Retry records
// and dead letters keep the original's, and have their own under other names: HeaderRetryTrace, HeaderRetryTraceFirst, HeaderProcessedTrace, whose
// values are a traceparent, and the tracestate behind a space if there is one.
const (
	HeaderTraceParent = "traceparent"
	HeaderTraceState  = "tracestate"
)

// The headers of a retry record: see [Retry]. They stand after the original's. Instants are RFC 3339, numbers decimal.
const (
	HeaderRetryOrigin     = "retry-origin"      // the input record: topic/partition/offset
	HeaderRetryTopicID    = "retry-origin-id"   // ID of its topic, lower-case hex
	HeaderRetryTimestamp  = "retry-origin-time" // its timestamp, milliseconds since 1970
	HeaderRetryOperation  = "retry-operation"   // CHARGE or CANCELLATION
	HeaderRetryHop        = "retry-hop"         // which retry record of its transaction it is, from 1
	HeaderRetryAttempts   = "retry-attempts"    // how often Konaplate has been asked
	HeaderRetryDue        = "retry-due"         // when to ask next
	HeaderRetryReason     = "retry-reason"      // why it waits
	HeaderRetryFirstSeen  = "retry-first-seen"  // when the event was first worked on
	HeaderRetryFirstAsked = "retry-first-asked" // when Konaplate was first asked; absent if never
	HeaderRetryInterim    = "retry-interim"     // whether an interim result is published
	HeaderRetryTrace      = "retry-trace"       // trace context of the ask that it waits after; absent if there was none
	HeaderRetryTraceFirst = "retry-trace-first" // trace context of the transaction's first; absent if there was none
)
