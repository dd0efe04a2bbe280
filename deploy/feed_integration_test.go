//go:build integration

package deploy

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chargeresult/chargeresult/events"
)

// TestFeed runs the feeder's script with a producer that writes files, for one round of what it does, and reads every event as the processor would.
func TestFeed(t *testing.T) {
	const round = 500 // of the script
	w := &place{service: "feeder", dir: t.TempDir()}
	must(t, os.MkdirAll(filepath.Join(w.dir, "bin"), 0o755))
	producer := "#!/bin/sh\nwhile [ \"$1\" != --topic ]; do shift; done\nexec cat >\"$KAFKA_HOME/$2\"\n"
	must(t, os.WriteFile(filepath.Join(w.dir, "bin", "kafka-console-producer.sh"), []byte(producer), 0o755))
	script, err := filepath.Abs("feeder/feed.sh")
	must(t, err)
	start(t, w, []string{"FEED_BROKER=none:1", "FEED_RATE=200", "FEED_BEAT=" + filepath.Join(w.dir, "beat"), "KAFKA_HOME=" + w.dir}, []string{"bash", script})
	var charges, cancellations []string
	await(t, "a round of events", poll, 30*time.Second, func(context.Context) error {
		charges, cancellations = fed(w, events.TopicRequested), fed(w, events.TopicCancelled)
		if n := len(charges) + len(cancellations); n < round {
			return fmt.Errorf("%d of %d", n, round)
		}
		return nil
	})
	decoder, err := events.NewDecoder(events.Fields{})
	must(t, err)
	transactions := map[events.Identity]string{} // its sequence ID
	var again, conflicts, damaged int
	for operation, lines := range map[events.Operation][]string{events.Charge: charges, events.Cancellation: cancellations} {
		for _, line := range lines {
			_, value, _ := strings.Cut(line, "\t")
			e, err := decoder.Decode(operation, events.Message{Value: []byte(value)})
			if err != nil {
				damaged++
				continue
			}
			if late := time.Since(e.RequestedAt); late < 0 || late > time.Minute {
				t.Errorf("%s is %v old", value, late)
			}
			switch owner := transactions[e.Identity()]; owner {
			case "":
				transactions[e.Identity()] = e.SequenceID
			case e.SequenceID:
				again++
			default:
				conflicts++
			}
		}
	}
	if again < 3 || conflicts < 1 || damaged < 1 || again+conflicts+damaged > 20 {
		t.Errorf("%d duplicates, %d conflicts, %d damaged events: want 3, 1, 1 a round", again, conflicts, damaged)
	}
	if share := float64(len(cancellations)) / float64(len(charges)+len(cancellations)); share < 0.15 || share > 0.2 {
		t.Errorf("a share of %.2f are cancellations", share)
	}
}

// fed are the complete lines that were produced to a topic.
func fed(w *place, topic string) []string {
	content, err := os.ReadFile(filepath.Join(w.dir, topic))
	if errors.Is(err, os.ErrNotExist) || len(content) == 0 {
		return nil
	}
	lines := strings.Split(string(content), "\n")
	return lines[:len(lines)-1]
}
