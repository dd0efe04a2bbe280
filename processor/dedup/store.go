package dedup

import (
	"context"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/chargeresult/chargeresult/processor"
)

// Fields of the sentinel, beside one topic:<name> for each input topic.
const (
	fieldRunID     = "run_id"
	fieldClusterID = "cluster_id"
	fieldTopic     = "topic:"
)

// fieldLease is the Field of a Loss for a rebuild's lease, which is no field of the sentinel.
const fieldLease = "lease"

// Store keeps claims in Redis. Its methods may be called by many goroutines at once.
// Nothing in it changes after Open, but for the client's pool of connections.
type Store struct {
	cfg      Config
	client   redis.UniversalClient
	server   string // address, for errors
	keys     keys
	identity []string // name, value, ...: what the sentinel must say
	guard    call     // what guard.lua wants
	scripts  scripts
}

var _ processor.Claims = (*Store)(nil)

// Open returns the store that cfg names, once its server has answered. The error wraps processor.ErrClaimsUnavailable
// where it does not, and Open may be called again; any other is a fault in cfg. It does not look at the claims: a store that
// is lost says so in its methods. Close it after its last method returned.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	client, server, err := newClient(cfg)
	if err != nil {
		return nil, err
	}
	s := &Store{
		cfg:      cfg,
		client:   client,
		server:   "redis " + server,
		keys:     keysOf(cfg.Group),
		identity: identity(cfg),
		scripts:  newScripts(),
	}
	s.guard = call{
		keys: []string{s.keys.sentinel()},
		args: append([]string{strconv.Itoa(len(s.identity))}, s.identity...),
	}
	if _, err := s.Facts(ctx); err != nil {
		client.Close()
		return nil, fmt.Errorf("open: %w", err)
	}
	return s, nil
}

// identity is what the sentinel must say of the cluster and the topics.
func identity(cfg Config) []string {
	fields := []string{fieldClusterID, cfg.ClusterID}
	for name, id := range cfg.TopicIDs {
		fields = append(fields, fieldTopic+name, hex.EncodeToString(id[:]))
	}
	return fields
}

// Close closes the connections.
func (s *Store) Close() error { return s.client.Close() }

// Incarnation implements processor.Claims.
func (s *Store) Incarnation(ctx context.Context) (string, error) {
	bounded, cancel := s.bound(ctx)
	defer cancel()
	replies, err := s.eval(bounded, s.scripts.incarnation, s.guard, []call{{}})
	if err != nil {
		return "", s.failed(ctx, "claim store's incarnation", err)
	}
	return replies[0].id, nil
}

// ttl is the time to live of what is written now, as the scripts want it.
func (s *Store) ttl() string { return milliseconds(s.cfg.TTL) }

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// bound puts the operation timeout on one call of a method.
func (s *Store) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, s.cfg.OperationTimeout)
}
