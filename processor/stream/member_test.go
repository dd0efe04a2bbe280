package stream

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// The client rejoins as another member without a word, and "keeps" partitions that somebody else had in between (see checkMember). The
// engine notices before it publishes what it finished as the old member, and before it admits anything as the new one.
func TestMemberChangesUnnoticed(t *testing.T) {
	for _, tt := range []struct {
		name  string
		after func(k *kafka, u *upper) []string
	}{
		{"it has a result to publish", func(_ *kafka, u *upper) []string { u.letGo(); return nil }},
		{"it has a message to admit", func(k *kafka, u *upper) []string {
			k.send(0, "next")
			time.Sleep(3 * time.Second)
			u.letGo()
			return []string{"next"}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, k *kafka) {
				k.send(0, "stubborn")
				u := newUpper()
				p := k.start(u, as("a"))
				k.await("the message is being processed", func() bool { return len(u.log(&u.begun)) == 1 })
				rejoin := k.loseMember()

				u2 := newUpper()
				u2.letGo()
				second := k.start(u2, as("b"))
				k.awaitPublished("stubborn")
				k.awaitCommitted(0, 1)
				second.stop()

				rejoin()
				k.await("it is a member again", func() bool { return k.members() == 1 })
				time.Sleep(3 * time.Second)
				more, admissions := tt.after(k, u), 0
				k.neverPublishedTwice(append(more, "stubborn")...)
				if n := p.engine.Status().Sessions; n < 2 {
					t.Error("the engine did not start over")
				}
				k.awaitCommitted(0, int64(1+len(more)))
				for _, value := range u.log(&u.admitted) {
					if value == "next" {
						admissions++
					}
				}
				if admissions != len(more) {
					t.Errorf("the new message was admitted %d times: also by trackers of the old member", admissions)
				}
				p.stop()
			})
		})
	}
}

// loseMember expels the only member while it believes in a mere rebalance, and holds its request to join until rejoin is called.
func (k *kafka) loseMember() (rejoin func()) {
	k.t.Helper()
	groups, err := k.admin.DescribeGroups(k.t.Context(), "g")
	if err != nil || len(groups["g"].Members) != 1 {
		k.t.Fatalf("members: %v, %v", groups, err)
	}
	member := groups["g"].Members[0].MemberID
	joining, proceed := make(chan struct{}), make(chan struct{})
	held := false
	k.cluster.ControlKey(int16(kmsg.JoinGroup), func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.cluster.KeepControl()
		if req.(*kmsg.JoinGroupRequest).MemberID == member && !held {
			held = true
			close(joining)
			k.cluster.SleepControl(func() { <-proceed })
		}
		return nil, nil, false
	})
	k.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, Group: "g", Err: kerr.RebalanceInProgress})
	<-joining
	leave := kmsg.NewPtrLeaveGroupRequest()
	leave.Group = "g"
	leave.Members = append(leave.Members, kmsg.LeaveGroupRequestMember{MemberID: member})
	if _, err := leave.RequestWith(k.t.Context(), k.client); err != nil {
		k.t.Fatal(err)
	}
	k.await("the group is empty", func() bool { return k.members() == 0 })
	return func() { close(proceed) }
}

func (k *kafka) members() int {
	groups, err := k.admin.DescribeGroups(k.t.Context(), "g")
	if err != nil {
		return -1
	}
	return len(groups["g"].Members)
}

func sharedOut(ps ...*process) func() bool {
	return func() bool {
		for _, p := range ps {
			if len(p.engine.Status().Partitions) != 4/len(ps) {
				return false
			}
		}
		return true
	}
}

// begin gives every partition one message that runs.
func (k *kafka) begin(u *upper, kind string) []string {
	values := numbered(kind, 4)
	for i, value := range values {
		k.send(int32(i), value)
	}
	k.await("all run", func() bool { return len(u.log(&u.begun)) == 4 })
	return values
}

func TestRevokedPartitionsFinishFirst(t *testing.T) {
	bubble(t, func(t *testing.T, k *kafka) {
		u, u2 := newUpper(), newUpper()
		first := k.start(u, as("a"))
		values := k.begin(u, "stubborn")
		second := k.start(u2, as("b"))
		k.await("the first one drains", func() bool { return k.members() == 2 })
		time.Sleep(4 * time.Second)
		u.letGo()
		k.await("shared out", sharedOut(first, second))
		k.neverPublishedTwice(values...)
		for number := range int32(4) {
			k.awaitCommitted(number, 1)
		}
		if again := u2.log(&u2.begun); len(again) > 0 {
			t.Errorf("the second process did %v again", again)
		}
		first.stop()
		second.stop()
	})
}

func TestTooLateAfterRevocation(t *testing.T) {
	bubble(t, func(t *testing.T, k *kafka) {
		u, u2 := newUpper(), newUpper()
		u2.letGo()
		first := k.start(u, as("a"))
		values := k.begin(u, "deaf")
		second := k.start(u2, as("b"))
		k.await("shared out", sharedOut(first, second))
		k.await("the second process does what the first did not finish", func() bool { return len(u2.log(&u2.processed)) == 2 })
		u.letGo()
		k.neverPublishedTwice(values...)
		for number := range int32(4) {
			k.awaitCommitted(number, 1)
		}
		first.stop()
		second.stop()
	})
}

// A zombie: the group has expelled it, and it does not know yet. It finishes its work and wants to publish.
func TestExpelledMemberPublishesNothing(t *testing.T) {
	bubble(t, func(t *testing.T, k *kafka) {
		u, u2 := newUpper(), newUpper()
		u2.letGo()
		first := k.start(u, as("a"))
		values := k.begin(u, "deaf")
		first.link.cut()
		second := k.start(u2, as("b"))
		k.awaitPublished(values...)
		u.letGo()
		first.link.heal()
		k.neverPublishedTwice(values...)
		for number := range int32(4) {
			k.awaitCommitted(number, 1)
		}
		first.stop()
		second.stop()
	})
}
