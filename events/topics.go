package events

// The default topic names. Each can be configured; these are what asyncapi.yaml names.
const (
	TopicRequested   = "charge-requested"         // input: a charge was requested
	TopicCancelled   = "charge-cancelled"         // input: the cancellation of a charge was requested
	TopicResult      = "charge-result"            // output: how a transaction ended; never compact it
	TopicDeadLetter  = "charge-result.dlq"        // output: input records that can never be answered
	TopicDuplicates  = "charge-result.duplicates" // output: input records whose transaction another record owns
	TopicRetryPrefix = "charge-result.retry"      // internal: a retry topic is this, a dot and its delay, as in charge-result.retry.10s
)
