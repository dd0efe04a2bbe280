package dedup

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/chargeresult/chargeresult/processor"
)

// chunk is the most keys one run of a script works on. A script stops the server for everyone while it runs:
// about a millisecond for this many.
const chunk = 256

// call is one run of a script: its keys and arguments, or the part of them that comes after its guard's.
type call struct {
	keys, args []string
}

// reply is what a script answered that its guard let through.
type reply struct {
	id     string // the incarnation; of begin.lua the server's run ID
	values []any  // one a key if the script returns any: a string, or nil
}

// eval runs a script once per call, in order, all of them in one round trip; guard is what its guard wants.
// Its error is a Loss, a processor.ErrClaimStale or ErrRebuilding, or whatever kept the server from answering.
func (s *Store) eval(ctx context.Context, sc script, guard call, calls []call) (_ []reply, err error) {
	ended := s.cfg.Instrument(ctx, sc.name, len(calls))
	defer func() { ended(err) }()
	cmds, err := s.pipeline(ctx, "evalsha", sc.sha, guard, calls)
	if redis.HasErrorPrefix(err, "NOSCRIPT") {
		// A new server, or SCRIPT FLUSH. What ran before it is run again, which every script allows.
		cmds, err = s.pipeline(ctx, "eval", sc.source, guard, calls)
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

// pipeline sends the calls as commands that run a script. Its error is the first call's that failed.
func (s *Store) pipeline(ctx context.Context, command, script string, guard call, calls []call) ([]*redis.Cmd, error) {
	cmds := make([]*redis.Cmd, len(calls))
	_, err := s.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, c := range calls {
			cmds[i] = redis.NewCmd(ctx, arguments(command, script, guard, c)...)
			cmds[i].SetFirstKeyPos(3) // by which a Cluster's client finds the server
			_ = p.Process(ctx, cmds[i])
		}
		return nil
	})
	return cmds, err
}

// arguments are a command that runs a script: its name, the script, the number of keys, the keys, the arguments.
func arguments(command, script string, guard, c call) []any {
	keys := len(guard.keys) + len(c.keys)
	all := append(make([]any, 0, 3+keys+len(guard.args)+len(c.args)), command, script, keys)
	for _, part := range [...][]string{guard.keys, c.keys, guard.args, c.args} {
		for i := range part {
			all = append(all, &part[i]) // as a string it would be allocated once more
		}
	}
	return all
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
