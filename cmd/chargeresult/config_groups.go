package main

import "time"

// groups is the table of settings, each bound to its field of c.
func (c *config) groups() []group {
	return []group{
		{groupKafka, c.kafkaSettings()},
		{groupTopics, c.topicSettings()},
		{groupRedis, c.redisSettings()},
		{groupInquiry, c.inquirySettings()},
		{groupRetry, c.retrySettings()},
		{groupFields, c.fieldSettings()},
		{groupProcessing, c.processingSettings()},
	}
}

func (c *config) kafkaSettings() []setting {
	return []setting{
		{"kafka-brokers", "", required(list(&c.KafkaBrokers, hostPort)), "Brokers to ask first; the others are learnt from them."},
		{"kafka-group", "charge-result", text(&c.KafkaGroup, kafkaName), "Consumer group. Claims in Redis are kept by group: another group asks everything again."},
		{"kafka-tls", "false", boolean(&c.KafkaTLS), "Whether brokers are spoken to over TLS (1.2 or newer, always verified)."},
		{"kafka-tls-ca-file", "", text(&c.KafkaTLSCAFile, path), "PEM file of the authorities trusted for brokers. Default: the system's."},
		{"kafka-tls-cert-file", "", text(&c.KafkaTLSCertFile, path), "PEM file of the client certificate shown to brokers."},
		{"kafka-tls-key-file", "", text(&c.KafkaTLSKeyFile, path), "PEM file of that certificate's key."},
		{"kafka-sasl-mechanism", "", oneOf(&c.KafkaSASLMechanism, saslPlain, saslSCRAM256, saslSCRAM512, saslOAuth), "How to log in at the brokers. Default: not at all."},
		{"kafka-sasl-username", "", text(&c.KafkaSASLUsername, nonzero), "User for PLAIN and SCRAM."},
		{"kafka-sasl-password", "", secret(&c.KafkaSASLPassword, nonzero), "Password for PLAIN and SCRAM."},
		{"kafka-sasl-token", "", secret(&c.KafkaSASLToken, nonzero), "Token for OAUTHBEARER. Its file is read again at every login, so that it can be rotated."},
	}
}

func (c *config) topicSettings() []setting {
	return []setting{
		{"topic-requested", "charge-requested", text(&c.TopicRequested, kafkaName), "Input: charges."},
		{"topic-cancelled", "charge-cancelled", text(&c.TopicCancelled, kafkaName), "Input: cancellations of charges."},
		{"topic-result", "charge-result", text(&c.TopicResult, kafkaName), "Output: results. Must not be compacted, and must be kept at least as long as `dedup-ttl`."},
		{"topic-dead-letter", "charge-result.dlq", text(&c.TopicDeadLetter, kafkaName), "Output: events that can never be answered, with the reason."},
		{"topic-duplicates", "charge-result.duplicates", text(&c.TopicDuplicates, kafkaName), "Output: a record for each duplicate. Must not be compacted."},
		{"topic-retry-prefix", "charge-result.retry", text(&c.TopicRetryPrefix, retryPrefix), "Internal: transactions wait in topics of this name, a dot and the delay, as in `charge-result.retry.10s`. Another group needs another prefix."},
	}
}

func (c *config) redisSettings() []setting {
	return []setting{
		{"redis-url", "", required(address(&c.RedisURL, redisURL)), "Where claims are kept. `maxmemory-policy` must be `noeviction`. A password in it is allowed in the environment and the file only."},
		{"redis-password", "", secret(&c.RedisPassword, nonzero), "Password, if it is not in the URL."},
		{"redis-tls-ca-file", "", text(&c.RedisTLSCAFile, path), "PEM file of the authorities trusted for Redis (rediss://). Default: the system's."},
		{"redis-tls-cert-file", "", text(&c.RedisTLSCertFile, path), "PEM file of the client certificate shown to Redis."},
		{"redis-tls-key-file", "", text(&c.RedisTLSKeyFile, path), "PEM file of that certificate's key."},
		{"dedup-ttl", "168h", duration(&c.DedupTTL, time.Minute, 365*24*time.Hour), "How late an upstream duplicate may come: how long claims live after their last change."},
	}
}

