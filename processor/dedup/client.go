package dedup

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// poolSize is the most connections to one server: a call takes one, and an engine has a few calls under way at once.
const poolSize = 10

// newClient returns a client of the servers that cfg names, without connecting to them, and their address for errors.
func newClient(cfg Config) (redis.UniversalClient, string, error) {
	o, where, err := parseURL(cfg.URL)
	if err != nil {
		return nil, "", fmt.Errorf("dedup: URL: %w", err)
	}
	if cfg.TLS != nil && o.TLSConfig == nil {
		return nil, "", errors.New("dedup: TLS is configured, but the URL's scheme is not rediss: write rediss:// or drop the TLS settings")
	}
	if o.TLSConfig != nil {
		// The client verifies the name of the address it dials: Sentinel and Cluster lead to more than the URL's host.
		o.TLSConfig = cmp.Or(cfg.TLS, &tls.Config{}).Clone()
		o.TLSConfig.MinVersion = max(o.TLSConfig.MinVersion, tls.VersionTLS12)
	}
	o.Dialer = cfg.Dialer
	o.ContextTimeoutEnabled = true // or a context's deadline does not reach the socket
	o.MaxRetries = -1              // whoever claims asks again, and knows that it does
	o.MaxRedirects = -1            // in a Cluster too: it learns of the new master, and the next call goes there
	o.DialerRetries = 1
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout = cfg.OperationTimeout, cfg.OperationTimeout, cfg.OperationTimeout
	o.PoolTimeout = cfg.OperationTimeout
	o.PoolSize = poolSize
	o.PipelinePoolSize = -1  // every call is a pipeline: one pool is enough
	o.DisableIdentity = true // CLIENT SETINFO came with Redis 7.2, and fails before it
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return redis.NewUniversalClient(o), where, nil
}

// parseURL reads a Config's URL. Its errors hold no part of it that may be a password.
func parseURL(raw string) (*redis.UniversalOptions, string, error) {
	u, err := url.Parse(raw)
	if err != nil {
		// The error quotes the URL.
		return nil, "", errors.New("cannot be read: write special characters of a password as %XX")
	}
	scheme, kind, _ := strings.Cut(u.Scheme, "+")
	if scheme != "redis" && scheme != "rediss" {
		return nil, "", fmt.Errorf("scheme must be redis or rediss, alone or with +sentinel or +cluster, not %q", u.Scheme)
	}
	parse, allowed, err := parserOf(kind)
	if err != nil {
		return nil, "", err
	}
	for name := range u.Query() {
		if !slices.Contains(allowed, name) {
			return nil, "", fmt.Errorf("parameter %s is not supported with scheme %s: allowed are %q", name, u.Scheme, allowed)
		}
	}
	where := u.Host
	u.Scheme = scheme
	o, err := parse(u.String())
	return o, where, err
}

// parserOf returns what reads a URL of a kind, and the parameters that it may have.
func parserOf(kind string) (parse func(string) (*redis.UniversalOptions, error), allowed []string, err error) {
	switch kind {
	case "":
		return parseSingle, nil, nil
	case "sentinel":
		return parseSentinel, []string{"addr", "master_name", "username", "password"}, nil
	case "cluster":
		return parseCluster, []string{"addr"}, nil
	default:
		return nil, nil, fmt.Errorf("kind of server must be sentinel or cluster, not %q", kind)
	}
}

func parseSingle(raw string) (*redis.UniversalOptions, error) {
	o, err := redis.ParseURL(raw)
	if err != nil {
		return nil, err
	}
	return &redis.UniversalOptions{Addrs: []string{o.Addr}, DB: o.DB, Username: o.Username, Password: o.Password, TLSConfig: o.TLSConfig}, nil
}

func parseSentinel(raw string) (*redis.UniversalOptions, error) {
	o, err := redis.ParseFailoverURL(raw)
	if err != nil {
		return nil, err
	}
	if o.MasterName == "" {
		return nil, errors.New("parameter master_name is missing: Sentinel knows its servers by name")
	}
	return &redis.UniversalOptions{
		Addrs: o.SentinelAddrs, MasterName: o.MasterName, DB: o.DB, Username: o.Username, Password: o.Password,
		SentinelUsername: o.SentinelUsername, SentinelPassword: o.SentinelPassword, TLSConfig: o.TLSConfig,
	}, nil
}

func parseCluster(raw string) (*redis.UniversalOptions, error) {
	o, err := redis.ParseClusterURL(raw)
	if err != nil {
		return nil, err
	}
	return &redis.UniversalOptions{Addrs: o.Addrs, IsClusterMode: true, Username: o.Username, Password: o.Password, TLSConfig: o.TLSConfig}, nil
}
