package dedup

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// Facts is what a server says of itself in INFO. Managed servers often refuse CONFIG, but not INFO.
// What a server leaves out is empty.
type Facts struct {
	Version         string // redis_version: 7.0 or later is needed, for SET with NX and GET
	RunID           string // run_id: another one after every start
	Role            string // role: master or slave
	MaxMemoryPolicy string // maxmemory_policy: see CheckPolicy
	AOF             bool   // aof_enabled
	EvictedKeys     int64  // evicted_keys since the server started, under whatever policy it had
}

// Facts asks the server that holds the group's keys.
func (s *Store) Facts(ctx context.Context) (Facts, error) {
	bounded, cancel := s.bound(ctx)
	defer cancel()
	// By way of a script, because a Cluster sends INFO itself to any of its servers.
	info, err := s.client.Eval(bounded, "return redis.call('INFO')", []string{s.keys.sentinel()}).Text()
	if err != nil {
		return Facts{}, s.unavailable(ctx, "facts of claim store", err)
	}
	return parseInfo(info), nil
}

// Inspect asks the server that cfg names, of which only URL, TLS, OperationTimeout and Dialer count: for whoever wants to look
// before there is a store. Of a Cluster it asks any server. A server that refuses INFO has no facts, and that is no error.
func Inspect(ctx context.Context, cfg Config) (Facts, error) {
	client, server, err := newClient(cfg.withDefaults())
	if err != nil {
		return Facts{}, err
	}
	defer client.Close()
	if err := client.Ping(ctx).Err(); err != nil {
		return Facts{}, fmt.Errorf("ask redis %s: %w", server, err)
	}
	info, _ := client.Info(ctx).Result()
	return parseInfo(info), nil
}

// CheckURL says what is wrong with a URL, without a part of it that may be a password.
func CheckURL(url string) error {
	_, _, err := parseURL(url)
	return err
}

// parseInfo reads the answer to INFO: lines of name:value.
func parseInfo(info string) Facts {
	fields := map[string]string{}
	for line := range strings.Lines(info) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		fields[name] = value
	}
	evicted, _ := strconv.ParseInt(fields["evicted_keys"], 10, 64)
	return Facts{
		Version:         fields["redis_version"],
		RunID:           fields["run_id"],
		Role:            fields["role"],
		MaxMemoryPolicy: fields["maxmemory_policy"],
		AOF:             fields["aof_enabled"] == "1",
		EvictedKeys:     evicted,
	}
}

// CheckPolicy returns an error unless the server keeps every claim until it expires. Any policy but noeviction removes keys without
// a word when memory runs short, and each removed claim lets a duplicate through; noeviction refuses new claims instead.
func CheckPolicy(f Facts) error {
	if f.MaxMemoryPolicy == "noeviction" {
		return nil
	}
	return fmt.Errorf("maxmemory_policy is %q: the server may evict claims, and each evicted claim lets a duplicate through; "+
		"set maxmemory-policy to noeviction (CONFIG SET maxmemory-policy noeviction and redis.conf, or the parameter group of a managed server)", f.MaxMemoryPolicy)
}
