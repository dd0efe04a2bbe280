package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// feedInterval is how often the feed produces what is due.
const feedInterval = 10 * time.Millisecond

// feed produces the generator's events at a steady rate.
type feed struct {
	client    *kgo.Client
	traces    *traces
	generator *generator // owned by run, until it has returned
	rate      int        // events a second
	planned   int        // events in all
	sent      atomic.Int64
}

// run produces until everything planned is produced or ctx ends, and returns when all of it is in the topics.
func (f *feed) run(ctx context.Context) error {
	began := time.Now()
	tick := time.NewTicker(feedInterval)
	defer tick.Stop()
	lasting := context.WithoutCancel(ctx)
	failed := make(chan error, 1) // the first
	for sent := 0; sent < f.planned && ctx.Err() == nil; {
		select {
		case <-ctx.Done():
		case now := <-tick.C:
			due := min(f.planned, int(now.Sub(began).Seconds()*float64(f.rate)))
			for ; sent < due; sent++ {
				record := f.generator.next(time.Now())
				ended := f.traces.send(record)
				f.client.Produce(lasting, record, func(_ *kgo.Record, err error) {
					ended(err)
					f.produced(err, failed)
				})
			}
		}
	}
	err := f.client.Flush(lasting)
	select {
	case first := <-failed:
		err = errors.Join(first, err)
	default:
	}
	if err != nil {
		return fmt.Errorf("feed events: %w", err)
	}
	return nil
}

func (f *feed) produced(err error, failed chan<- error) {
	if err == nil {
		f.sent.Add(1)
		return
	}
	select {
	case failed <- err:
	default:
	}
}
