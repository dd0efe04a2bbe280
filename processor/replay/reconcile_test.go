package replay

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor/stream"
)

func (k *kafka) reconcile(changes ...func(*ReconcileConfig)) Account {
	k.Helper()
	cfg := ReconcileConfig{
		Client: k.opts(), Group: group, Result: resultTopic, DeadLetter: deadTopic, Duplicates: duplicatesTopic,
		RetryPrefix: events.TopicRetryPrefix, Decoder: decoder(k.T),
		Inputs: map[string]events.Operation{requestedTopic: events.Charge, cancelledTopic: events.Cancellation},
	}
	for _, change := range changes {
		change(&cfg)
	}
	a, err := Reconcile(k.Context(), cfg)
	k.must(err)
	return a
}

// input produces n events, numbered by their offset, and commits that all are finished.
func (k *kafka) input(n int) {
	k.Helper()
	for i := range n {
		k.produce(&kgo.Record{Topic: requestedTopic, Value: eventJSON(i)})
	}
	k.commit(requestedTopic, 0, int64(n))
}

func (a Account) faults() (all []string) {
	for _, f := range a.Faults {
		text := string(f.Kind)
		if f.Source != (events.Source{}) {
			text += " " + f.Source.String()
		}
		all = append(all, strings.TrimRight(text+" "+f.CorrelationID+" "+strings.Join(f.Places, "; "), " "))
	}
	return all
}

// Only what the group has finished is accepted: below its offset, or in its offset map.
func TestUnfinishedRecords(t *testing.T) {
	bubble(t, func(k *kafka) {
		k.input(6)
		k.commit(requestedTopic, 0, 2, [2]int64{4, 4})
		for _, i := range []int{0, 1, 4} {
			k.produce(k.resultRecord(i, 1, at(int64(i)), group))
		}
		k.text(cancelledTopic, 1, "never committed")
		a := k.reconcile()
		want := []Partition{
			{cancelledTopic, 0, Tally{}},
			{cancelledTopic, 1, Tally{Unfinished: 1}},
			{requestedTopic, 0, Tally{Accepted: 3, Final: 3, Unfinished: 3}},
			{requestedTopic, 1, Tally{}},
		}
		if !slices.Equal(a.Partitions, want) || !a.Balanced {
			t.Errorf("partitions %+v, balanced %t; want %+v", a.Partitions, a.Balanced, want)
		}
		k.commit(requestedTopic, 0, 2, [2]int64{4, 5})
		wantValues(t, k.reconcile().faults(), "missing charge-requested/0/5 "+correlationID(5))
	})
}

// The group is at work while its topics are read: a retry record is finished between C1 and C2.
func TestProgressWhileReading(t *testing.T) {
	for name, tt := range map[string]struct {
		final bool // whether what it became is published before the topics are read
		want  Tally
	}{"what it became is seen": {true, Tally{Accepted: 1, Final: 1}}, "what it became is not": {false, Tally{Accepted: 1, Waiting: 1}}} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(k *kafka) {
				k.input(1)
				k.produce(k.retry(shortRetry, 0, 1, at(0)))
				if tt.final {
					k.produce(k.resultRecord(0, 1, at(0), group))
				}
				a := k.reconcile(func(c *ReconcileConfig) { c.Progress = func(int64, int64) { k.commit(shortRetry, 0, 1) } })
				if a.Total != tt.want || !a.Balanced {
					t.Errorf("total %+v, want %+v", a.Total, tt.want)
				}
			})
		})
	}
}

// What a transaction publishes that is open when its offsets are read is waited for.
func TestReconcileWaitsForTransactions(t *testing.T) {
	bubble(t, func(k *kafka) {
		k.input(1)
		end := k.open("t", k.resultRecord(0, 1, at(0), group))
		go func() {
			time.Sleep(20 * time.Second)
			end(kgo.TryCommit)
		}()
		if a := k.reconcile(); !a.Balanced {
			t.Errorf("faults %v, want none", a.faults())
		}
	})
}

// The first record of a new delay: its topic is made, and its event finished, just before the group's offsets are read.
func TestRetryTopicMadeMeanwhile(t *testing.T) {
	bubble(t, func(k *kafka) {
		k.produce(&kgo.Record{Topic: requestedTopic, Value: eventJSON(0)})
		k.cluster.ControlKey(int16(kmsg.OffsetFetch), func(kmsg.Request) (kmsg.Response, error, bool) {
			k.cluster.DropControl() // once
			k.cluster.SleepControl(func() {
				const topic = events.TopicRetryPrefix + ".5m"
				_, err := k.admin.CreateTopic(k.Context(), 1, 1, nil, topic)
				k.must(err)
				k.produce(k.retry(topic, 0, 1, at(0)))
				k.commit(requestedTopic, 0, 1)
			})
			return nil, nil, false
		})
		if a := k.reconcile(); a.Total != (Tally{Accepted: 1, Waiting: 1}) {
			t.Errorf("total %+v, faults %v; want one that waits", a.Total, a.faults())
		}
	})
}

// An upstream's transaction may stay open for as long as it likes.
func TestReconcileDoesNotWaitForUpstream(t *testing.T) {
	bubble(t, func(k *kafka) {
		end := k.open("upstream", &kgo.Record{Topic: requestedTopic, Value: eventJSON(0)})
		defer end(kgo.TryAbort)
		began := time.Now()
		if a := k.reconcile(); !a.Balanced || time.Since(began) > time.Minute {
			t.Errorf("faults %v after %v, want none at once", a.faults(), time.Since(began))
		}
	})
}

