package dedup

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/chargeresult/chargeresult/processor"
)

// Defaults of Config.
const (
	DefaultTTL              = 7 * 24 * time.Hour
	DefaultOperationTimeout = 2 * time.Second
)

// Config says where claims are kept, and whose they are.
type Config struct {
	// URL of the server; required. It may hold credentials, and so appears in no error.
	//
	//	redis://user:password@host:6379/0                                           one server
	//	redis+sentinel://host:26379/0?addr=host2:26379&master_name=m&password=p     Redis Sentinel
	//	redis+cluster://host:6379?addr=host2:6379                                   Redis Cluster
	//
	// Sentinel's own credentials stand before its host, those of the server it leads to in username and password.
	// A scheme that begins with rediss speaks TLS. Other parameters are refused: timeouts and pools are the store's business.
	URL string
	// TLS holds the authorities and the client certificate, and requires a rediss URL; nil: the system's authorities.
	TLS *tls.Config
	// Holder names this process to the others that wait while it rebuilds, as in host:pid; empty: "unnamed".
	Holder string
	// Group is the consumer group that claims; required. Groups do not see each other's claims.
	Group string
	// TTL is for how long a claim stands after it was last written: how late a duplicate may come.
	// At least a millisecond; 0: DefaultTTL.
	TTL time.Duration
	// ClusterID is the Kafka cluster's ID; required.
	ClusterID string
	// TopicIDs are the IDs of the input topics, by name; required. A topic recreated under its name has another ID.
	TopicIDs map[string][16]byte
	// OperationTimeout bounds every call of the store; 0: DefaultOperationTimeout.
	OperationTimeout time.Duration
	// Dialer replaces the network, TLS included; nil: the network. It exists for servers in memory.
	Dialer func(ctx context.Context, network, addr string) (net.Conn, error)
	// Gone reports whether a record can never be answered any more: its topic was recreated, or its offset is below the log's start,
	// and no instance read it before that and works on it still. Where it is wrong, one transaction gets two finals. It is called for
	// claims that another record holds unfinished, by several goroutines at once, and must not block. nil: none ever is.
	Gone func(processor.Owner) bool
	// Instrument is told of each round trip: which script runs, and how often in it. What it returns is told of the end. nil: nobody.
	Instrument func(ctx context.Context, script string, runs int) (ended func(error))
}

// withDefaults fills in what was left out.
func (c Config) withDefaults() Config {
	c.TTL = cmp.Or(c.TTL, DefaultTTL)
	c.Holder = cmp.Or(c.Holder, "unnamed")
	c.OperationTimeout = cmp.Or(c.OperationTimeout, DefaultOperationTimeout)
	if c.Instrument == nil {
		c.Instrument = func(context.Context, string, int) func(error) { return func(error) {} }
	}
	if c.Gone == nil {
		c.Gone = func(processor.Owner) bool { return false }
	}
	return c
}

// validate names every field that is at fault.
func (c Config) validate() error {
	var faults []error
	fault := func(field, what string, value any) {
		faults = append(faults, fmt.Errorf("dedup: %s %s, not %v", field, what, value))
	}
	if c.Group == "" {
		fault("Group", "must name the consumer group", `""`)
	}
	if c.ClusterID == "" {
		fault("ClusterID", "must name the Kafka cluster", `""`)
	}
	if len(c.TopicIDs) == 0 {
		fault("TopicIDs", "must name the input topics", "none")
	}
	for name, id := range c.TopicIDs {
		if id == [16]byte{} {
			fault("TopicIDs", "must hold the ID of topic "+name, "zero")
		}
	}
	if c.TTL < time.Millisecond {
		fault("TTL", "must be 1ms or more", c.TTL)
	}
	if c.OperationTimeout <= 0 {
		fault("OperationTimeout", "must be positive", c.OperationTimeout)
	}
	return errors.Join(faults...)
}
