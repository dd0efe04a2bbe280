//go:build integration

package testbed_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chargeresult/chargeresult/deploy/testbed"
)

func TestDumpShowsWhatSubscribersSee(t *testing.T) {
	addr, topic := testbed.SharedKafka(t), testbed.Unique(t)
	testbed.CreateTopics(t, addr, 1, topic)
	if got := testbed.Dump(t, addr, topic); len(got) != 0 {
		t.Errorf("%d records in a new topic", len(got))
	}

	plain := client(t, addr)
	send := func(c *kgo.Client, value string) {
		t.Helper()
		if err := c.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Value: []byte(value)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	begin := func() *kgo.Client {
		t.Helper()
		c := client(t, addr, kgo.TransactionalID(testbed.Unique(t)))
		if err := c.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		return c
	}
	end := func(c *kgo.Client, commit kgo.TransactionEndTry) {
		t.Helper()
		if err := c.EndTransaction(t.Context(), commit); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(when string, want ...string) {
		t.Helper()
		var got []string
		for _, r := range testbed.Dump(t, addr, topic) {
			got = append(got, string(r.Value))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", when, got, want)
		}
	}

	send(plain, "plain")
	expect("no transaction", "plain")
	for range 10 { // a commit is acknowledged before its marker is written
		c := begin()
		send(c, "committed")
		end(c, kgo.TryCommit)
		if got := testbed.Dump(t, addr, topic); len(got) == 0 || string(got[len(got)-1].Value) != "committed" {
			t.Error("a committed record is missing")
		}
		deleteRecords(t, addr, topic)
	}
	expect("all deleted")

	first, aborted := begin(), begin()
	send(first, "first")
	send(aborted, "aborted")
	end(aborted, kgo.TryAbort)
	send(plain, "later")
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := testbed.Records(ctx, addr, topic); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v with a transaction open, want a wait for its end", err)
	}
	end(first, kgo.TryCommit)
	expect("all ended", "first", "later")
	aborting := begin()
	send(aborting, "aborted, too")
	end(aborting, kgo.TryAbort)
	expect("an abort at the end", "first", "later")
}

func deleteRecords(t *testing.T, addr, topic string) {
	t.Helper()
	admin := kadm.NewClient(client(t, addr))
	ends, err := admin.ListEndOffsets(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	deleted, err := admin.DeleteRecords(t.Context(), ends.Offsets())
	if err := errors.Join(err, deleted.Error()); err != nil {
		t.Fatal(err)
	}
}
