package main

import (
	"iter"
	"log/slog"
	"time"
)

// config is every setting of the program. What each one means, its unit, its default and what it accepts stands once, in the
// table of groups below; CONFIGURATION.md is generated from that table. Fields are exported so that fmt masks their secrets.
type config struct {
	KafkaBrokers       []string
	KafkaGroup         string
	KafkaTLS           bool
	KafkaTLSCAFile     string
	KafkaTLSCertFile   string
	KafkaTLSKeyFile    string
	KafkaSASLMechanism string // empty: no SASL
	KafkaSASLUsername  string
	KafkaSASLPassword  Secret
	KafkaSASLToken     Secret
	KafkaSASLTokenFile string // where the token was read from, to be read again when it is rotated; empty if it was given itself

	TopicRequested   string
	TopicCancelled   string
	TopicResult      string
	TopicDeadLetter  string
	TopicDuplicates  string
	TopicRetryPrefix string

	RedisURL         Secret // a Secret since it may hold a password
	RedisPassword    Secret
	RedisTLSCAFile   string
	RedisTLSCertFile string
	RedisTLSKeyFile  string
	DedupTTL         time.Duration

	InquiryURL           string
	InquiryAllowHTTP     bool
	InquiryASPID         string
	InquiryAccessKey     Secret
	InquirySecretKey     Secret // either this one, or InquiryTranToken
	InquiryTranToken     Secret
	InquiryTimeZone      string
	InquiryTimeout       time.Duration
	InquiryTries         int
	InquiryRate          float64 // questions a second; 0: no limit
	InquiryCorrelationID string  // event or fresh
	InquiryCAFile        string
	InquiryCertFile      string
	InquiryKeyFile       string
	RejectedCodes        []string
	BreakerWindow        time.Duration
	BreakerMinRequests   int
	BreakerFailureRatio  float64
	BreakerOpen          time.Duration

	FirstAskDelay    time.Duration
	RetrySchedule    []time.Duration
	RetryDeadline    time.Duration
	NotFoundGrace    time.Duration
	GuardRefusals    int // 0: off
	GuardDeadLetters int // of the last 200; 0: off

	FieldCorrelationID string // JSON pointers
	FieldSequenceID    string
	FieldRequestedAt   string

	Concurrency        int
	Ordering           string // key or none
	Start              string // earliest or latest
	InstanceID         string // empty: a dynamic member
	SessionTimeout     time.Duration
	TransactionTimeout time.Duration
	CommitInterval     time.Duration
	DrainTimeout       time.Duration
	AllowUnsafeBroker  bool
	AdminAddr          string
	TraceURL           string // of a trace, with {trace_id} in it; empty: traces are not linked
	LogLevel           slog.Level
}

// group is a section of the settings.
type group struct {
	name     string
	settings []setting
}

// setting is all there is to know about one setting. To add one is to add a field to config and a line to groups.
type setting struct {
	name string // as a flag (--name), in the file (name:), and in the environment (CHARGERESULT_NAME)
	def  string // the default; empty: not set
	kind kind
	doc  string
}

// The groups' names. A command names those whose required settings it needs.
const (
	groupKafka      = "Kafka"
	groupTopics     = "Topics"
	groupRedis      = "Redis"
	groupInquiry    = "Inquiry"
	groupRetry      = "Asking again"
	groupFields     = "Input fields"
	groupProcessing = "Processing"
)

// everything is what the processor needs.
func everything() []string { return []string{groupKafka, groupRedis, groupInquiry} }

// each yields the settings of all groups, in order.
func (c *config) each() iter.Seq[setting] {
	return func(yield func(setting) bool) {
		for _, g := range c.groups() {
			for _, s := range g.settings {
				if !yield(s) {
					return
				}
			}
		}
	}
}
