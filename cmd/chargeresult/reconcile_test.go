package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor/replay"
)

func TestWriteAccount(t *testing.T) {
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	lost := replay.Fault{
		Kind: replay.Missing, Operation: events.Charge, CorrelationID: "261122103000-00000a1", SequenceID: "CHG0000000001",
		Source: events.Source{Topic: "charge-requested", Partition: 3, Offset: 1234},
	}
	two := replay.Fault{Kind: replay.TwoFinals, Operation: events.Charge, CorrelationID: "261122103000-00000a2", SequenceID: "CHG2", Places: []string{"here", "there"}}
	for name, test := range map[string]struct {
		account replay.Account
		want    []string
		lacks   string
		err     error
	}{
		"adds up": {
			replay.Account{Balanced: true, Complete: true, Total: replay.Tally{Accepted: 3, Final: 2, Waiting: 1}},
			[]string{"total                        3         2", "2026-11-22T12:00:00Z, group g: accepted = final + dead + duplicate + waiting: it adds up.\n"},
			"To do", nil,
		},
		"does not": {
			replay.Account{Complete: true, Total: replay.Tally{Accepted: 1, Missing: 1}, TwoFinals: 1, Faults: []replay.Fault{lost, two}, Unnamed: 7},
			[]string{
				"it does not add up.", "missing: accepted, but nowhere. To do: stop the processor", "\n  CHARGE 261122103000-00000a1 CHG0000000001 charge-requested/3/1234\n",
				"two-finals: ", "\n  CHARGE 261122103000-00000a2 CHG2\n    here\n    there\n", "and 7 more: --limit",
			},
			"two-interims", errDiffers,
		},
		"too old": {
			replay.Account{Balanced: true, Total: replay.Tally{Accepted: 2, BeyondHorizon: 2}, Horizon: noon.Add(-time.Hour), Strays: 4, Unreadable: 5},
			[]string{"as far as it can be seen", "2 events are older than what the output topics still hold (from 2026-11-22T11:00:00Z on)", "4 outcomes belong to no event", "5 records of this group"},
			"To do", nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			test.account.Group, test.account.Cut = "g", noon
			test.account.Partitions = []replay.Partition{{Topic: "charge-requested", Partition: 3, Tally: test.account.Total}}
			var out bytes.Buffer
			if err := writeAccount(&out, test.account); err != nil {
				t.Fatal(err)
			}
			for _, want := range test.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("lacks %q:\n%s", want, out.String())
				}
			}
			if strings.Contains(out.String(), test.lacks) {
				t.Errorf("holds %q:\n%s", test.lacks, out.String())
			}
			if err := unbalanced(test.account); !errors.Is(err, test.err) {
				t.Errorf("error %v, want %v", err, test.err)
			}
		})
	}
}

func TestReconcileCommand(t *testing.T) {
	c := mustLoad(t)
	_, broker := startKafka(t, kfake.SeedTopics(1, topicNames(c)...))
	c.KafkaBrokers = []string{broker}
	command := reconcileCommand()
	given, wrong := command.parse([]string{"--json"})
	if len(wrong) > 0 || given.help {
		t.Fatal(wrong)
	}
	var out, progress bytes.Buffer
	if err := command.run(t.Context(), invocation{cfg: c, stdout: &out, stderr: &progress}); err != nil {
		t.Fatal(err)
	}
	var a replay.Account
	if err := json.Unmarshal(out.Bytes(), &a); err != nil || !a.Balanced || len(a.Partitions) != 2 || progress.Len() > 0 {
		t.Errorf("account %s, error %v, progress %q", out.String(), err, progress.String())
	}
	command = reconcileCommand()
	if _, wrong = command.parse([]string{"--limit", "0", "--since", "yesterday"}); len(wrong) > 0 {
		t.Fatal(wrong)
	}
	err := command.run(t.Context(), invocation{cfg: c, stdout: &out})
	if exitCode(err) != exitUsage || !strings.Contains(err.Error(), "--limit") || !strings.Contains(err.Error(), "--since") {
		t.Errorf("--limit 0 --since yesterday: %v, want both faults of usage", err)
	}
}

func TestProgressOnlyOnTerminals(t *testing.T) {
	file, err := os.Create(t.TempDir() + "/stderr")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if progressLine(file) != nil || progressLine(&bytes.Buffer{}) != nil {
		t.Error("a progress line where nobody looks")
	}
}

func TestInstant(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"": {}, "72h": now.Add(-72 * time.Hour), "0s": now, "2026-11-22T10:30:00+09:00": time.Date(2026, 11, 22, 1, 30, 0, 0, time.UTC),
	} {
		if got, ok := instant(text, now); !ok || !got.Equal(want) {
			t.Errorf("%q: %v, %t; want %v", text, got, ok, want)
		}
	}
	for _, text := range []string{"-72h", "yesterday", "2026-11-22"} {
		if got, ok := instant(text, now); ok {
			t.Errorf("%q is taken for %v", text, got)
		}
	}
}
