package main

import (
	"context"
	"runtime/debug"
	"strings"
	"time"

	"github.com/chargeresult/chargeresult/processor"
	"github.com/chargeresult/chargeresult/processor/console"
)

// slowestShown is how many of the messages in flight the status page names.
const slowestShown = 20

// page is what the process is doing now. If the cluster's facts are old it waits for newer ones, for watchPatience.
func (a *admin) page(ctx context.Context) console.Page {
	cluster := a.watch.fresh(ctx, a.flow.engine.Status)
	return console.Page{
		At: time.Now().UTC(), Version: runningVersion(), Started: a.started.UTC(), Group: a.cfg.KafkaGroup, Instance: a.cfg.InstanceID,
		Settings: a.settings, LogLevel: strings.ToLower(a.level.Level().String()), Counts: a.flow.Counts(), Engine: a.flow.engine.Status(),
		InFlight: inFlight(a.flow.Slowest(slowestShown)), Breaker: a.flow.asking.breakerNow(), Pace: a.flow.asking.paceNow(), Inquiries: a.flow.asking.inquiriesNow(),
		Cluster: cluster,
	}
}

func runningVersion() console.Version {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return console.Version{}
	}
	v := versionOf(info)
	return console.Version{Version: v.Version, Revision: v.Revision, Go: v.Go}
}

// settingsOf are the settings in effect, secrets masked.
func settingsOf(rows []effective) []console.Setting {
	settings := make([]console.Setting, len(rows))
	for i, r := range rows {
		settings[i] = console.Setting{Name: r.name, Value: r.kind.show(), From: r.from}
	}
	return settings
}

func inFlight(working []processor.Working) []console.InFlight {
	list := make([]console.InFlight, len(working))
	for i, w := range working {
		list[i] = console.InFlight{
			CorrelationID: w.CorrelationID, Operation: string(w.Operation), Topic: w.Source.Topic, Partition: w.Source.Partition, Offset: w.Source.Offset,
			Attempt: w.Attempt, Since: w.Since.UTC(), Trace: w.Trace,
		}
	}
	return list
}

func (a *asking) breakerNow() console.Breaker {
	s := a.breaker.State()
	b := console.Breaker{State: string(s.State), Since: s.Since.UTC(), NextProbe: s.NextProbe.UTC(), InFlight: s.InFlight, Limit: s.Limit, Waiting: s.Waiting}
	if s.Cause != nil {
		b.Cause = s.Cause.Error()
	}
	return b
}

func (a *asking) paceNow() console.Pace {
	s := a.pace.State()
	return console.Pace{Rate: s.Rate, PausedUntil: s.PausedUntil.UTC(), Waiting: s.Waiting, SlowDowns: int64(s.SlowDowns)}
}

func (a *asking) inquiriesNow() console.Inquiries {
	s := a.stats.Snapshot()
	now := console.Inquiries{Span: s.Span, Tries: s.Tries, ByClass: map[string]int64{}, P50: s.P50, P99: s.P99, Slowest: s.Slowest}
	for class, n := range s.ByClass {
		now.ByClass[class.String()] = n
	}
	return now
}
