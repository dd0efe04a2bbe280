package main

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

func TestWhichFaultsAreTheSame(t *testing.T) {
	dial := func(port int) error {
		return fmt.Errorf("read tcp 127.0.0.1:%d->10.0.0.1:9092: i/o timeout after %dms", port, port)
	}
	for name, tc := range map[string]struct {
		first, second func(*slog.Logger)
		same          bool
	}{
		"another number":              {warn("m", "messages", 1), warn("m", "messages", 2), true},
		"another fraction":            {warn("m", "rate", 1.5), warn("m", "rate", 2.5), true},
		"another duration":            {warn("m", "took", time.Second), warn("m", "took", time.Minute), true},
		"another time":                {warn("m", "since", time.Unix(1, 0)), warn("m", "since", time.Unix(2, 0)), true},
		"another port in an error":    {warn("m", "err", dial(1)), warn("m", "err", dial(54321)), true},
		"another time in a sentence":  {warn("m", "cause", "not before 12:00:01"), warn("m", "cause", "not before 12:00:12"), true},
		"another number in a message": {warn("3 of 7 failed"), warn("4 of 10 failed"), true},
		"another event":               {inEvent("id-1"), inEvent("id-2"), true},
		"another message":             {warn("m"), warn("n"), false},
		"another level":               {warn("m"), func(log *slog.Logger) { log.Error("m") }, false},
		"another partition":           {warn("m", "partition", int32(1)), warn("m", "partition", int32(2)), false},
		"another topic":               {warn("m", "topic", "charge-1"), warn("m", "topic", "charge-2"), false},
		"another broker":              {warn("m", "addr", "10.0.0.1:9092"), warn("m", "addr", "10.0.0.2:9092"), false},
		"another error":               {warn("m", "err", errors.New("no route")), warn("m", "err", errors.New("no answer")), false},
		"another list":                {warn("m", "partitions", []int32{1, 2}), warn("m", "partitions", []int32{3}), false},
		"another key":                 {warn("m", "a", true), warn("m", "b", true), false},
		"another group":               {warn("m", slog.Group("g", "x", "1")), warn("m", slog.Group("g", "x", "2")), false},
		"another logger": {
			func(log *slog.Logger) { log.With("topic", "a").Warn("m") }, func(log *slog.Logger) { log.With("topic", "b").Warn("m") }, false,
		},
		"another group of the logger": {
			func(log *slog.Logger) { log.WithGroup("a").Warn("m") }, func(log *slog.Logger) { log.WithGroup("b").Warn("m") }, false,
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			var logged bytes.Buffer
			log, flush := newLog(&logged, slog.LevelInfo)
			tc.first(log)
			tc.second(log)
			if same := len(written(t, &logged)) == 1; same != tc.same {
				t.Errorf("%s: the same is %v\n%s", name, same, &logged)
			}
			flush()
			if n := len(written(t, &logged)); n != 2 {
				t.Errorf("%s: %d lines in the end", name, n)
			}
		})
	}
}

func warn(msg string, attrs ...any) func(*slog.Logger) {
	return func(log *slog.Logger) { log.Warn(msg, attrs...) }
}

func inEvent(id string) func(*slog.Logger) {
	return func(log *slog.Logger) { log.WarnContext(inTransaction(id), "m") }
}

// A fault is written at once, then once an interval with the newest of what came, and when it is over no more. What is no fault is always written.
func TestFaultsOnceAnInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logged bytes.Buffer
		log, flush := newLog(&logged, slog.LevelInfo)
		began := time.Now()
		for i := range 25 { // at 0 s, 0.9 s, ... 21.6 s
			log.Warn("m", "n", i)
			log.Info("m", "n", i)
			time.Sleep(900 * time.Millisecond)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		var faults []string
		infos := 0
		for _, line := range written(t, &logged) {
			if line["level"] == "INFO" {
				infos++
				continue
			}
			at, _ := time.Parse(time.RFC3339Nano, line["time"].(string))
			faults = append(faults, fmt.Sprintf("%v: %v repeated %v", at.Sub(began), line["n"], line["repeated"]))
		}
		want := "0s: 0 repeated <nil>, 9.9s: 11 repeated 10, 19.8s: 22 repeated 10, 21.6s: 24 repeated 1"
		if got := strings.Join(faults, ", "); infos != 25 || got != want {
			t.Errorf("%d lines of information; faults: %s\nwant %s", infos, got, want)
		}
		logged.Reset()
		log.Warn("m", "n", 100)
		flush()
		if lines := written(t, &logged); len(lines) != 1 {
			t.Errorf("a fault that was over is not written at once, and once: %s", &logged)
		}
	})
}

