package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor/replay"
)

// runInspect runs the command with settings, and returns the exit code, what it prints, and its error's text.
func runInspect(t *testing.T, c config, args ...string) (code int, out, message string) {
	t.Helper()
	command := inspectCommand()
	given, wrong := command.parse(args)
	if len(wrong) > 0 {
		t.Fatal(wrong)
	}
	var stdout bytes.Buffer
	err := command.run(t.Context(), invocation{cfg: c, args: given.args, stdout: &stdout})
	if err != nil {
		message = err.Error()
	}
	return exitCode(err), stdout.String(), message
}

func TestInspectUsage(t *testing.T) {
	c := mustLoad(t)
	const id = "261122103000-00000a1"
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"no ID":       {nil, "expected one correlation ID"},
		"two":         {[]string{id, id}, "expected one correlation ID"},
		"malformed":   {[]string{"4711"}, `"4711": expected a correlation ID: a date and time as yyMMddHHmmss, a hyphen, and 7 hex digits, such as ` + id},
		"no date":     {[]string{"269922103000-00000a1"}, "expected a correlation ID"},
		"no limit":    {[]string{id, "--limit", "0s"}, "--all instead"},
		"no time":     {[]string{id, "--since", "yesterday"}, "--since"},
		"all of them": {[]string{"4711", "--since", "yesterday", "--limit=-1s"}, "3 faults"},
	} {
		t.Run(name, func(t *testing.T) {
			if code, out, message := runInspect(t, c, test.args...); code != exitUsage || out != "" || !strings.Contains(message, test.want) {
				t.Errorf("%d, %q, %q; want %q", code, out, message, test.want)
			}
		})
	}
	fresh := mustLoad(t, "CHARGERESULT_INQUIRY_CORRELATION_ID=fresh")
	for id, ok := range map[string]bool{"4711": true, strings.Repeat("오", 128): true, strings.Repeat("x", 129): false, "": false, "a\x1bb": false, "\xff": false} {
		if problem := malformedID(fresh, id); (problem == "") != ok {
			t.Errorf("fresh, %q: %q", id, problem)
		}
	}
}

func TestInspectCommand(t *testing.T) {
	c := mustLoad(t, "CHARGERESULT_REDIS_URL="+startRedis(t, goodInfo))
	_, broker := startKafka(t, kfake.SeedTopics(2, topicNames(c)...))
	c.KafkaBrokers = []string{broker}
	client, err := kgo.NewClient(kgo.SeedBrokers(broker))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	id := time.Now().UTC().Format("060102150405") + "-00000a1"

	if code, _, message := runInspect(t, c, id); code != exitFailed || !strings.Contains(message, "nothing of "+id+" was found since 20") || !strings.Contains(message, "check the ID") {
		t.Errorf("nothing: %d, %s", code, message)
	}
	event := &kgo.Record{Topic: c.TopicRequested, Key: []byte(id), Value: fmt.Appendf(nil, `{"correlationId":%q,"sequenceId":"CHG1"}`, id)}
	if err := client.ProduceSync(t.Context(), event).FirstErr(); err != nil {
		t.Fatal(err)
	}
	code, out, message := runInspect(t, c, strings.ToUpper(id))
	if code != exitDone || !strings.Contains(out, "CHG1: open\n  was not read yet") || !strings.Contains(out, "+0.0s  event  charge-requested/") {
		t.Errorf("found: %d, %s\n%s", code, message, out)
	}

	c.RedisURL = Secret{}
	for _, args := range [][]string{{id, "--json"}, {id, "--json", "--all", "--since", "1h"}} {
		var line replay.Timeline
		code, out, _ = runInspect(t, c, args...)
		if err := json.Unmarshal([]byte(out), &line); err != nil || code != exitDone || len(line.Transactions) != 1 || line.Complete || len(line.Unread) != 1 {
			t.Errorf("%v: %d, %v\n%s", args, code, err, out)
		}
	}
	other := id[:19] + "f"
	code, out, message = runInspect(t, c, other, "--json")
	if code != exitFailed || !strings.Contains(out, `"transactions": []`) || !strings.Contains(message, "--all reads for as long as it takes):\n  claim store: none is configured") {
		t.Errorf("nothing, as JSON: %d, %s\n%s", code, message, out)
	}
}

// A finder answers again and again, and says of its own what can't be a correlation ID.
func TestFinder(t *testing.T) {
	c := mustLoad(t)
	c.RedisURL = Secret{}
	_, broker := startKafka(t, kfake.SeedTopics(1, topicNames(c)...))
	c.KafkaBrokers = []string{broker}
	f, err := newFinder(c, time.Time{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.close()
	for range 3 {
		line, err := f.Find(t.Context(), "261122103000-00000a1")
		if err != nil || len(line.Transactions) != 0 {
			t.Errorf("%+v, %v", line, err)
		}
	}
	if _, err := f.Find(t.Context(), "4711"); exitCode(err) != exitUsage {
		t.Errorf("4711: %v", err)
	}
}

func TestWriteTimeline(t *testing.T) {
	at := time.Date(2026, 11, 22, 10, 30, 0, 0, time.UTC)
	source := events.Source{Topic: "charge-requested", Partition: 3, Offset: 1234}
	line := replay.Timeline{
		CorrelationID: "261122103000-00000a1", Scanned: 7, Took: 1234 * time.Microsecond, Complete: true,
		Transactions: []replay.Transaction{
			{
				Operation: events.Charge, SequenceID: "CHG1", State: replay.IsWaiting, Summary: "waits",
				Claim: &replay.Claim{State: "settled", Result: "COMPLETED", Owner: source.String()},
				Steps: []replay.Step{
					{Kind: replay.StepEvent, At: at, Record: source, Text: "evil \x1b[2J", Trace: "0af7651916cd43dd8448eb211c80319c"},
					{Kind: replay.StepWait, At: at.Add(90 * time.Second), Record: events.Source{Topic: "r"}, Attempt: 2, Due: at.Add(time.Hour), Text: "PENDING", Replay: "x"},
				},
			},
			{State: replay.IsFinal, Summary: "COMPLETED, says the claim store"},
		},
	}
	var out bytes.Buffer
	if err := writeTimeline(&out, line); err != nil {
		t.Fatal(err)
	}
	const want = `CHARGE 261122103000-00000a1 CHG1: waiting
  waits
  claim: settled COMPLETED by charge-requested/3/1234

  TIME                      AFTER   WHAT   WHERE                    ASKED  DUE                   TRACE                             
  2026-11-22T10:30:00.000Z  +0.0s   event  charge-requested/3/1234  0      -                     0af7651916cd43dd8448eb211c80319c  evil �[2J
  2026-11-22T10:31:30.000Z  +1m30s  wait   r/0/0                    2      2026-11-22T11:30:00Z  -                                 PENDING (replay x)

- 261122103000-00000a1 -: final
  COMPLETED, says the claim store

7 records searched in 1ms.
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
	line.Complete = false
	for i := range 20 {
		line.Unread = append(line.Unread, fmt.Sprint("unread ", i))
	}
	out.Reset()
	if err := writeTimeline(&out, line); err != nil || !strings.Contains(out.String(), "There may be more, for not everything was read:\n  unread 0\n") ||
		!strings.HasSuffix(out.String(), "unread 11\n  and 8 more: --json lists them\n") {
		t.Errorf("%v\n%s", err, out.String())
	}
}
