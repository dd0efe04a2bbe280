package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// read polls, admits and dispatches until ctx ends. When intake must stop, it simply does not poll:
// membership needs no polling.
func (s *session) read(ctx context.Context) {
	for {
		room := s.ahead.wait(ctx)
		if room == 0 {
			return
		}
		fetches := s.consumer.PollRecords(ctx, min(room, maxPoll))
		messages := s.parts.accept(fetches, fetches.NumRecords())
		s.consumer.AllowRebalance()
		s.faults(fetches)
		if fetches.NumRecords() == 0 && fetches.Err() != nil { // the client asks again at once
			select {
			case <-ctx.Done():
			case <-time.After(readBackoff):
			}
		}
		if ctx.Err() != nil || len(messages) == 0 {
			continue
		}
		s.parts.throttle(s.consumer)
		s.ahead.take(len(messages))
		s.order.dispatch(s.admit(ctx, messages))
	}
}

// readBackoff is how long reading waits after a poll that had nothing but errors.
const readBackoff = 200 * time.Millisecond

// How long a refused admission waits before it is tried again, at first and at most.
const (
	admitBackoff    = 50 * time.Millisecond
	admitBackoffMax = time.Second
)

// admit asks the handler to admit the messages until it does, and returns those that are still ours then.
func (s *session) admit(ctx context.Context, messages []*Message) []*Message {
	for wait := admitBackoff; ; wait = min(2*wait, admitBackoffMax) {
		var lost []*Message
		messages, lost = s.parts.sift(messages)
		s.ahead.release(len(lost))
		if len(messages) == 0 {
			s.status.release(s.cfg.Logger)
			return nil
		}
		member, err := s.checkMember(messages)
		if err == nil {
			if err = s.cfg.Handler.Admit(ctx, member, messages); err == nil {
				s.status.release(s.cfg.Logger)
				return messages
			}
		}
		if errors.Is(err, errMemberChanged) {
			s.failed(err)
		}
		if ctx.Err() == nil { // else it is no news that it is refused
			s.status.hold(err, s.cfg.Logger)
		}
		select {
		case <-ctx.Done():
			s.ahead.release(len(messages))
			return nil
		case <-time.After(wait):
		}
	}
}

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
	return Member{Generation: generation, prove: func(ctx context.Context) error { return s.prove(ctx, id, generation) }}, nil
}

// prove sends a heartbeat of its own: the answer to it is the coordinator's word that the member is one in this generation.
func (s *session) prove(ctx context.Context, id string, generation int32) error {
	if err := (membership{id, generation}).check(); err != nil {
		return err
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
	if err != nil {
		return fmt.Errorf("prove membership %q in generation %d: %w", id, generation, err)
	}
	return nil
}

// faults deals with what a poll reports beside records.
func (s *session) faults(fetches kgo.Fetches) {
	fetches.EachError(func(topic string, number int32, err error) {
		if errors.Is(err, context.Canceled) || errors.Is(err, kgo.ErrClientClosed) {
			return
		}
		if errors.Is(err, kerr.FencedInstanceID) {
			s.failed(fmt.Errorf("%w: instance ID %q", ErrFenced, s.cfg.InstanceID))
			return
		}
		if group := (*kgo.ErrGroupSession)(nil); errors.As(err, &group) {
			s.status.part(err)
		}
		owned := s.parts.find(map[string][]int32{topic: {number}})
		if topic != "" && number >= 0 && len(owned) == 0 {
			// The client was assigned the partition but could not read the group's offset, and will not try again in this session.
			s.failed(fmt.Errorf("take up %s[%d]: %w", topic, number, err))
			return
		}
		var named error
		switch lost := (*kgo.ErrDataLoss)(nil); {
		case errors.Is(err, kerr.OffsetOutOfRange), errors.As(err, &lost):
			named = fmt.Errorf("%w: %w", ErrOffsetOutOfRange, err)
		case errors.Is(err, kerr.UnknownTopicID), errors.Is(err, kerr.InconsistentTopicID):
			named = fmt.Errorf("%w: %w", ErrRecreatedTopic, err)
		default:
			s.status.unreadable(topic, number, err, s.cfg.Logger)
			return
		}
		for _, p := range owned {
			s.stop(p, named, acceptAdvice)
		}
		s.parts.throttle(s.consumer)
	})
}
