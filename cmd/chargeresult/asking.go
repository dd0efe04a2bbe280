package main

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/chargeresult/chargeresult/processor"
	"github.com/chargeresult/chargeresult/processor/inquiry"
	"github.com/chargeresult/chargeresult/processor/stream"
	"github.com/chargeresult/chargeresult/processor/telemetry"
)

// The reasons why asking holds intake.
const (
	holdBreaker = "breaker" // Konaplate is down
	holdRate    = "rate"    // questions wait for the rate limit, or because Konaplate wants fewer
)

// asking is how Konaplate is asked: a question is tried a few times, each try passes the breaker, keeps the pace, is counted, and then the client asks.
type asking struct {
	processor.Inquirer
	breaker *inquiry.Breaker
	pace    *inquiry.Pace
	stats   *inquiry.Stats
}

func newAsking(c config, intake *stream.Intake, seen *telemetry.Telemetry, log *slog.Logger) (*asking, error) {
	t, err := inquiryTLS(c)
	if err != nil {
		return nil, err
	}
	instrument, err := seen.Transport(c.InquiryURL)
	if err != nil {
		return nil, err
	}
	client, err := inquiry.New(inquiry.Config{
		BaseURL: c.InquiryURL, AllowHTTP: c.InquiryAllowHTTP, ASPID: c.InquiryASPID, AccessKey: inquiry.Secret(c.InquiryAccessKey.Reveal()), Signer: signerOf(c),
		TimeZone: c.InquiryTimeZone, Timeout: c.InquiryTimeout, CorrelationID: inquiry.CorrelationID(c.InquiryCorrelationID),
		Concurrency: c.Concurrency, RejectedCodes: c.RejectedCodes, TLS: t, Logger: log, Instrument: instrument,
	})
	if err != nil {
		return nil, fmt.Errorf("inquiry: %w", err)
	}
	pace := inquiry.PaceConfig{Rate: c.InquiryRate, OnChange: func(now inquiry.PaceStatus) { holdForRate(intake, now) }}
	breaker := inquiry.BreakerConfig{
		Window: c.BreakerWindow, MinRequests: c.BreakerMinRequests, FailureRatio: c.BreakerFailureRatio, Open: c.BreakerOpen,
		Concurrency: c.Concurrency, TryTimeout: c.InquiryTimeout,
		OnChange: func(_ inquiry.State, now inquiry.BreakerStatus) { holdForBreaker(intake, now) },
	}
	retries := inquiry.RetryConfig{Tries: c.InquiryTries}
	if err := errors.Join(pace.Validate(), breaker.Validate(), retries.Validate()); err != nil {
		return nil, fmt.Errorf("inquiry: %w", err)
	}
	a := &asking{stats: inquiry.WithStats(client)}
	a.pace = inquiry.WithPace(a.stats, pace)
	a.breaker = inquiry.WithBreaker(a.pace, breaker)
	a.Inquirer = inquiry.WithRetries(a.breaker, retries)
	return a, nil
}

// holdForBreaker lets nothing in while Konaplate is down. What is in flight waits, and is what the breaker probes with.
func holdForBreaker(intake *stream.Intake, now inquiry.BreakerStatus) {
	if now.State == inquiry.Closed {
		intake.Release(holdBreaker)
		return
	}
	intake.Hold(holdBreaker, fmt.Sprintf("Konaplate is down, the breaker is %s: %v", now.State, now.Cause))
}

func holdForRate(intake *stream.Intake, now inquiry.PaceStatus) {
	if now.Cause == "" {
		intake.Release(holdRate)
		return
	}
	intake.Hold(holdRate, now.Cause)
}

func signerOf(c config) inquiry.Signer {
	if token := c.InquiryTranToken.Reveal(); token != "" {
		return inquiry.StaticToken{Token: inquiry.Secret(token)}
	}
	return inquiry.KMV1{SecretKey: inquiry.Secret(c.InquirySecretKey.Reveal())}
}

// mostInquiries says, for the log, what all processes together may send.
func (c config) mostInquiries() string {
	if c.InquiryRate > 0 {
		return fmt.Sprintf("at most %g a second from this process", c.InquiryRate)
	}
	return fmt.Sprintf("at most %d at once from this process, and as many from each other one; no rate limit", c.Concurrency)
}
