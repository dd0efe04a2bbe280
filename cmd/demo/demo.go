package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/chargeresult/chargeresult/deploy/collector"
)

// drainLimit is how long after the last event everything may take to end: what is PENDING until its deadline included.
const drainLimit = deadline + 8*time.Second

// seenInterval is how often it is looked whether everything has ended.
const seenInterval = 50 * time.Millisecond

// readLimit is how long reading the topics may take at the end.
const readLimit = 10 * time.Second

// stage is the show while it goes on.
type stage struct {
	opts    options
	began   time.Time
	world   *surroundings
	traces  *traces
	line    *pipeline
	breaker *history
	client  *kgo.Client // the feed's
	feed    *feed
	outage  *outage
	wipe    *wipe
	reader  *subscriber
}

// show is the demonstration: feed and watch, drain, account. The end of ctx ends the feeding.
func show(ctx context.Context, o options, scr *screen, log *warnings) (_ report, err error) {
	s := &stage{opts: o, began: time.Now(), breaker: &history{}}
	if s.world, err = startSurroundings(o.seed); err != nil {
		return report{}, err
	}
	defer func() { err = errors.Join(err, s.world.close()) }()
	if s.client, err = kgo.NewClient(s.world.kafkaOptions()...); err != nil {
		return report{}, fmt.Errorf("make the feed's client: %w", err)
	}
	defer s.client.Close()
	if o.traces {
		s.traces = newTraces()
	}
	s.wipe = &wipe{redis: s.world.redis}
	lasting := context.WithoutCancel(ctx)
	warn := slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if s.line, err = newPipeline(lasting, s.world, kadm.NewClient(s.client), watchers{s.breaker, s.wipe, s.traces, warn}); err != nil {
		return report{}, err
	}
	defer func() { err = errors.Join(err, s.line.close()) }()
	if s.reader, err = newSubscriber(s.world.kafkaOptions()); err != nil {
		return report{}, err
	}
	defer s.reader.client.Close()
	s.outage = &outage{vendor: s.world.vendor}
	s.feed = &feed{client: s.client, traces: s.traces, generator: newGenerator(o.seed, s.began, o.lasting()), rate: o.rate, planned: o.planned()}
	drained, err := s.perform(ctx, scr)
	if err != nil {
		return report{}, err
	}
	return s.account(lasting, drained, scr.style())
}

// perform runs everything at once until what was fed has drained, or is late.
func (s *stage) perform(ctx context.Context, scr *screen) (drained bool, err error) {
	group, alive := errgroup.WithContext(context.WithoutCancel(ctx)) // alive ends early if something fails
	working, stop := context.WithCancel(alive)
	defer stop()
	group.Go(func() error { return s.line.engine.Run(working) })
	group.Go(func() error { return s.reader.run(working) })
	if !s.opts.quiet && !s.opts.json {
		group.Go(func() error { scr.show(working, s.look); return nil })
	}
	feeding, full := context.WithCancel(ctx)
	defer full()
	defer context.AfterFunc(alive, full)()
	group.Go(func() error {
		from, until := s.opts.outage()
		s.outage.run(feeding, from, until)
		return nil
	})
	group.Go(func() error {
		s.wipe.run(feeding, s.opts.wipe())
		return nil
	})
	if err := s.feed.run(feeding); err != nil {
		stop()
		return false, errors.Join(err, group.Wait())
	}
	full()
	draining, cancel := context.WithTimeout(alive, drainLimit)
	defer cancel()
	drained = s.awaitEnded(draining)
	stop()
	return drained, group.Wait()
}

// awaitEnded returns whether the subscriber saw as many events end as were fed before ctx ended. The accounting will tell whether they are the same.
func (s *stage) awaitEnded(ctx context.Context) bool {
	for s.reader.sightings().ended() < s.feed.generator.fed.records {
		if ctx.Err() != nil {
			return false
		}
		pause(ctx, seenInterval)
	}
	return true
}

// look gathers a view.
func (s *stage) look() view {
	now := time.Now()
	return view{
		elapsed: now.Sub(s.began), now: now, planned: s.opts.planned(), fed: int(s.feed.sent.Load()), seen: s.reader.sightings(),
		waiting: s.line.waiting(), inFlight: s.line.engine.Status().InFlight, holds: s.line.intake.Holds(),
		breaker: s.line.asking.breaker.State(), vendorDown: s.outage.down.Load(), wipe: s.wipeReport(),
		rate:   float64(s.reader.since(now.Add(-rateSpan))) / rateSpan.Seconds(),
		recent: s.reader.newest(recentResults),
	}
}

// account reads the topics, and judges.
func (s *stage) account(ctx context.Context, drained bool, style collector.Style) (report, error) {
	ctx, cancel := context.WithTimeout(ctx, readLimit)
	defer cancel()
	account, err := reconcile(ctx, s.world.kafkaOptions())
	if err != nil {
		return report{}, err
	}
	book, err := readBook(ctx, s.world.kafkaOptions())
	if err != nil {
		return report{}, err
	}
	now := time.Now()
	from, _ := s.opts.outage()
	calls := s.world.vendor.Ledger()
	flushed, rebuilt := s.wipe.times()
	return report{
		Drained: drained, Seconds: now.Sub(s.began).Seconds(), Accounting: account, Wipe: s.wipeReport(),
		Findings: evidence{account, book, s.feed.generator.fed, calls, flushed, rebuilt}.judge(),
		Breaker:  judgeBreaker(s.breaker.all(), calls, now),
		before:   s.reader.until(s.began.Add(from)),
		overall:  s.reader.until(now),
		traces:   s.traces.tree(s.opts.traced, book, style),
	}, nil
}

func (s *stage) wipeReport() (r wipeReport) {
	flushed, rebuilt := s.wipe.times()
	if !flushed.IsZero() {
		r.Flushed = flushed.Sub(s.began).Seconds()
	}
	if !rebuilt.IsZero() {
		r.Rebuilt = rebuilt.Sub(s.began).Seconds()
	}
	return r
}
