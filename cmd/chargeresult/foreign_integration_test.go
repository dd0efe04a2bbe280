//go:build integration

package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/chargeresult/chargeresult/deploy/testbed"
	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor"
	"github.com/chargeresult/chargeresult/processor/inquiry/konasim"
	"github.com/chargeresult/chargeresult/processor/stream"
)

// prompt is a site whose vendor answers at once, on a broker of the test's own, with everything sent so far done.
func prompt(t *testing.T, brokers string) (*site, *sending) {
	t.Helper()
	s := newSite(t, brokers, testbed.SharedRedis(t), 4, steady)
	s.extra = []string{"CHARGERESULT_SESSION_TIMEOUT=6s", "CHARGERESULT_TRANSACTION_TIMEOUT=6s"}
	var sent sending
	s.send(&sent, 0, 400, 0)
	s.cancel(&sent, 0, 400)
	return s, &sent
}

// finish starts a process, has it finish everything, and stops it.
func (s *site) finish() {
	s.Helper()
	p := s.startAndAwait("")
	s.awaitDone(eventually)
	p.stops(soon)
}

// awaitStopped waits until partitions of a topic have stopped for a reason, in the status and in the log.
func (p *program) awaitStopped(topic string, partitions int, reason error) {
	p.Helper()
	took := await(p, fmt.Sprintf("%d partitions of %s stop: %v", partitions, topic, reason), eventually, func() bool {
		p.alive()
		stopped := 0
		for _, part := range p.status().Engine.Partitions {
			if part.Topic == topic && strings.Contains(part.Stopped, reason.Error()) && strings.Contains(part.Stopped, "accept-offsets") {
				stopped++
			}
		}
		return stopped == partitions
	})
	if log := p.log.String(); !strings.Contains(log, `"msg":"partition stopped"`) || !strings.Contains(log, reason.Error()) {
		p.Errorf("the log does not say that partitions stopped: %v", reason)
	}
	p.Logf("stopped after %v: %v", took.Round(time.Millisecond), reason)
}

// awaitOthers waits until everything is done but what lies in one partition.
func (s *site) awaitOthers(topic string, partition int32) {
	s.Helper()
	await(s, "the other partitions go on", eventually, func() bool {
		s.alive()
		lag, err := s.lagOf(func(t string, p int32) bool { return t != topic || p != partition })
		return err == nil && lag == 0
	})
}

