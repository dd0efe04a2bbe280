package stream

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// checkMember notices that the group knows us under another member ID than the one the messages' partitions were assigned to. The client can
// rejoin as another member without saying so:
//
//  1. the member pauses for longer than its session and is expelled; another member takes its partitions, finishes records and leaves
//  2. the member's join is refused (UNKNOWN_MEMBER_ID); the client joins again, as a new member, without OnPartitionsLost
//  3. it is assigned the partitions it had; the client "keeps" them: no callback, and the committed offsets are not read again
//
// The trackers would go on from where they were and publish again. So a changed member ID ends the session.
//
// The generation it returns was read together with the member ID: a later one may be another member's.
func (s *session) checkMember(messages []*Message) (Member, error) {
	id, generation := s.consumer.GroupMetadata()
	for _, m := range messages {
		if m.partition.member != id {
			return Member{}, fmt.Errorf("%w: %q, was %q", errMemberChanged, id, m.partition.member)
		}
	}
	return Member{Generation: generation, prove: func(ctx context.Context) (int32, error) { return s.prove(ctx, id) }}, nil
}

// prove sends a heartbeat of its own: the answer to it is the coordinator's word that the member is one, in the generation that the client
// knows of now.
func (s *session) prove(ctx context.Context, id string) (int32, error) {
	now, generation := s.consumer.GroupMetadata()
	if now != id {
		return 0, fmt.Errorf("%w: %q, was %q", errMemberChanged, now, id)
	}
	if err := (membership{id, generation}).check(); err != nil {
		return 0, err
	}
	beat := kmsg.NewPtrHeartbeatRequest()
	beat.Group, beat.MemberID, beat.Generation = s.cfg.Group, id, generation
	if s.cfg.InstanceID != "" {
		beat.InstanceID = &s.cfg.InstanceID
	}
	resp, err := beat.RequestWith(ctx, s.consumer)
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	if errors.Is(err, kerr.RebalanceInProgress) || errors.Is(err, kerr.IllegalGeneration) {
		err = fmt.Errorf("%w: %w", ErrRebalancing, err)
	}
	if err != nil {
		return 0, fmt.Errorf("prove membership %q in generation %d: %w", id, generation, err)
	}
	return generation, nil
}

// membershipHook hears from the client why it is no working member of the group, before it tries to join again. (A poll tells so too, but
// later: the process may be a member again by then, and nobody would release the hold.)
type membershipHook struct{ intake *Intake }

// OnGroupManageError implements kgo.HookGroupManageError.
func (h membershipHook) OnGroupManageError(err error) { h.intake.Hold(HeldByGroup, err.Error()) }
