package main

import (
	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor"
	"github.com/chargeresult/chargeresult/processor/inquiry"
	"github.com/chargeresult/chargeresult/processor/stream"
)

// The words that attributes of our metrics may have as values. Each has a series from the start, so that an alarm on it can't be silent
// because it has never happened. TestWords finds those that the code has and this file lacks.
var (
	finals      = []string{events.Completed, events.Failed, events.Unknown}
	deadReasons = []string{events.ReasonUndecodable, events.ReasonInvalidEvent, events.ReasonConflict}
	waitReasons = []string{
		events.WaitFirstAsk, events.WaitPending, events.WaitNotFound, events.WaitUnclear,
		events.WaitUnavailable, events.WaitSlowDown, events.WaitCredentials, events.WaitHalted,
	}
	holds = []string{
		stream.HeldByAdmission, stream.HeldByGroup, holdBreaker, holdRate,
		processor.HoldCredentials, processor.HoldRefusals, processor.HoldDeadLetters, processor.HoldRebuild,
	}
	breakerStates = []string{string(inquiry.Closed), string(inquiry.Open), string(inquiry.HalfOpen)}
)

const (
	interim = events.Pending // the result that is not final
	other   = "other"        // any word that is none of those
)
