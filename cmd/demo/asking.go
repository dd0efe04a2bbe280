package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/chargeresult/chargeresult/processor"
	"github.com/chargeresult/chargeresult/processor/inquiry"
	"github.com/chargeresult/chargeresult/processor/stream"
	"github.com/chargeresult/chargeresult/processor/telemetry"
)

// What differs from the program's defaults, so that an outage and the recovery from it fit into half a minute.
const (
	tryTimeout    = 3500 * time.Millisecond // a slow answer takes 3 s, and is waited for
	breakerWindow = 4 * time.Second
	breakerRatio  = 0.3
	breakerOpen   = 3600 * time.Millisecond // must be longer than a try
)

// The reasons why asking holds intake.
const (
	holdBreaker = "breaker"
	holdRate    = "rate"
)

// asking is how Konaplate is asked: a question is tried a few times, each try passes the breaker, keeps the pace, and then the client asks.
type asking struct {
	processor.Inquirer
	client  *inquiry.Client
	breaker *inquiry.Breaker
}

func newAsking(s *surroundings, intake *stream.Intake, recording *telemetry.Telemetry, changes *history) (*asking, error) {
	instrument, err := recording.Transport(vendorURL)
	if err != nil {
		return nil, err
	}
	client, err := inquiry.New(inquiry.Config{
		BaseURL: vendorURL, ASPID: "demonstration-1", AccessKey: inquiry.Secret(strings.Repeat("demo", 10)),
		Signer:  inquiry.KMV1{SecretKey: inquiry.Secret(secretKey)},
		Timeout: tryTimeout, Concurrency: concurrency, DialContext: s.network.DialContext, Instrument: instrument,
	})
	if err != nil {
		return nil, fmt.Errorf("inquiry: %w", err)
	}
	pace := inquiry.WithPace(client, inquiry.PaceConfig{OnChange: func(now inquiry.PaceStatus) {
		if now.Cause == "" {
			intake.Release(holdRate)
			return
		}
		intake.Hold(holdRate, now.Cause)
	}})
	breaker := inquiry.WithBreaker(pace, inquiry.BreakerConfig{
		Window: breakerWindow, FailureRatio: breakerRatio, Open: breakerOpen, Concurrency: concurrency, TryTimeout: tryTimeout,
		OnChange: func(_ inquiry.State, now inquiry.BreakerStatus) {
			changes.note(now)
			if now.State == inquiry.Closed {
				intake.Release(holdBreaker)
				return
			}
			intake.Hold(holdBreaker, fmt.Sprintf("the breaker is %s: %v", now.State, now.Cause))
		},
	})
	return &asking{inquiry.WithRetries(breaker, inquiry.RetryConfig{}), client, breaker}, nil
}
