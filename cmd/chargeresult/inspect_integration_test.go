//go:build integration

package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chargeresult/chargeresult/deploy/testbed"
	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor/inquiry/konasim"
	"github.com/chargeresult/chargeresult/processor/replay"
)

// inspect runs the command and returns what it prints, and how long it took in all.
func (s *site) inspect(args ...string) (string, time.Duration) {
	s.Helper()
	cmd := exec.CommandContext(s.Context(), binary, append([]string{"inspect"}, args...)...)
	cmd.Env = s.environment("")
	began := time.Now()
	out, err := cmd.Output()
	if err != nil {
		exit, _ := errors.AsType[*exec.ExitError](err)
		s.Fatalf("inspect %v: %v\n%s\n%s", args, err, out, exit.Stderr)
	}
	return string(out), time.Since(began)
}

func (s *site) timeline(args ...string) (line replay.Timeline, took time.Duration) {
	s.Helper()
	out, took := s.inspect(append(args, "--json")...)
	if err := json.Unmarshal([]byte(out), &line); err != nil {
		s.Fatal(err)
	}
	return line, took
}

// today makes correlation IDs of this day.
func today() func(i int) string {
	now := time.Now().UTC().Format("060102150405")
	return func(i int) string { return fmt.Sprintf("%s-%07x", now, i) }
}

// kinds are the kinds of a transaction's steps.
func kinds(t replay.Transaction) string {
	var all []string
	for _, s := range t.Steps {
		all = append(all, string(s.Kind))
	}
	return strings.Join(all, " ")
}

// TestInspect follows a transaction through a running process: it waits, it is answered, its duplicate comes, and Redis forgets it all.
func TestInspect(t *testing.T) {
	t.Parallel()
	s := everybody(t, "PENDING", "PENDING", "COMPLETED")
	id := today()(1)
	value := fmt.Sprintf(`{"correlationId":%q,"sequenceId":"CHG1"}`, id)
	s.startAndAwait("")
	s.produce(s.requested(), "key", value)
	s.flush()
	// expect asks until the whole story is told, and is in that state, and the claim, which is written last, too.
	expect := func(state replay.TransactionState, claim, steps string) (found replay.Transaction) {
		t.Helper()
		await(t, fmt.Sprintf("%s, with %s", state, steps), soon, func() bool {
			cmd := exec.CommandContext(t.Context(), binary, "inspect", id, "--json")
			cmd.Env = s.environment("")
			text, _ := cmd.Output()
			var line replay.Timeline
			if json.Unmarshal(text, &line) != nil || len(line.Transactions) != 1 {
				return false
			}
			found = line.Transactions[0]
			return line.Complete && found.State == state && kinds(found) == steps && found.Claim != nil && found.Claim.State == claim
		})
		return found
	}
	waiting := expect(replay.IsWaiting, "waiting", "event wait interim")
	if !strings.HasPrefix(waiting.Summary, "waits: PENDING, ") || !strings.Contains(waiting.Summary, "has been asked 1 time since ") {
		t.Errorf("it says %s", waiting.Summary)
	}
	final := expect(replay.IsFinal, "settled", "event wait interim wait final")
	if c := final.Claim; c.Result != events.Completed || !strings.HasPrefix(c.Owner, s.requested()+"/") || !strings.HasPrefix(final.Summary, "COMPLETED 000_000 after 3 asks, ") {
		t.Errorf("it says %s; claim %+v", final.Summary, c)
	}
	s.produce(s.requested(), "another key", value)
	s.flush()
	expect(replay.IsFinal, "settled", "event wait interim wait final event duplicate")
	text, _ := s.inspect(id)
	for _, want := range []string{"CHARGE " + id + " CHG1: final\n  COMPLETED 000_000 after 3 asks", "claim: settled COMPLETED by " + s.requested(), "duplicate of", "records searched in"} {
		if !strings.Contains(text, want) {
			t.Errorf("lacks %q:\n%s", want, text)
		}
	}
	s.extra = append(s.extra, "CHARGERESULT_REDIS_URL=redis://127.0.0.1:1")
	line, _ := s.timeline(id)
	if line.Complete || len(line.Unread) != 1 || !strings.HasPrefix(line.Unread[0], "claim store: ") || kinds(line.Transactions[0]) != "event wait interim wait final event duplicate" {
		t.Errorf("without Redis: %+v", line)
	}
}