func (c *config) inquirySettings() []setting {
	return []setting{
		{"inquiry-url", "", required(masked(text(&c.InquiryURL, baseURL), maskURL)), "Konaplate's base URL; the endpoint's path is appended."},
		{"inquiry-allow-http", "false", boolean(&c.InquiryAllowHTTP), "Whether an http `inquiry-url` may name another machine: credentials are sent in the clear. For simulators."},
		{"inquiry-asp-id", "", required(text(&c.InquiryASPID, visibleASCII(15))), "`X-KM-User-AspId`, given by contract."},
		{"inquiry-access-key", "", required(secret(&c.InquiryAccessKey, visibleASCII(40))), "`X-KM-Access-Key` of the project."},
		{"inquiry-secret-key", "", secret(&c.InquirySecretKey, nonzero), "Secret key that signs each request (`X-KM-Tran-Token`, KMV1). Either this or `inquiry-tran-token` is required."},
		{"inquiry-tran-token", "", secret(&c.InquiryTranToken, token), "A static `X-KM-Tran-Token`, for contracts without signing."},
		{"inquiry-crypto-key-id", "", unsupported("nothing: encryption is not supported, the inquiry is documented unencrypted; remove it"), "`X-KM-Crypto-Key-Id`. Refused: there is no codec for it."},
		{"inquiry-time-zone", "UTC", oneOf(&c.InquiryTimeZone, "UTC", "KST"), "`X-KM-Time-Zone`, and the zone of the times sent with it."},
		{"inquiry-timeout", "5s", duration(&c.InquiryTimeout, 100*time.Millisecond, time.Minute), "Total deadline of one try. Must be shorter than `breaker-open` and `drain-timeout`."},
		{"inquiry-tries", "3", integer(&c.InquiryTries, 1, 10), "How often a question is put in a row while Konaplate is down."},
		{"inquiry-rate", "0", rate(&c.InquiryRate), "Most inquiries a second that this process sends, whatever waits. 0: as many as `concurrency` allows."},
		{"inquiry-correlation-id", "event", oneOf(&c.InquiryCorrelationID, "event", "fresh"), "What is sent as `X-KM-Correlation-Id`: the event's own, or a fresh one each message."},
		{"inquiry-ca-file", "", text(&c.InquiryCAFile, path), "PEM file of the authorities trusted for Konaplate. Default: the system's."},
		{"inquiry-cert-file", "", text(&c.InquiryCertFile, path), "PEM file of the client certificate shown to Konaplate."},
		{"inquiry-key-file", "", text(&c.InquiryKeyFile, path), "PEM file of that certificate's key."},
		{"rejected-codes", "007_*", list(&c.RejectedCodes, codePattern), "Konaplate codes that, on a 4xx, end a transaction as UNKNOWN, reason REJECTED."},
		{"breaker-window", "10s", duration(&c.BreakerWindow, time.Second, 10*time.Minute), "Rolling window over which the circuit breaker counts failures."},
		{"breaker-min-requests", "20", integer(&c.BreakerMinRequests, 1, 1_000_000), "How many inquiries the window must hold before the breaker may open."},
		{"breaker-failure-ratio", "0.5", ratio(&c.BreakerFailureRatio), "Share of failures at which the breaker opens."},
		{"breaker-open", "15s", duration(&c.BreakerOpen, time.Second, 10*time.Minute), "How long the breaker stays open before it probes."},
	}
}

func (c *config) retrySettings() []setting {
	return []setting{
		{"retry-schedule", "10s,1m,5m", durations(&c.RetrySchedule, time.Second, 24*time.Hour), "Waits before the second ask, the third, and so on; the last one repeats. Each has a topic of its own (`chargeresult topics --execute`)."},
		{"retry-deadline", "24h", duration(&c.RetryDeadline, time.Minute, 30*24*time.Hour), "After it, counted from when the event was first read, a transaction without an answer is UNKNOWN."},
		{"not-found-grace", "2m", duration(&c.NotFoundGrace, 0, 24*time.Hour), "For how long a transaction that Konaplate does not know is asked about again, from the event or the first ask, whichever is later."},
		{"first-ask-delay", "0s", duration(&c.FirstAskDelay, 0, 24*time.Hour), "Wait before the first ask, in a topic as those of the schedule. 0: none."},
		{"guard-refusals", "20", integer(&c.GuardRefusals, 0, 1_000_000), "So many UNKNOWN results in a row, with no true answer between, halt intake. 0: never."},
		{"guard-dead-letters", "100", integer(&c.GuardDeadLetters, 0, 200), "So many dead letters among the last 200 records halt intake. 0: never."},
	}
}

func (c *config) fieldSettings() []setting {
	return []setting{
		{"field-correlation-id", "/correlationId", text(&c.FieldCorrelationID, jsonPointer), "Where an event holds its correlation ID."},
		{"field-sequence-id", "/sequenceId", text(&c.FieldSequenceID, jsonPointer), "Where an event holds the sequence ID of its charge or cancellation."},
		{"field-requested-at", "/requestedAt", text(&c.FieldRequestedAt, jsonPointer), "Where an event holds its time (RFC 3339). If it holds none, the record's timestamp counts."},
	}
}

func (c *config) processingSettings() []setting {
	return []setting{
		{"concurrency", "64", integer(&c.Concurrency, 1, 4096), "How many events are worked on at once, over all partitions."},
		{"ordering", "key", oneOf(&c.Ordering, "key", "none"), "`key`: events of one record key run one after another, in offset order."},
		{"start", "earliest", oneOf(&c.Start, "earliest", "latest"), "Where a group without any offsets starts."},
		{"instance-id", "", text(&c.InstanceID, kafkaName), "Makes the member static and its transactional ID survive restarts; must be unique among live processes. Default: both are random."},
		{"session-timeout", "10s", duration(&c.SessionTimeout, 6*time.Second, 30*time.Minute), "How long a silent member keeps its partitions."},
		{"transaction-timeout", "10s", duration(&c.TransactionTimeout, 2*time.Second, 15*time.Minute), "When the broker aborts a transaction of a dead member. Must not exceed `session-timeout`."},
		{"commit-interval", "20ms", duration(&c.CommitInterval, time.Millisecond, time.Second), "How long a transaction collects results at most."},
		{"drain-timeout", "25s", duration(&c.DrainTimeout, time.Second, 10*time.Minute), "How long events in flight may take to finish on shutdown and revocation. Must be shorter than the pod's grace period."},
		{"allow-unsafe-broker", "false", boolean(&c.AllowUnsafeBroker), "UNSAFE. Goes on with a broker before 4.0, or without transaction.version=2, whose transactions can lose or repeat results."},
		{"admin-addr", "127.0.0.1:9464", text(&c.AdminAddr, listen), "Where the status page, health and metrics are served."},
		{"trace-url", "", masked(text(&c.TraceURL, traceURL), maskURL), "Where the trace backend shows a trace, as in `http://localhost:16686/trace/{trace_id}`: the status page links there."},
		{"log-level", "info", level(&c.LogLevel), "Least level of what is logged."},
	}
}
