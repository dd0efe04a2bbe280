package processor

import (
	"context"
	"errors"
	"fmt"

	"github.com/chargeresult/chargeresult/processor/stream"
)

// claim claims a poll's transactions; what has none, because nothing in it is an event, needs no store. A store that lost its claims, or was never used, is rebuilt from the topics first: by this process, or by
// another, while this one is told to wait.
func (p *Processor) claim(ctx context.Context, member stream.Member, claims []Claim) ([]Claimed, error) {
	if len(claims) == 0 {
		return nil, nil
	}
	cause := errOffsetsAccepted
	if !p.mustRebuild {
		claimed, err := p.cfg.Claims.Claim(ctx, member.Generation, claims)
		if !p.mendable(ctx, member, err) {
			return claimed, err
		}
		cause = err
	}
	p.cfg.Intake.Hold(HoldRebuild, cause.Error())
	defer p.cfg.Intake.Release(HoldRebuild) // what is waited for beyond the rebuild is the engine's to say
	err := p.cfg.Rebuilder.Rebuild(ctx, member)
	if err == nil || errors.Is(err, ErrRebuilding) {
		p.mustRebuild = false // another's is as good: two that insisted on their own would undo each other's for ever
	}
	if err != nil {
		return nil, fmt.Errorf("rebuild: %w", err)
	}
	return p.cfg.Claims.Claim(ctx, member.Generation, claims)
}

var errOffsetsAccepted = errors.New("moved offsets are accepted: what is settled or waiting must be known before anything is claimed")

// mendable says whether a rebuild mends what is wrong with the claims. It does if the group's generations count from 1 again, because it was
// deleted: whoever is a member now, in a generation older than one that claimed before, is a member of another life of the group.
func (p *Processor) mendable(ctx context.Context, member stream.Member, err error) bool {
	switch {
	case errors.Is(err, ErrClaimsForeign):
		return false
	case errors.Is(err, ErrClaimStale):
		now, err := member.Prove(ctx)
		return err == nil && now == member.Generation
	}
	return errors.Is(err, ErrClaimsLost)
}
