package main

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor/dedup"
	"github.com/chargeresult/chargeresult/processor/replay"
)

// finder finds transactions, with connections of its own. Many goroutines may use it at once.
type finder struct {
	settings config
	find     replay.FindConfig
	claims   *dedup.Lookup // nil: no claim store is configured
}

// newFinder prepares to find transactions of the configured group: since and limit are those of replay.FindConfig. It connects when it is first
// asked, so that an error is a fault of the configuration. Whoever makes it closes it.
func newFinder(c config, since time.Time, limit time.Duration) (*finder, error) {
	f := &finder{settings: c, find: replay.FindConfig{
		Group: c.KafkaGroup, Deadline: c.RetryDeadline, Since: since, Limit: limit,
		Inputs: map[string]events.Operation{c.TopicRequested: events.Charge, c.TopicCancelled: events.Cancellation},
		Result: c.TopicResult, DeadLetter: c.TopicDeadLetter, Duplicates: c.TopicDuplicates, RetryPrefix: c.TopicRetryPrefix,
	}}
	var err error
	if f.find.Decoder, err = events.NewDecoder(fieldsOf(c)); err != nil {
		return nil, err
	}
	options, err := kafkaOptions(c)
	if err != nil {
		return nil, err
	}
	if c.RedisURL.Reveal() != "" {
		t, err := redisTLS(c)
		if err != nil {
			return nil, err
		}
		f.claims, err = dedup.OpenLookup(dedup.Config{URL: redisAddress(c), TLS: t, Group: c.KafkaGroup})
		if err != nil {
			return nil, err
		}
		f.find.Claims = f.claims
	}
	// What topics there are, and who leads their partitions, may have changed since somebody looked last.
	f.find.Client, err = kgo.NewClient(append(options, kgo.MetadataMinAge(metadataAge))...)
	if err != nil {
		f.close()
		return nil, fmt.Errorf("connecting to Kafka: %w", err)
	}
	return f, nil
}

// Find tells the story of a correlation ID: see replay.Find. One that can't be any is a fault of usage.
func (f *finder) Find(ctx context.Context, correlationID string) (replay.Timeline, error) {
	if problem := malformedID(f.settings, correlationID); problem != "" {
		return replay.Timeline{}, faults{{Name: "correlation ID", Value: correlationID, Problem: problem}}
	}
	if f.find.Limit >= 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, f.find.Limit+kafkaAnswerTimeout)
		defer cancel()
	}
	return replay.Find(ctx, f.find, correlationID)
}

func (f *finder) close() {
	if f.find.Client != nil {
		f.find.Client.Close()
	}
	if f.claims != nil {
		_ = f.claims.Close() // nothing was written
	}
}

// malformedID says what is wrong with what should be a correlation ID; empty: nothing.
func malformedID(c config, id string) string {
	if fieldsOf(c).AnyCorrelationID {
		if n := utf8.RuneCountInString(id); n < 1 || n > 128 || !utf8.ValidString(id) || strings.ContainsFunc(id, unicode.IsControl) {
			return "expected a correlation ID: 1 to 128 characters"
		}
		return ""
	}
	if _, ok := replay.TimeOf(id); !ok {
		return "expected a correlation ID: a date and time as yyMMddHHmmss, a hyphen, and 7 hex digits, such as 261122103000-00000a1"
	}
	return ""
}
