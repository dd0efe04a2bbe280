package stream

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
)

// Two processes under one name: the older one ends, for good, and the younger one works.
func TestSameNameTwice(t *testing.T) {
	tests := []struct {
		name     string
		instance [2]string
		txn      [2]string
	}{
		{"instance and transactional ID", [2]string{"i", "i"}, [2]string{"t", "t"}},
		{"transactional ID", [2]string{}, [2]string{"t", "t"}},
		{"instance ID", [2]string{"i", "i"}, [2]string{"t", "u"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, k *kafka) {
				name := func(i int) func(*Config) {
					return func(c *Config) { c.InstanceID, c.TransactionalID = tt.instance[i], tt.txn[i] }
				}
				values := numbered("a", 10)
				k.send(0, values...)
				older := k.start(newUpper(), name(0))
				k.awaitPublished(values...)
				younger := k.start(newUpper(), name(1))
				time.Sleep(time.Second)
				for i := range 20 { // something to do for both, wherever the partitions are
					value := fmt.Sprintf("b%d", i)
					values = append(values, value)
					k.send(int32(i%4), value)
					time.Sleep(time.Second)
				}
				if err := older.ended(time.Minute); !errors.Is(err, ErrFenced) {
					t.Errorf("the older one: %v, want %v", err, ErrFenced)
				}
				k.neverPublishedTwice(values...)
				select {
				case <-younger.done:
					t.Errorf("the younger one ended: %v", younger.err)
				default:
				}
				younger.stop()
			})
		})
	}
}

// One that has nothing to publish learns of it by its heartbeat.
func TestSameInstanceTwiceIdle(t *testing.T) {
	bubble(t, func(t *testing.T, k *kafka) {
		static := func(c *Config) { c.InstanceID = "i" }
		older := k.start(newUpper(), static, as("t"))
		k.await("it is a member", func() bool { return len(older.engine.Status().Partitions) == 4 })
		younger := k.start(newUpper(), static, as("u"))
		if err := older.ended(time.Minute); !errors.Is(err, ErrFenced) {
			t.Errorf("the older one: %v, want %v", err, ErrFenced)
		}
		younger.stop()
	})
}

// The broker ends a transaction that takes too long. That looks like another process's doing, and is none.
func TestTransactionThatTookTooLong(t *testing.T) {
	bubble(t, func(t *testing.T, k *kafka) {
		u := newUpper()
		slept := false
		u.setConfirm(func([]*Message) error {
			if !slept {
				slept = true
				time.Sleep(25 * time.Second)
			}
			return nil
		})
		values := numbered("a", 10)
		k.send(0, values...)
		p := k.start(u)
		k.neverPublishedTwice(values...)
		k.awaitCommitted(0, 10)
		if n := p.engine.Status().Sessions; n < 2 {
			t.Errorf("%d sessions, want it to start over", n)
		}
		p.stop()
	})
}

func TestOvertakenOrTooLate(t *testing.T) {
	tests := []struct {
		err  error
		took time.Duration
		want remedy
	}{
		{kerr.InvalidProducerEpoch, time.Second, giveUp},
		{kerr.ProducerFenced, time.Second, giveUp},
		{kerr.InvalidProducerEpoch, 11 * time.Second, startOver},
		{kerr.ProducerFenced, 11 * time.Second, startOver},
		{kerr.InvalidTxnState, time.Second, giveUp},
		{kerr.InvalidTxnState, 11 * time.Second, startOver},
		{kerr.UnknownServerError, time.Second, giveUp},
		{kerr.UnknownServerError, 11 * time.Second, startOver},
		{kerr.TransactionAbortable, 11 * time.Second, tryAgain},
	}
	for _, tt := range tests {
		s := &session{cfg: Config{TransactionTimeout: 10 * time.Second}}
		failure := &commitError{op: "end", err: fmt.Errorf("wrapped: %w", tt.err), remedy: remedyOf(tt.err)}
		if got := s.overtaken(failure, &transaction{began: time.Now().Add(-tt.took)}).remedy; got != tt.want {
			t.Errorf("%v after %v: remedy %d, want %d", tt.err, tt.took, got, tt.want)
		}
	}
}
