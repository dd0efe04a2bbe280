package dedup

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/redis/go-redis/v9"

	"github.com/chargeresult/chargeresult/processor"
)

// chunk is the most keys one run of a script works on. A script stops the server for everyone while it runs:
// about a millisecond for this many.
const chunk = 256

// call is one run of a script: its keys and arguments, or the part of them that comes after its guard's.
type call struct {
	keys []string
	args []any
}

// reply is what a script answered that its guard let through.
type reply struct {
	id     string // the incarnation; of begin.lua the server's run ID
	values []any  // one a key if the script returns any: a string, or nil
}

// eval runs a script once per call, in order, all of them in one round trip; guard is what its guard wants.
// Its error is a Loss, a processor.ErrClaimStale or ErrRebuilding, or whatever kept the server from answering.
func (s *Store) eval(ctx context.Context, script *redis.Script, guard call, calls []call) ([]reply, error) {
	cmds, err := s.pipeline(ctx, script.EvalSha, guard, calls)
	if redis.HasErrorPrefix(err, "NOSCRIPT") {
		// A new server, or SCRIPT FLUSH. What ran before it is run again, which every script allows.
		cmds, err = s.pipeline(ctx, script.Eval, guard, calls)
	}
	if err != nil {
		return nil, err
	}
	replies := make([]reply, len(cmds))
	for i, cmd := range cmds {
		if replies[i], err = s.admitted(cmd); err != nil {
			return nil, err
		}
	}
	return replies, nil
}

// pipeline sends the calls by run, which is a script's EvalSha or Eval. Its error is the first call's that failed.
func (s *Store) pipeline(ctx context.Context, run func(context.Context, redis.Scripter, []string, ...any) *redis.Cmd, guard call, calls []call) ([]*redis.Cmd, error) {
	cmds := make([]*redis.Cmd, len(calls))
	_, err := s.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, c := range calls {
			cmds[i] = run(ctx, p, slices.Concat(guard.keys, c.keys), slices.Concat(guard.args, c.args)...)
		}
		return nil
	})
	return cmds, err
}

// admitted reads a script's reply: what it returned, or why its guard refused.
func (s *Store) admitted(cmd *redis.Cmd) (reply, error) {
	fields, err := cmd.Slice()
	if err != nil {
		return reply{}, err
	}
	text := func(i int) string {
		if i >= len(fields) {
			return ""
		}
		t, _ := fields[i].(string)
		return t
	}
	switch text(0) {
	case "ok":
		return reply{id: text(1), values: fields[2:]}, nil
	case "missing":
		return reply{}, &Loss{Server: s.server, Sentinel: s.keys.sentinel()}
	case "differs":
		return reply{}, &Loss{Server: s.server, Sentinel: s.keys.sentinel(), Field: text(1), Stored: text(2), Found: text(3)}
	case "stale":
		return reply{}, fmt.Errorf("%w: the newest generation seen is %s", processor.ErrClaimStale, text(1))
	case "held":
		return reply{}, heldBy(text(1))
	case "finished":
		return reply{}, &finishedError{incarnation: text(1)}
	case "expired":
		return reply{}, &Loss{Server: s.server, Sentinel: s.keys.sentinel(), Field: fieldLease}
	default:
		return reply{}, fmt.Errorf("script answered %q", fields)
	}
}

// failed is the error of an operation whose eval failed with err, to a caller with ctx.
func (s *Store) failed(ctx context.Context, op string, err error) error {
	for _, answer := range [...]error{processor.ErrClaimsLost, processor.ErrClaimStale, processor.ErrRebuilding} {
		if errors.Is(err, answer) {
			return fmt.Errorf("%s: %w", op, err)
		}
	}
	return s.unavailable(ctx, op, err)
}