// TestOffsetsMoved moves one partition's offset back with Kafka's own tool.
func TestOffsetsMoved(t *testing.T) {
	t.Parallel()
	kafka := testbed.StartKafka(t)
	s, sent := prompt(t, kafka.Addr)
	s.finish()
	if out, err := kafka.Tool("consumer-groups", "--group", s.group, "--reset-offsets", "--topic", s.requested()+":1", "--to-offset", "10", "--execute"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	s.send(sent, 400, 400, 0)
	p := s.startAndAwait("")
	p.awaitStopped(s.requested(), 1, stream.ErrForeignCommit)
	s.awaitOthers(s.requested(), 1)
	p.stops(soon)

	s.accepted(sent)
}

// accepted runs the process with --accept-offsets: it goes on, and what was answered before is recognised.
func (s *site) accepted(sent *sending) {
	s.Helper()
	p := s.startAndAwait("", "--accept-offsets")
	s.awaitDone(eventually)
	p.stops(soon)
	v := s.judge(sent)
	if v.String() != "" {
		s.Error(v)
	}
	if v.redelivered == 0 {
		s.Error("nothing was redelivered: the test shows nothing")
	}
	if twice := s.answeredTwice(); len(twice) > 0 {
		s.Errorf("%d transactions were asked again, such as %s", len(twice), twice[0])
	}
	s.finish() // without the flag again: the offsets are ours now
}

// TestOffsetsOutOfRange removes what a stopped group has not read.
func TestOffsetsOutOfRange(t *testing.T) {
	s, sent := prompt(t, testbed.SharedKafka(t))
	s.finish()
	s.send(sent, 400, 400, 0)
	s.truncate(sent, 2)
	p := s.startAndAwait("")
	p.awaitStopped(s.requested(), 1, stream.ErrOffsetOutOfRange)
	s.awaitOthers(s.requested(), 2)
	p.stops(soon)

	s.send(sent, 800, 200, 0)
	p = s.startAndAwait("", "--accept-offsets")
	s.awaitDone(eventually)
	p.stops(soon)
	s.judged(sent)
}

// truncate removes everything in a partition of the input topic, and from the sending what was not finished.
func (s *site) truncate(sent *sending, partition int32) {
	s.Helper()
	finals := map[string]bool{}
	for _, r := range testbed.Dump(s, s.brokers, s.results()) {
		if result, err := events.DecodeResult(r.Value); err == nil && result.Operation == events.Charge {
			finals[result.CorrelationID] = true
		}
	}
	decoder, _ := events.NewDecoder(events.Fields{})
	end := int64(0)
	for _, r := range testbed.Dump(s, s.brokers, s.requested()) {
		event, err := decoder.Decode(events.Charge, events.Message{Value: r.Value, Timestamp: r.Timestamp})
		if err != nil {
			s.Fatal(err)
		}
		if r.Partition != partition {
			continue
		}
		end = r.Offset + 1
		if !finals[event.CorrelationID] {
			delete(sent.transactions, event.Identity())
			sent.records--
		}
	}
	var offsets kadm.Offsets
	offsets.Add(kadm.Offset{Topic: s.requested(), Partition: partition, At: end})
	if resp, err := s.admin.DeleteRecords(s.Context(), offsets); err != nil || resp.Error() != nil {
		s.Fatal(err, resp.Error())
	}
}

// recreate deletes the topic of cancellations and creates it again, with other records at the same offsets.
func (s *site) recreate(sent *sending) {
	s.Helper()
	topic := s.cancelled()
	if _, err := s.admin.DeleteTopic(s.Context(), topic); err != nil {
		s.Fatal(err)
	}
	await(s, "the topic can be created again", eventually, func() bool {
		_, err := s.admin.CreateTopic(s.Context(), 4, 1, nil, topic)
		return err == nil
	})
	s.client.PurgeTopicsFromProducing(topic) // or the client produces to the topic that was
	s.cancel(sent, 400, 400)
}

// TestTopicRecreatedWhileRunning deletes an input topic under a process and creates it again.
func TestTopicRecreatedWhileRunning(t *testing.T) {
	s, sent := prompt(t, testbed.SharedKafka(t))
	p := s.startAndAwait("")
	s.awaitDone(eventually)
	s.recreate(sent)
	s.send(sent, 400, 400, 0)
	p.awaitStopped(s.cancelled(), 4, stream.ErrRecreatedTopic)
	s.awaitTopic(s.requested())
	p.stops(soon)
	s.recreatedAccepted(sent)
}

// TestTopicRecreatedWhileStopped does so while no process runs. Kafka has dropped the topic's offsets with it, so it is the claims that know.
func TestTopicRecreatedWhileStopped(t *testing.T) {
	s, sent := prompt(t, testbed.SharedKafka(t))
	s.finish()
	s.recreate(sent)
	s.send(sent, 400, 400, 0)
	p := s.startAndAwait("")
	p.awaitHeld(processor.ErrClaimsLost.Error(), soon)
	t.Logf("held: %s", p.held())
	p.stops(soon)
	s.recreatedAccepted(sent)
}

// recreatedAccepted runs the process with --accept-offsets, and judges. The offsets of the recreated topic were used twice.
func (s *site) recreatedAccepted(sent *sending) {
	s.Helper()
	p := s.startAndAwait("", "--accept-offsets")
	s.awaitDone(eventually)
	p.stops(soon)
	v := s.judge(sent)
	v.repeated, v.unordered, v.unended = nil, nil, 0
	if v.String() != "" {
		s.Error(v)
	}
}

// awaitTopic waits until one topic is done.
func (s *site) awaitTopic(topic string) {
	s.Helper()
	await(s, topic+" is done", eventually, func() bool {
		s.alive()
		lag, err := s.lagOf(func(t string, _ int32) bool { return t == topic })
		return err == nil && lag == 0
	})
}

// finishOften has several processes claim something: a group of that name begins below their generations, once it is deleted.
func (s *site) finishOften(sent *sending) {
	s.Helper()
	for i := range 3 {
		s.send(sent, 1000+10*i, 10, 0)
		s.finish()
	}
}

// TestOffsetsForgotten deletes the group, and with it its offsets, as Kafka does with a group that stood still for too long.
func TestOffsetsForgotten(t *testing.T) {
	s, sent := prompt(t, testbed.SharedKafka(t))
	s.finishOften(sent)
	if _, err := s.admin.DeleteGroup(t.Context(), s.group); err != nil {
		t.Fatal(err)
	}
	s.send(sent, 400, 400, 0)
	p := s.start("")
	p.asked = true
	if code := p.wait(eventually); code != exitRefused {
		t.Errorf("exit code %d, want %d", code, exitRefused)
	}
	for _, want := range []string{"has no committed offsets, but its results are in " + s.results(), "--accept-offsets"} {
		if !strings.Contains(p.log.String(), want) {
			t.Errorf("it does not say %q", want)
		}
	}
	s.accepted(sent)
}

// TestOffsetsSetAnew deletes the group and sets its offsets by hand.
func TestOffsetsSetAnew(t *testing.T) {
	s, sent := prompt(t, testbed.SharedKafka(t))
	s.finishOften(sent)
	if _, err := s.admin.DeleteGroup(t.Context(), s.group); err != nil {
		t.Fatal(err)
	}
	var offsets kadm.Offsets
	for partition := range int32(4) {
		offsets.AddOffset(s.requested(), partition, 5, -1)
		offsets.AddOffset(s.cancelled(), partition, 5, -1)
	}
	if err := s.admin.CommitAllOffsets(t.Context(), s.group, offsets); err != nil {
		t.Fatal(err)
	}
	p := s.startAndAwait("")
	p.awaitStopped(s.requested(), 4, stream.ErrForeignCommit)
	p.awaitStopped(s.cancelled(), 4, stream.ErrForeignCommit)
	p.stops(soon)
	s.accepted(sent)
}

// TestGroupBegunAnew deletes a group that claimed, but never committed: Kafka counts its generations from 1 again.
func TestGroupBegunAnew(t *testing.T) {
	s := newSite(t, testbed.SharedKafka(t), testbed.SharedRedis(t), 4, steady)
	s.extra = []string{"CHARGERESULT_INQUIRY_TIMEOUT=900ms"}
	var sent sending
	s.vendor.SetOutage(konasim.Hanging)
	s.send(&sent, 0, 200, 0)
	for range 3 {
		p := s.startAndAwait("")
		await(t, "everything is claimed", soon, func() bool { s.alive(); return p.status().Engine.InFlight == 200 })
		p.stops(soon)
	}
	if _, err := s.admin.DeleteGroup(t.Context(), s.group); err != nil {
		t.Fatal(err)
	}
	s.vendor.SetOutage(konasim.Up)
	s.finish()
	s.judged(&sent)
}
