package inquiry

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// CorrelationID says which correlation ID goes on the wire.
type CorrelationID string

// The two ways to choose X-KM-Correlation-Id.
const (
	// EventID sends the event's own: one search in Konaplate's logs finds the whole transaction. The default.
	EventID CorrelationID = "event"
	// FreshID makes a new one for each message, for contracts that want that.
	FreshID CorrelationID = "fresh"
)

// Config says whom to ask, as whom, and for how long. Zero fields that have a default get it.
type Config struct {
	// BaseURL is what stands before /api/v1 in the address, such as https://sandbox.konaplate.com/open-api.
	// It holds no user, query or fragment. http is accepted for a loopback address only, unless AllowHTTP.
	BaseURL string
	// AllowHTTP accepts an http BaseURL of any host: a simulator, or a proxy beside the process that adds TLS.
	AllowHTTP bool

	ASPID     string     // X-KM-User-AspId, given by the contract: 15 visible ASCII characters
	AccessKey Credential // X-KM-Access-Key, made by the project: 40 visible ASCII characters
	Signer    Signer     // makes X-KM-Tran-Token: KMV1 or StaticToken
	TimeZone  string     // X-KM-Time-Zone, and the zone of every time sent: UTC (default) or KST, which is UTC+9 all year

	// CryptoKeyID is X-KM-Crypto-Key-Id. The inquiry is documented unencrypted and there is no codec to encrypt with,
	// so that anything but empty is an error; better than to send in the clear what someone wanted encrypted.
	CryptoKeyID string

	Timeout       time.Duration // deadline of one try, from connecting to the last byte of the body; default 5s
	CorrelationID CorrelationID // default EventID
	Concurrency   int           // how many questions may be in flight; that many connections are kept alive; default 64
	RejectedCodes []string      // codes that refuse a question for good: 007_004, or 007_* for all that begin so; nil: 007_*

	// TLS holds the vendor's CA and our client certificate; nil: the system's CAs, no certificate.
	// Versions before 1.2 and unverified certificates are not to be had.
	TLS *tls.Config
	// Proxy chooses a proxy, such as http.ProxyFromEnvironment. nil: none. The environment is not asked behind anyone's back.
	Proxy func(*http.Request) (*url.URL, error)
	// DialContext opens connections; nil: a net.Dialer. For tests.
	DialContext func(ctx context.Context, network, addr string) (net.Conn, error)
	// Instrument wraps the transport, one round trip a try, for spans and metrics. It must not add headers:
	// Konaplate is another company. Nobody stands between it and the client: a response has a Body, as http.Transport's have.
	// nil: nothing.
	Instrument func(http.RoundTripper) http.RoundTripper
	// Logger gets the warnings of New; nil: nobody.
	Logger *slog.Logger
}

var (
	errNoCodec = errors.New("CryptoKeyID: is set, but the inquiry is documented unencrypted and no body codec exists: leave it empty")

	rejectedPattern = regexp.MustCompile(`^\d{3}_(\d{3}|\d{0,2}\*)$`)
)

// withDefaults returns cfg with the defaults in the place of zero fields.
func (cfg Config) withDefaults() Config {
	cfg.TimeZone = cmp.Or(cfg.TimeZone, "UTC")
	cfg.Timeout = cmp.Or(cfg.Timeout, 5*time.Second)
	cfg.CorrelationID = cmp.Or(cfg.CorrelationID, EventID)
	cfg.Concurrency = cmp.Or(cfg.Concurrency, 64)
	if cfg.RejectedCodes == nil {
		cfg.RejectedCodes = []string{"007_*"}
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return cfg
}

// Validate returns every fault of the configuration, each beginning with the name of its field, none holding a secret.
// It signs a message on trial, so that a signer without its key is found here and not at the first question.
func (cfg Config) Validate() error {
	cfg = cfg.withDefaults()
	faults := []error{cfg.validateURL(), cfg.validateTLS()}
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if !visible(cfg.ASPID, 15, 15) {
		fault("ASPID: want 15 visible ASCII characters, have %d", len(cfg.ASPID))
	}
	if key := cfg.AccessKey.Reveal(); !visible(key, 40, 40) {
		fault("AccessKey: want 40 visible ASCII characters, have %d", len(key))
	}
	zone, err := zoneOf(cfg.TimeZone)
	if err != nil {
		faults = append(faults, err)
		zone = time.UTC
	}
	if _, err := sign(cfg.Signer, []byte("{}"), time.Now().In(zone)); err != nil {
		fault("Signer: %w", err)
	}
	if cfg.CryptoKeyID != "" {
		faults = append(faults, errNoCodec)
	}
	if cfg.Timeout < 0 {
		fault("Timeout: %v: want more than 0", cfg.Timeout)
	}
	if cfg.CorrelationID != EventID && cfg.CorrelationID != FreshID {
		fault("CorrelationID: %q: want %q or %q", cfg.CorrelationID, EventID, FreshID)
	}
	if cfg.Concurrency < 0 {
		fault("Concurrency: %d: want more than 0", cfg.Concurrency)
	}
	for _, p := range cfg.RejectedCodes {
		if !rejectedPattern.MatchString(p) {
			fault("RejectedCodes: %q: want a code such as 007_004, or the beginning of one and a star, such as 007_*", p)
		}
	}
	return errors.Join(faults...)
}

// validateURL quotes nothing of a faulty URL: what makes it faulty may be a password.
func (cfg Config) validateURL() error {
	u, err := url.Parse(cfg.BaseURL)
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https":
		return errors.New("BaseURL: want an absolute http or https URL, such as https://sandbox.konaplate.com/open-api")
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return errors.New("BaseURL: holds a user, a query or a fragment: leave it out")
	case u.Scheme == "http" && !cfg.AllowHTTP && !loopback(u.Hostname()):
		return fmt.Errorf("BaseURL: %s: would send the access key unencrypted: use https, or set AllowHTTP", u)
	}
	return nil
}

func (cfg Config) validateTLS() error {
	switch {
	case cfg.TLS == nil:
		return nil
	case cfg.TLS.InsecureSkipVerify:
		return errors.New("TLS: InsecureSkipVerify is set: name the vendor's CA in RootCAs instead")
	case cfg.TLS.MaxVersion != 0 && cfg.TLS.MaxVersion < tls.VersionTLS12:
		return errors.New("TLS: MaxVersion is below TLS 1.2")
	}
	return nil
}

// zoneOf returns the zone that a value of X-KM-Time-Zone names. Korea has had no summer time since 1988, so that its zone
// needs no database, which minimal images lack.
func zoneOf(name string) (*time.Location, error) {
	switch name {
	case "UTC":
		return time.UTC, nil
	case "KST":
		return time.FixedZone("KST", 9*60*60), nil
	}
	return nil, fmt.Errorf("TimeZone: %q: want UTC or KST", name)
}

func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

// visible reports whether s is from shortest to longest ASCII characters long, none of them blank or invisible.
func visible(s string, shortest, longest int) bool {
	if len(s) < shortest || len(s) > longest {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}
