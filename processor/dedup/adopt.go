package dedup

import (
	"context"
	"crypto/rand"
	_ "embed"

	"github.com/redis/go-redis/v9"
)

//go:embed adopt.lua
var adoptLua string

// Adopt makes the claims that are there those of Config.TopicIDs, in a new incarnation, and counts generations from 0 again: somebody who
// knows has said that a topic was recreated, or the group begun anew, on purpose. What the records of a recreated topic owned stays: settled
// transactions are not asked again, and unfinished ones are taken over where Config.Gone says so.
//
// A store that was wiped or replaced is not adopted: the error is a Loss, as it is for another cluster's.
func (s *Store) Adopt(ctx context.Context) error {
	bounded, cancel := s.bound(ctx)
	defer cancel()
	args := append([]any{2, fieldClusterID, s.cfg.ClusterID, rand.Text()}, s.identity...)
	cmd := redis.NewScript(guardLua+adoptLua).Run(bounded, s.client, []string{s.keys.sentinel()}, args...)
	if _, err := s.admitted(cmd); err != nil {
		return s.failed(ctx, "adopt claims", err)
	}
	return nil
}
