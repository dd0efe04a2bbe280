package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// read takes turns until ctx ends. When intake must stop, it simply does not poll: membership needs no polling.
func (s *session) read(ctx context.Context) {
	for ctx.Err() == nil {
		s.turn(ctx)
	}
}

// turn admits and dispatches what is due of what waits here or, if nothing is, what it polls. It ends without either when intake is held or
// released: then there is another room to fill.
func (s *session) turn(ctx context.Context) {
	turn, end, held := s.cfg.Intake.turn(ctx)
	defer end()
	room := min(s.ahead.wait(turn, held), maxPoll)
	if room == 0 {
		return
	}
	messages, next := s.parts.due(time.Now(), room)
	if len(messages) == 0 {
		messages = s.poll(turn, next, room)
	}
	s.parts.throttle(s.consumer)
	if ctx.Err() != nil || len(messages) == 0 {
		return
	}
	s.ahead.take(len(messages))
	s.order.dispatch(s.admit(ctx, messages))
}

// poll returns the messages of at most limit new records, which may be none. It waits for records until ctx ends, or until next, when the first of what
// waits here is due.
func (s *session) poll(ctx context.Context, next time.Time, limit int) []*Message {
	if !next.IsZero() {
		var end context.CancelFunc
		ctx, end = context.WithDeadline(ctx, next)
		defer end()
	}
	fetches := s.consumer.PollRecords(ctx, limit)
	messages := s.parts.accept(fetches, time.Now())
	s.consumer.AllowRebalance()
	if ctx.Err() != nil && errors.Is(fetches.Err0(), ctx.Err()) {
		return nil // it was we who ended it
	}
	s.faults(fetches)
	if fetches.NumRecords() == 0 && fetches.Err() != nil { // the client asks again at once
		select {
		case <-ctx.Done():
		case <-time.After(readBackoff):
		}
	}
	return messages
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
			s.cfg.Intake.Release(HeldByAdmission)
			return nil
		}
		member, err := s.checkMember(messages)
		if err == nil {
			if err = s.cfg.Handler.Admit(ctx, member, messages); err == nil {
				s.cfg.Intake.Release(HeldByAdmission)
				return messages
			}
		}
		if errors.Is(err, errMemberChanged) {
			s.failed(err)
		}
		if ctx.Err() == nil { // else it is no news that it is refused
			s.cfg.Intake.Hold(HeldByAdmission, err.Error())
		}
		select {
		case <-ctx.Done():
			s.ahead.release(len(messages))
			return nil
		case <-time.After(wait):
		}
	}
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
			return // the membership hook was told
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
