//go:build integration

package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chargeresult/chargeresult/deploy/testbed"
	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor/inquiry/konasim"
)

// course is all that became of one transaction, as the topics and the vendor's ledger tell it.
type course struct {
	hops     []hop // by number
	interims int
	final    events.Result  // zero: none
	asks     []konasim.Call // by arrival
}

// hop is one retry record.
type hop struct {
	events.Retry
	record *kgo.Record
	parked time.Time // when it was made
}

// answered is when the question that follows the n-th retry record had its answer: when the next was made, or the final result. It is zero
// while there is neither.
func (c *course) answered(n int) time.Time {
	if n+1 < len(c.hops) {
		return c.hops[n+1].parked
	}
	return c.final.DecidedAt
}

// courses reads the courses of all charges. The ledger does not say which operation a question was about.
func (s *site) courses() map[events.Identity]*course {
	s.Helper()
	all := map[events.Identity]*course{}
	of := func(correlationID string) *course {
		id := events.Identity{Operation: events.Charge, CorrelationID: strings.ToLower(correlationID)}
		if all[id] == nil {
			all[id] = &course{}
		}
		return all[id]
	}
	sources := map[events.Source]string{} // the correlation IDs of the input records
	for _, r := range testbed.Dump(s, s.brokers, s.requested()) {
		event, err := s.decoder().Decode(events.Charge, events.Message{Value: r.Value, Timestamp: r.Timestamp})
		if err != nil {
			s.Fatal(err)
		}
		sources[events.Source{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset}] = event.CorrelationID
	}
	for _, r := range testbed.Dump(s, s.brokers, s.results()) {
		result, err := events.DecodeResult(r.Value)
		if err != nil {
			s.Fatal(err)
		}
		if c := of(result.CorrelationID); result.Final {
			c.final = result
		} else {
			c.interims++
		}
	}
	for _, delay := range schedule {
		for _, r := range testbed.Dump(s, s.brokers, events.RetryTopic(s.topics["TOPIC_RETRY_PREFIX"], delay)) {
			retry, _, err := events.DecodeRetry(headersOf(r))
			if err != nil {
				s.Fatal(err)
			}
			c := of(sources[retry.Origin])
			c.hops = append(c.hops, hop{retry, r, retry.Due.Add(-delay)})
		}
	}
	for _, call := range s.vendor.Ledger() {
		c := of(call.CorrelationID)
		c.asks = append(c.asks, call)
	}
	for _, c := range all {
		slices.SortFunc(c.hops, func(a, b hop) int { return a.Hop - b.Hop })
		slices.SortFunc(c.asks, func(a, b konasim.Call) int { return a.Time.Compare(b.Time) })
	}
	return all
}

func headersOf(r *kgo.Record) []events.Header {
	headers := make([]events.Header, len(r.Headers))
	for i, h := range r.Headers {
		headers[i] = events.Header(h)
	}
	return headers
}

// miscounted finds what does not add up in a course that has ended, whose waits were all for PENDING: its retry records are numbered from 1, each
// number once; each stands for one more question; and the first of them came with the one interim result.
func (c *course) miscounted() (faults []string) {
	for i, h := range c.hops {
		if h.Hop != i+1 || h.Attempts != i+1 || h.Reason != events.WaitPending || !h.Interim {
			faults = append(faults, fmt.Sprintf("retry record %d: %+v", i+1, h.Retry))
		}
	}
	if c.final.Attempts != len(c.hops)+1 {
		faults = append(faults, fmt.Sprintf("the final result says %d attempts, there are %d retry records", c.final.Attempts, len(c.hops)))
	}
	if c.interims != min(len(c.hops), 1) {
		faults = append(faults, fmt.Sprintf("%d interim results, %d retry records", c.interims, len(c.hops)))
	}
	return faults
}

// early finds questions that came before their time.
//
// A committed retry record was made at one moment, its parked, from the answer to a question before that. Who was killed later than this asks
// no more; whoever reads its input again finds the record committed, or none. So a question between parked and due can only be one that did
// not wait. A question before parked may be one of several: a crash before the commit has them asked again, and the record that counts is of the
// last. And the question that follows is there, between due and its own answer.
//
// There is one exception: a process that was cut off by an outage of the broker, and expelled, goes on for a moment with what another
// has taken over. Its question is of the hop before, and was due: so questions are not judged that came in the outage.
func (c *course) early(outage period) (faults []string) {
	for n, h := range c.hops {
		asked := false
		for _, ask := range c.asks {
			switch {
			case !ask.Time.Before(h.parked) && ask.Time.Before(h.Due) && !outage.contains(ask.Time):
				faults = append(faults, fmt.Sprintf("asked %v before hop %d was due", h.Due.Sub(ask.Time), h.Hop))
			case !ask.Time.Before(h.Due) && ask.Time.Before(c.answered(n)):
				asked = true
			}
		}
		if !asked && !c.answered(n).IsZero() {
			faults = append(faults, fmt.Sprintf("nobody asked after hop %d, but there is an answer", h.Hop))
		}
	}
	return faults
}
