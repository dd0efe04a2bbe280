package telemetry

// Kind is what kind of number a metric is.
type Kind string

// The kinds.
const (
	Counter   Kind = "counter"   // grows from the start of the process
	Gauge     Kind = "gauge"     // goes up and down
	Histogram Kind = "histogram" // counts of measurements by size, with exemplars
)

// Metric is all there is to know about one metric: a line of the table in METRICS.md.
type Metric struct {
	Name        string
	Kind        Kind
	Unit        string // of UCUM: s, By, {record}; empty: it has none
	Attributes  []string
	Description string
	Observed    bool // read when it is asked for, rather than told when something happens
}

// The metrics that OpenTelemetry's semantic conventions define.
const (
	ProcessDuration  = "messaging.process.duration"
	ConsumedMessages = "messaging.client.consumed.messages"
	SentMessages     = "messaging.client.sent.messages"
	InquiryDuration  = "http.client.request.duration"
	RedisDuration    = "db.client.operation.duration"
)

// Our own.
const (
	TransactionDuration = "chargeresult.transaction.duration"
	Inquiries           = "chargeresult.inquiries"
	Records             = "chargeresult.records"
	Results             = "chargeresult.results"
	DeadLetters         = "chargeresult.dead_letters"
	Waits               = "chargeresult.waits"
	Waiting             = "chargeresult.waiting"
	WaitingOverdue      = "chargeresult.waiting.overdue"
	Lag                 = "chargeresult.lag"
	LagAge              = "chargeresult.lag.age"
	PartitionStalled    = "chargeresult.partition.stalled"
	PartitionStopped    = "chargeresult.partition.stopped"
	OffsetMapSize       = "chargeresult.offset_map.size"
	OffsetMapFill       = "chargeresult.offset_map.fill"
	IntakeHeld          = "chargeresult.intake.held"
	InFlight            = "chargeresult.in_flight"
	OldestInFlight      = "chargeresult.in_flight.oldest"
	BreakerState        = "chargeresult.breaker.state"
	SlowDowns           = "chargeresult.inquiry.slow_downs"
	Sessions            = "chargeresult.sessions"
	CommitAge           = "chargeresult.commit.age"
	Spans               = "chargeresult.spans"
	ClusterAge          = "chargeresult.cluster.age"
)

// The attributes of our own metrics. None of them has more values than there are partitions, delays or words in the code.
const (
	topic     = "topic"
	partition = "partition"
)

// Metrics returns the table of all metrics.
func Metrics() []Metric {
	return []Metric{
		{ProcessDuration, Histogram, "s", []string{"messaging.system", "messaging.operation.name", "messaging.destination.name", "messaging.consumer.group.name", "error.type"}, "How long a message took from its admission to the records that come of it; the wait for its key and for Konaplate included.", false},
		{ConsumedMessages, Counter, "{message}", []string{"messaging.system", "messaging.operation.name", "messaging.destination.name", "messaging.consumer.group.name"}, "Messages read and committed, by topic.", false},
		{SentMessages, Counter, "{message}", []string{"messaging.system", "messaging.operation.name", "messaging.destination.name"}, "Messages published and committed, by topic.", false},
		{InquiryDuration, Histogram, "s", []string{"http.request.method", "server.address", "server.port", "http.response.status_code", "error.type"}, "How long a try of an inquiry took, to the last byte of the reply.", false},
		{RedisDuration, Histogram, "s", []string{"db.system.name", "db.operation.name", "db.stored_procedure.name", "server.address", "server.port", "error.type"}, "How long a round trip to Redis took: one is shared by many events.", false},

		{TransactionDuration, Histogram, "s", []string{"operation", "result"}, "From the event's time to its committed final result, waits included.", false},
		{Inquiries, Counter, "{try}", []string{"class"}, "Tries of inquiries, by the class of what came back: the rows of the reply table.", true},

		{Records, Counter, "{record}", []string{topic, partition, "place"}, "Input records of a partition by place: accepted = final + dead + duplicate + parked - resumed, over all processes.", true},
		{Results, Counter, "{result}", []string{"result"}, "Results published, by result; PENDING is an interim one.", true},
		{DeadLetters, Counter, "{record}", []string{"reason"}, "Dead letters, by reason.", true},
		{Waits, Counter, "{record}", []string{"reason"}, "Retry records, by why the transaction waits.", true},
		{Waiting, Gauge, "{record}", []string{"delay"}, "Records that wait in the retry topic of a delay, in this process's partitions: about the transactions that wait, because transaction markers count.", true},
		{WaitingOverdue, Gauge, "s", []string{"delay"}, "For how long the first of those has been due; 0 if it is not.", true},
		{Lag, Gauge, "{record}", []string{topic, partition}, "Records of a partition that are not finished, in this process's partitions. Of a retry topic that is what waits.", true},
		{LagAge, Gauge, "s", []string{topic, partition}, "How old the oldest unfinished record of a partition is, or of a retry topic, for how long it has been due; 0 if there is none.", true},
		{PartitionStalled, Gauge, "s", []string{topic, partition}, "For how long a partition has had records to finish and has not moved; 0 while it moves, or has none that is due.", true},
		{PartitionStopped, Gauge, "", []string{topic, partition}, "1 if the partition goes no further until somebody acts: the status page says why.", true},
		{OffsetMapSize, Gauge, "By", []string{topic, partition}, "Size of a partition's offset map in the commit: it may have 4,096 bytes.", true},
		{OffsetMapFill, Gauge, "", []string{topic, partition}, "How much of the room for a partition's offset map is taken: at 1 the partition takes up no more until older records are finished.", true},
		{IntakeHeld, Gauge, "", []string{"reason"}, "1 while intake is held for the reason.", true},
		{InFlight, Gauge, "{message}", nil, "Messages fetched and not committed.", true},
		{OldestInFlight, Gauge, "s", nil, "For how long the oldest of those that are worked on has been.", true},
		{BreakerState, Gauge, "", []string{"state"}, "1 for the state the circuit breaker is in.", true},
		{SlowDowns, Counter, "{reply}", nil, "How often Konaplate wanted fewer questions (429).", true},
		{Sessions, Counter, "{session}", nil, "How often the engine has started over, the first time included.", true},
		{CommitAge, Gauge, "s", nil, "How long ago the last transaction committed; from the start of the process if none has.", true},
		{Spans, Counter, "{span}", []string{"outcome"}, "Sampled spans: exported, failed (the collector did not take them), dropped (the queue was full).", true},
		{ClusterAge, Gauge, "s", nil, "How old the ends of partitions are that lag is computed from.", true},
	}
}