// Outcomes of records that the input no longer holds are of no account.
func TestRemovedInput(t *testing.T) {
	bubble(t, func(k *kafka) {
		k.input(3)
		for i := range 3 {
			k.produce(k.resultRecord(i, 1, at(int64(i)), group))
		}
		k.truncate(requestedTopic, 0, 2)
		a := k.reconcile()
		if want := (Tally{Accepted: 1, Final: 1}); a.Total != want || a.Strays != 0 || !a.Balanced {
			t.Errorf("account %+v, want %+v", a, want)
		}
	})
}

func TestFaultsAreLimited(t *testing.T) {
	bubble(t, func(k *kafka) {
		k.input(5)
		for range 2 {
			k.produce(k.resultRecord(7, 1, at(7), group), k.resultRecord(8, 0, at(8), group))
		}
		few := func(n int) func(*ReconcileConfig) { return func(c *ReconcileConfig) { c.Limit = n } }
		a := k.reconcile(few(6))
		if len(a.Faults) != 6 || a.Unnamed != 1 || a.Total.Missing != 5 || a.TwoFinals != 1 || a.TwoInterims != 1 {
			t.Errorf("%d faults named, %d not, account %+v; want 6 and 1", len(a.Faults), a.Unnamed, a)
		}
		if a = k.reconcile(few(2)); len(a.Faults) != 2 || a.Unnamed != 5 {
			t.Errorf("%d faults named, %d not; want 2 and 5", len(a.Faults), a.Unnamed)
		}
	})
}

func TestPlacesAreLimited(t *testing.T) {
	var f Fault
	for range 2 * maxPlaces {
		f.add("here")
	}
	if len(f.Places) != maxPlaces {
		t.Errorf("%d places, want %d", len(f.Places), maxPlaces)
	}
}

// Two results that only share a hash are no fault.
func TestSharedHash(t *testing.T) {
	r := &reconciliation{account: Account{TwoFinals: 1, TwoInterims: 1}}
	n := naming{reconciliation: r, results: map[string]*Fault{
		"a": {Kind: TwoFinals, Places: []string{"one"}}, "b": {Kind: TwoInterims, Places: []string{"one"}},
	}}
	if faults := n.twice(); len(faults)+int(r.account.TwoFinals+r.account.TwoInterims) > 0 {
		t.Errorf("faults %v, account %+v; want none", faults, r.account)
	}
}

func TestRecreatedInputIsRefused(t *testing.T) {
	bubble(t, func(k *kafka) {
		k.input(1)
		_, err := k.admin.DeleteTopic(k.Context(), requestedTopic)
		k.must(err)
		_, err = k.admin.CreateTopic(k.Context(), 1, 1, nil, requestedTopic)
		k.must(err)
		cfg := ReconcileConfig{
			Client: k.opts(), Group: group, Result: resultTopic, DeadLetter: deadTopic, Duplicates: duplicatesTopic,
			RetryPrefix: events.TopicRetryPrefix, Decoder: decoder(t), Inputs: map[string]events.Operation{requestedTopic: events.Charge},
		}
		renewed := k.connect() // the old one knows the old topic's ID
		defer renewed.Close()
		k.admin = kadm.NewClient(renewed)
		k.commit(requestedTopic, 0, 1) // as the group that worked on the deleted one
		if a, err := Reconcile(k.Context(), cfg); !errors.Is(err, stream.ErrRecreatedTopic) {
			t.Errorf("account %+v, error %v; want it refused", a, err)
		}
	})
}

func TestProgressOfReconcile(t *testing.T) {
	bubble(t, func(k *kafka) {
		k.input(3)
		k.produce(k.resultRecord(0, 1, at(0), group), k.deadLetter(at(1), group))
		var last, total int64
		k.reconcile(func(c *ReconcileConfig) {
			c.Progress = func(done, n int64) {
				if done < last {
					t.Errorf("progress went back from %d to %d", last, done)
				}
				last, total = done, n
			}
		})
		if last != 5 || total != 5 {
			t.Errorf("progress ended with %d of %d, want 5 of 5", last, total)
		}
	})
}

func TestAccountAsJSON(t *testing.T) {
	bubble(t, func(k *kafka) {
		k.input(1)
		text, err := json.Marshal(k.reconcile())
		k.must(err)
		for _, want := range []string{
			`"total":{"accepted":1,"final":0,"dead":0,"duplicate":0,"waiting":0,"missing":1,"twice":0,"beyondHorizon":0,"unfinished":0}`,
			`"faults":[{"kind":"missing","operation":"CHARGE","correlationId":"261122103000-0000000","sequenceId":"CHG0000000000",` +
				`"source":{"topic":"charge-requested","partition":0,"offset":0},"places":[]}]`,
			`{"topic":"charge-requested","partition":0,"accepted":1,`, `"balanced":false,"complete":true`,
		} {
			if !strings.Contains(string(text), want) {
				t.Errorf("account %s\nlacks %s", text, want)
			}
		}
		k.produce(k.resultRecord(0, 1, at(0), group))
		if text, err := json.Marshal(k.reconcile()); err != nil || !strings.Contains(string(text), `"faults":[],"balanced":true`) {
			t.Errorf("account %s, error %v; want no faults", text, err)
		}
		if strings.Contains(string(text), "horizon\":\"") || !strings.Contains(string(text), `"cut":"`) {
			t.Errorf("account %s\nwant a cut and no horizon", text)
		}
	})
}
