package main

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/chargeresult/chargeresult/events"
)

// conflicts finds what is wrong between settings, each of which may be right by itself. needs are the groups in use.
func (c config) conflicts(needs []string) faults {
	wrong := slices.Concat(c.topicConflicts(), c.kafkaConflicts(), c.redisConflicts(), c.timeConflicts(), c.retryConflicts())
	if slices.Contains(needs, groupInquiry) {
		wrong = append(wrong, c.signingConflicts()...)
		wrong = append(wrong, c.clearTextConflicts()...)
	}
	for _, err := range []error{second(kafkaTLS(c)), second(redisTLS(c)), second(inquiryTLS(c))} {
		if bad, ok := errors.AsType[faults](err); ok {
			wrong = append(wrong, bad...)
		}
	}
	return wrong
}

func second[T any](_ T, err error) error { return err }

func (c config) topicConflicts() (wrong faults) {
	names := []struct{ setting, topic string }{
		{"topic-requested", c.TopicRequested},
		{"topic-cancelled", c.TopicCancelled},
		{"topic-result", c.TopicResult},
		{"topic-dead-letter", c.TopicDeadLetter},
		{"topic-duplicates", c.TopicDuplicates},
	}
	for _, n := range names {
		if _, retry := events.RetryDelay(c.TopicRetryPrefix, n.topic); retry {
			wrong = append(wrong, fault{Name: envName(n.setting), Value: n.topic, Problem: "expected a topic that is no retry topic by " + envName("topic-retry-prefix")})
		}
	}
	for i, a := range names {
		for _, b := range names[:i] {
			if a.topic == b.topic {
				wrong = append(wrong, fault{Name: envName(a.setting), Value: a.topic, Problem: "expected another topic than that of " + envName(b.setting)})
			}
		}
	}
	return wrong
}

func (c config) kafkaConflicts() (wrong faults) {
	if files := c.KafkaTLSCAFile + c.KafkaTLSCertFile + c.KafkaTLSKeyFile; files != "" && !c.KafkaTLS {
		wrong = append(wrong, fault{Name: envName("kafka-tls"), Value: "false", Problem: "expected true, since a file for it is given"})
	}
	byPassword := c.KafkaSASLUsername != "" && c.KafkaSASLPassword.Reveal() != ""
	byToken := c.KafkaSASLToken.Reveal() != ""
	mechanism := fault{Name: envName("kafka-sasl-mechanism"), Value: c.KafkaSASLMechanism}
	switch c.KafkaSASLMechanism {
	case "":
		if byToken || c.KafkaSASLUsername != "" || c.KafkaSASLPassword.Reveal() != "" {
			mechanism.Problem = "missing: expected one, since credentials for it are given"
		}
	case saslOAuth:
		if !byToken {
			mechanism.Problem = "needs " + envName("kafka-sasl-token")
		}
	case saslPlain, saslSCRAM256, saslSCRAM512:
		if !byPassword {
			mechanism.Problem = "needs " + envName("kafka-sasl-username") + " and " + envName("kafka-sasl-password")
		}
	}
	if mechanism.Problem != "" {
		wrong = append(wrong, mechanism)
	}
	return wrong
}

func (c config) redisConflicts() (wrong faults) {
	address := c.RedisURL.Reveal()
	if files := c.RedisTLSCAFile + c.RedisTLSCertFile + c.RedisTLSKeyFile; files != "" && address != "" && !strings.HasPrefix(address, "rediss") {
		wrong = append(wrong, fault{Name: envName("redis-url"), Value: maskURL(address), Problem: "expected a rediss:// URL, since a file for TLS is given"})
	}
	return wrong
}

func (c config) timeConflicts() (wrong faults) {
	if c.InquiryTimeout >= c.BreakerOpen { // a hung probe would outlast the open time, and the breaker stay half-open
		wrong = append(wrong, fault{Name: envName("inquiry-timeout"), Value: short(c.InquiryTimeout), Problem: "expected less than " + envName("breaker-open") + " (" + short(c.BreakerOpen) + ")"})
	}
	if c.InquiryTimeout >= c.DrainTimeout { // a try that had just begun could not finish
		wrong = append(wrong, fault{Name: envName("drain-timeout"), Value: short(c.DrainTimeout), Problem: "expected more than " + envName("inquiry-timeout") + " (" + short(c.InquiryTimeout) + ")"})
	}
	if c.TransactionTimeout > c.SessionTimeout { // whoever takes over the partitions would wait for the dead member's transaction
		wrong = append(wrong, fault{Name: envName("transaction-timeout"), Value: short(c.TransactionTimeout), Problem: "expected at most " + envName("session-timeout") + " (" + short(c.SessionTimeout) + ")"})
	}
	return wrong
}

// retryConflicts: what waits must neither outlive its claim, or a late duplicate would be asked beside it, nor be given up
// before it was ever asked.
func (c config) retryConflicts() (wrong faults) {
	if c.DedupTTL <= c.RetryDeadline {
		wrong = append(wrong, fault{Name: envName("dedup-ttl"), Value: short(c.DedupTTL), Problem: "expected more than " + envName("retry-deadline") + " (" + short(c.RetryDeadline) + ")"})
	}
	for _, wait := range []struct {
		name string
		d    time.Duration
	}{{"retry-schedule", slices.Max(append(c.RetrySchedule, 0))}, {"first-ask-delay", c.FirstAskDelay}, {"not-found-grace", c.NotFoundGrace}} {
		if wait.d >= c.RetryDeadline {
			wrong = append(wrong, fault{Name: envName(wait.name), Value: short(wait.d), Problem: "expected less than " + envName("retry-deadline") + " (" + short(c.RetryDeadline) + ")"})
		}
	}
	return wrong
}

func (c config) signingConflicts() faults {
	key, token := c.InquirySecretKey.Reveal() != "", c.InquiryTranToken.Reveal() != ""
	if key != token {
		return nil
	}
	problem := "missing: expected one of them"
	if key {
		problem = "both are given: expected one of them"
	}
	return faults{{Name: envName("inquiry-secret-key") + " and " + envName("inquiry-tran-token"), Problem: problem}}
}

// clearTextConflicts refuses to send credentials in the clear, unless it stays on this machine or was asked for by name.
func (c config) clearTextConflicts() faults {
	u, err := url.Parse(c.InquiryURL)
	if err != nil || u.Scheme != "http" || isLoopback(u.Hostname()) || c.InquiryAllowHTTP {
		return nil
	}
	return faults{{Name: envName("inquiry-url"), Value: maskURL(c.InquiryURL), Problem: "expected https; for a simulator set " + envName("inquiry-allow-http") + "=true"}}
}