// Every line is written or counted, whatever comes when.
func TestNoFaultIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logged bytes.Buffer
		log, flush := newLog(&logged, slog.LevelInfo)
		told := map[string]int{}
		for range 2000 {
			topic := fmt.Sprint("topic-", rand.IntN(5))
			log.Warn("m", "topic", topic)
			told[topic]++
			time.Sleep(rand.N(3 * time.Second))
			if rand.IntN(500) == 0 {
				flush()
			}
		}
		flush()
		counted := map[string]int{}
		last := map[string]time.Time{}
		for _, line := range written(t, &logged) {
			topic := line["topic"].(string)
			repeated, _ := line["repeated"].(float64)
			counted[topic] += 1 + int(repeated)
			at, _ := time.Parse(time.RFC3339Nano, line["time"].(string))
			if at.Before(last[topic]) {
				t.Errorf("%s: %v after %v", topic, at, last[topic])
			}
			last[topic] = at
		}
		for topic, n := range told {
			if counted[topic] != n {
				t.Errorf("%s: %d told, %d counted", topic, n, counted[topic])
			}
		}
	})
}

// However many faults there are, only so many are remembered, and none is lost.
func TestFaultsRememberedAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logged bytes.Buffer
		log, flush := newLog(&logged, slog.LevelInfo)
		remembered := func() int {
			r := log.Handler().(*logHandler).repeats
			r.mu.Lock()
			defer r.mu.Unlock()
			return len(r.running)
		}
		const extra = 500
		for i := range mostRepeats + extra {
			log.Warn("m", "id", fmt.Sprint("x", i))
		}
		if n := len(written(t, &logged)); n != mostRepeats+1 {
			t.Errorf("%d lines, want one each up to %d, and one for all others", n, mostRepeats)
		}
		log.Error("quite another thing")
		if !strings.Contains(logged.String(), "quite another thing") {
			t.Error("a fault of another message was held back")
		}
		for i := range 3 * mostRepeats {
			log.Warn(fmt.Sprint("m", i))
		}
		if n := remembered(); n > 2*mostRepeats {
			t.Errorf("%d faults are remembered", n)
		}
		time.Sleep(2*repeatInterval + 1)
		synctest.Wait()
		if n := remembered(); n != 0 {
			t.Errorf("%d faults are remembered though they are over", n)
		}
		flush()
		total := 0
		for _, line := range written(t, &logged) {
			repeated, _ := line["repeated"].(float64)
			total += 1 + int(repeated)
		}
		if want := mostRepeats + extra + 1 + 3*mostRepeats; total != want {
			t.Errorf("%d of %d lines are accounted for", total, want)
		}
	})
}

// A line that is written later says what was so when it was logged. The race detector sees it if the value is still held.
func TestLateLinesAreAsTheyWere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logged bytes.Buffer
		log, _ := newLog(&logged, slog.LevelInfo)
		log = log.With("id", 1)
		value := map[string]string{"is": "before"}
		for range 2 {
			log.WarnContext(inTransaction("id-1"), "m", "value", value)
		}
		value["is"] = "after"
		time.Sleep(repeatInterval + 1)
		synctest.Wait()
		if strings.Contains(logged.String(), "after") || strings.Count(logged.String(), `"correlation_id":"id-1"`) != 2 {
			t.Error(logged.String())
		}
	})
}

// While a broker is away the client says so about once a second, each time with other numbers; the log says it once an interval.
func TestKafkaClientsWarnings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logged bytes.Buffer
		log, flush := newLog(&logged, slog.LevelInfo)
		client := kafkaLog{log}
		for i := range 60 {
			client.Log(kgo.LogLevelError, "unable to request api versions", "broker", "seed_0",
				"err", fmt.Errorf("read tcp 127.0.0.1:%d->127.0.0.1:9092: read: connection reset by peer", 40000+i))
			client.Log(kgo.LogLevelError, "group manage loop errored", "group", "g", "err", errors.New("EOF"), "consecutive_errors", i, "backoff", time.Duration(i)*time.Millisecond)
			client.Log(kgo.LogLevelWarn, "not an operator's business", "i", i)
			time.Sleep(time.Second)
		}
		flush()
		if n := len(written(t, &logged)); n < 12 || n > 14 {
			t.Errorf("%d lines in a minute, want one an interval of each of two:\n%s", n, &logged)
		}
	})
}