// testRecords is how many records the topics of TestInspectTime have.
func testRecords(t testing.TB) int {
	n, err := strconv.Atoi(cmp.Or(os.Getenv("CHARGERESULT_TEST_RECORDS"), "50000"))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// answered produces n events and their final results, as a process would have: the second half under keys that are not their correlation IDs.
func (s *site) answered(n int, id func(int) string) {
	s.Helper()
	key := func(i int) []byte {
		if i < n/2 {
			return []byte(id(i))
		}
		return fmt.Appendf(nil, "key%d", i)
	}
	sources := make([]*kgo.Record, n)
	for i := range sources {
		sources[i] = &kgo.Record{Topic: s.requested(), Key: key(i), Value: fmt.Appendf(nil, `{"correlationId":%q,"sequenceId":%q}`, id(i), sequenceID(i))}
		s.client.Produce(s.Context(), sources[i], func(_ *kgo.Record, err error) {
			if err != nil {
				s.Error(err)
			}
		})
	}
	s.flush()
	for i, source := range sources {
		value, headers, err := events.Result{
			CorrelationID: id(i), SequenceID: sequenceID(i), Operation: events.Charge, Result: events.Completed, Final: true, Revision: 1, Attempts: 1, Code: "000_000",
			RequestedAt: source.Timestamp, DecidedAt: time.Now(), Source: events.Source{Topic: source.Topic, Partition: source.Partition, Offset: source.Offset},
		}.Encode(s.group)
		if err != nil {
			s.Fatal(err)
		}
		r := &kgo.Record{Topic: s.results(), Key: source.Key, Value: value}
		for _, h := range headers {
			r.Headers = append(r.Headers, kgo.RecordHeader(h))
		}
		s.client.Produce(s.Context(), r, nil)
		if i%200 == 199 && i < n/10 { // small batches, as at low rates
			s.flush()
		}
	}
	s.flush()
}

// TestInspectTime measures how long it takes to find transactions among many, from the start of the command to its end.
func TestInspectTime(t *testing.T) {
	n := testRecords(t)
	for _, partitions := range []int32{1, 12} {
		t.Run(fmt.Sprint(partitions), func(t *testing.T) {
			s := newSite(t, testbed.SharedKafka(t), testbed.SharedRedis(t), partitions, konasim.Config{})
			id := today()
			s.answered(n, id)
			early, keyed, other := id(7), id(n/2-1), id(n-1)
			s.claimed(early)
			for name, want := range map[string]struct {
				id    string
				steps string
			}{
				"claimed, at the beginning": {early, "event final"}, "keyed by its ID, without a claim": {keyed, "event final"},
				"under another key, without a claim": {other, "event final"},
			} {
				line, took := s.timeline(want.id)
				t.Logf("%-36s %8d of 2x%d records scanned, reading %5d ms, the command %5d ms", name, line.Scanned, n, line.Took.Milliseconds(), took.Milliseconds())
				if !line.Complete || len(line.Transactions) != 1 || kinds(line.Transactions[0]) != want.steps {
					t.Errorf("%s: %+v", name, line)
				}
				if took > replay.DefaultLimit {
					t.Errorf("%s: took %v", name, took)
				}
			}
			cmd := exec.CommandContext(t.Context(), binary, "inspect", id(n))
			cmd.Env = s.environment("")
			began := time.Now()
			out, err := cmd.CombinedOutput()
			t.Logf("%-36s the command %5d ms", "nowhere", time.Since(began).Milliseconds())
			if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != exitFailed || !strings.Contains(string(out), "check the ID") {
				t.Errorf("nowhere: %v\n%s", err, out)
			}
		})
	}
}

// claimed writes the claim of a transaction, as a process would have: by its event, wherever that is.
func (s *site) claimed(id string) {
	s.Helper()
	line, _ := s.timeline(id)
	source := line.Transactions[0].Steps[0].Record
	details, err := s.admin.ListTopics(s.Context(), s.requested())
	if err != nil {
		s.Fatal(err)
	}
	options, err := redis.ParseURL(s.redis)
	if err != nil {
		s.Fatal(err)
	}
	client := redis.NewClient(options)
	defer client.Close()
	topic := details[s.requested()].ID
	value := fmt.Sprintf("1 settled 0 COMPLETED %x/%d/%d %s", topic[:], source.Partition, source.Offset, line.Transactions[0].SequenceID)
	if err := client.Set(s.Context(), "chargeresult:{"+s.group+"}:charge:"+id, value, time.Hour).Err(); err != nil {
		s.Fatal(err)
	}
}
