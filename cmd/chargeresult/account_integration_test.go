//go:build integration

package main

import (
	"encoding/json"
	"errors"
	"os/exec"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor/replay"
)

// decoder reads the site's events.
func (s *site) decoder() *events.Decoder {
	s.Helper()
	decoder, err := events.NewDecoder(events.Fields{})
	if err != nil {
		s.Fatal(err)
	}
	return decoder
}

// account is what `chargeresult reconcile` reads from the topics.
func (s *site) account() replay.Account {
	s.Helper()
	account, err := replay.Reconcile(s.Context(), replay.ReconcileConfig{
		Client: []kgo.Opt{kgo.SeedBrokers(s.brokers)}, Group: s.group, Decoder: s.decoder(),
		Inputs: map[string]events.Operation{s.requested(): events.Charge, s.cancelled(): events.Cancellation},
		Result: s.results(), DeadLetter: s.letters(), Duplicates: s.topics["TOPIC_DUPLICATES"], RetryPrefix: s.topics["TOPIC_RETRY_PREFIX"],
	})
	if err != nil {
		s.Fatal(err)
	}
	return account
}

// reconciled fails the test unless `chargeresult reconcile` agrees, as a table and as JSON: every record that was sent is a final
// result or a duplicate, each transaction having one result.
func (s *site) reconciled(sent *sending) {
	s.Helper()
	if table := s.reconcile(); !strings.Contains(table, "accepted = final + dead + duplicate + waiting: it adds up.") {
		s.Errorf("reconcile says:\n%s", table)
	}
	var account replay.Account
	if err := json.Unmarshal([]byte(s.reconcile("--json")), &account); err != nil {
		s.Fatal(err)
	}
	transactions := int64(len(sent.transactions))
	want := replay.Tally{Accepted: int64(sent.records), Final: transactions, Duplicate: int64(sent.records) - transactions}
	if !account.Balanced || !account.Complete || account.Total != want {
		s.Errorf("reconcile says %+v, want %+v", account, want)
	}
}

// reconcile runs the command, which has to exit with 0, and returns what it prints.
func (s *site) reconcile(args ...string) string {
	s.Helper()
	cmd := exec.CommandContext(s.Context(), binary, append([]string{"reconcile"}, args...)...)
	cmd.Env = s.environment("")
	out, err := cmd.Output()
	if err != nil {
		exit, _ := errors.AsType[*exec.ExitError](err)
		s.Fatalf("reconcile %v: %v\n%s\n%s", args, err, out, exit.Stderr)
	}
	return string(out)
}
