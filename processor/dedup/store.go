package dedup

import (
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/hex"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/chargeresult/chargeresult/processor"
)

// The scripts. Each but the last begins with the guard.
var (
	//go:embed guard.lua
	guardLua string
	//go:embed claim.lua
	claimLua string
	//go:embed settle.lua
	settleLua string
	//go:embed incarnation.lua
	incarnationLua string
	//go:embed initialise.lua
	initialiseLua string
)

// Fields of the sentinel, beside one topic:<name> for each input topic.
const (
	fieldRunID     = "run_id"
	fieldClusterID = "cluster_id"
	fieldTopic     = "topic:"
)

// Store keeps claims in Redis. Its methods may be called by many goroutines at once.
// Nothing in it changes after Open, but for the client's pool of connections.
type Store struct {
	cfg      Config
	client   redis.UniversalClient
	server   string // address, for errors
	keys     keys
	identity []any // name, value, ...: what the sentinel must say

	claim, settle, incarnation, initialise *redis.Script
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
		cfg:         cfg,
		client:      client,
		server:      "redis " + server,
		keys:        keysOf(cfg.Group),
		identity:    identity(cfg),
		claim:       redis.NewScript(guardLua + claimLua),
		settle:      redis.NewScript(guardLua + settleLua),
		incarnation: redis.NewScript(guardLua + incarnationLua),
		initialise:  redis.NewScript(initialiseLua),
	}
	if _, err := s.Facts(ctx); err != nil {
		client.Close()
		return nil, fmt.Errorf("open: %w", err)
	}
	return s, nil
}

// identity is what the sentinel must say of the cluster and the topics.
func identity(cfg Config) []any {
	fields := []any{fieldClusterID, cfg.ClusterID}
	for name, id := range cfg.TopicIDs {
		fields = append(fields, fieldTopic+name, hex.EncodeToString(id[:]))
	}
	return fields
}

// Close closes the connections.
func (s *Store) Close() error { return s.client.Close() }

// Initialise creates the sentinel, and with it the first incarnation, of a group that never claimed.
// Where there is one it stays, but for its generation, which is 0 again; and Initialise reports whether it may be claimed under: it is safe to repeat, and in several processes at once.
//
// Whether the group never claimed is the caller's to know, from Kafka: the store cannot tell a new server from a wiped one.
// Initialising a wiped store lets every transaction be asked, and published, a second time.
func (s *Store) Initialise(ctx context.Context) error {
	bounded, cancel := s.bound(ctx)
	defer cancel()
	args := append([]any{rand.Text()}, s.identity...)
	if err := s.initialise.Run(bounded, s.client, []string{s.keys.sentinel()}, args...).Err(); err != nil {
		return s.unavailable(ctx, "initialise claims", err)
	}
	_, err := s.Incarnation(ctx)
	return err
}

// Incarnation implements processor.Claims.
func (s *Store) Incarnation(ctx context.Context) (string, error) {
	bounded, cancel := s.bound(ctx)
	defer cancel()
	replies, err := s.eval(bounded, s.incarnation, []call{{}})
	if err != nil {
		return "", s.failed(ctx, "claim store's incarnation", err)
	}
	return replies[0].incarnation, nil
}

// bound puts the operation timeout on one call of a method.
func (s *Store) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, s.cfg.OperationTimeout)
}
