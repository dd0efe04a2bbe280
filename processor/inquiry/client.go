package inquiry

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor"
)

const (
	maxBody     = 64 << 10         // bytes of a reply's body that are read; one more and it is not an answer
	maxHeader   = 64 << 10         // bytes of a reply's headers that are read
	idleTimeout = 30 * time.Second // how long a connection is kept without a question; shorter than servers usually keep it
)

// ErrTimeout is the cause of an Answer whose try had no whole reply within Config.Timeout.
var ErrTimeout = errors.New("no whole reply within the try's deadline")

// Client asks Konaplate, once a call. It may be used by many goroutines at once.
type Client struct {
	cfg      Config
	zone     *time.Location
	rejected codes
	signer   Signer
	request  *http.Request // what is the same of all requests
	conns    *http.Transport
	http     http.RoundTripper // conns, or what Config.Instrument made of it
	timedOut error
	fresh    freshIDs
}

var _ processor.Inquirer = (*Client)(nil)

// New returns a client, or every fault of cfg. It sends nothing.
func New(cfg Config) (*Client, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("inquiry configuration: %w", err)
	}
	cfg = cfg.withDefaults()
	zone, err := zoneOf(cfg.TimeZone)
	if err != nil {
		return nil, err
	}
	signer, err := prepared(cfg.Signer)
	if err != nil {
		return nil, fmt.Errorf("inquiry: prepare the signer: %w", err)
	}
	request, err := http.NewRequest(http.MethodPost, strings.TrimRight(cfg.BaseURL, "/")+inquiryPath, nil)
	if err != nil {
		return nil, fmt.Errorf("inquiry request: %w", err)
	}
	c := &Client{
		cfg:      cfg,
		zone:     zone,
		rejected: cfg.RejectedCodes,
		signer:   signer,
		request:  request,
		conns:    transport(cfg),
		timedOut: fmt.Errorf("%w of %v", ErrTimeout, cfg.Timeout),
	}
	c.http = c.conns
	if cfg.Instrument != nil {
		c.http = cfg.Instrument(c.conns)
	}
	c.fresh.last.Store(rand.Uint32())
	token, err := sign(signer, []byte("{}"), time.Now().In(zone))
	if err != nil {
		return nil, fmt.Errorf("inquiry: sign on trial: %w", err)
	}
	c.warn(len(token))
	return c, nil
}

// transport keeps to HTTP/1.1: on HTTP/2 all questions would share one connection, and its fate.
func transport(cfg Config) *http.Transport {
	secure := &tls.Config{}
	if cfg.TLS != nil {
		secure = cfg.TLS.Clone()
	}
	secure.MinVersion = max(secure.MinVersion, tls.VersionTLS12)
	dial := cfg.DialContext
	if dial == nil {
		dial = (&net.Dialer{Timeout: cfg.Timeout, KeepAlive: 15 * time.Second}).DialContext
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		Proxy:                  cfg.Proxy,
		DialContext:            dial,
		TLSClientConfig:        secure,
		TLSHandshakeTimeout:    cfg.Timeout,
		Protocols:              protocols,
		DisableCompression:     true, // maxBody is then what is read and what is parsed
		MaxIdleConns:           cfg.Concurrency,
		MaxIdleConnsPerHost:    cfg.Concurrency,
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: maxHeader,
	}
}

// warn says once what is allowed but may surprise.
func (c *Client) warn(tokenLength int) {
	if tokenLength != pageTokenLength {
		c.cfg.Logger.Warn("the token is not as long as the API page says; the vendor's own sample is 67 long. "+
			"If Konaplate answers 401, try 16 time digits or unpadded Base64",
			"header", headerTranToken, "length", tokenLength, "page", pageTokenLength)
	}
	if c.request.URL.Scheme == "http" {
		c.cfg.Logger.Warn("the inquiry is not encrypted: for simulators only", "url", c.request.URL.String())
	}
}

// Close drops the connections that are kept alive.
func (c *Client) Close() { c.conns.CloseIdleConnections() }

// Inquire implements processor.Inquirer. It has one deadline for everything, Config.Timeout, or ctx's if that is sooner.
// It never waits for its turn, and so draining is nothing to it.
// A question that can't be put (the signer failed, the event is invalid) is OurFault, with a Cause that says why.
func (c *Client) Inquire(ctx context.Context, _ <-chan struct{}, e events.Event) (processor.Answer, error) {
	m, err := c.compose(e, time.Now())
	if err != nil {
		return processor.Answer{Class: processor.OurFault, Cause: fmt.Errorf("inquiry not sent: %w", err)}, nil
	}
	try, cancel := context.WithTimeoutCause(ctx, c.cfg.Timeout, c.timedOut)
	defer cancel()
	status, header, body, err := c.exchange(try, m)
	switch {
	case err == nil:
		return c.rejected.classify(status, header, body, m.correlationID, c.cfg.AccessKey.Reveal(), m.token), nil
	case ctx.Err() != nil:
		return processor.Answer{}, fmt.Errorf("inquiry interrupted: %w", ctx.Err())
	case try.Err() != nil:
		err = context.Cause(try)
	}
	answer := processor.Answer{Class: processor.VendorDown, Cause: scrub(err, c.cfg.AccessKey.Reveal(), m.token)}
	if errors.Is(err, errTruncated) {
		answer.Class = processor.NotAnAnswer
	}
	return answer, nil
}
