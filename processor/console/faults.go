package console

import (
	"github.com/chargeresult/chargeresult/processor"
	"github.com/chargeresult/chargeresult/processor/stream"
)

// holds is what is known of the reasons to hold intake.
var holds = map[string]struct {
	title, do string
	passes    bool // by itself, if all goes as it should
}{
	holdBreaker: {"Konaplate is down", "Nothing to do here: it is probed, and intake goes on by itself once it answers.", true},
	processor.HoldCredentials: {
		"Konaplate refuses our credentials",
		"Correct CHARGERESULT_INQUIRY_ASP_ID, _ACCESS_KEY or what signs, and restart. No event is spent meanwhile.", false,
	},
	processor.HoldRefusals: {
		"everything ends as UNKNOWN, which is more likely our fault than that of the events",
		"Look at the last results, correct what is wrong and restart; if they are right, raise CHARGERESULT_GUARD_REFUSALS.", false,
	},
	processor.HoldDeadLetters: {
		"too many events end as dead letters",
		"Look at them, correct CHARGERESULT_FIELD_… or the upstream, and restart; if they are right, raise CHARGERESULT_GUARD_DEAD_LETTERS.", false,
	},
	processor.HoldRebuild: {
		"claims are being restored from the topics",
		"Nothing to do here: it takes seconds to minutes, and intake goes on by itself. If Redis was not meant to lose them, look at Redis.", true,
	},
	stream.HeldByAdmission: {
		"Redis does not answer as it should",
		"Do what the message says, at Redis. Nothing is lost, and intake goes on by itself once claims are answered.", false,
	},
	stream.HeldByGroup: {
		"this process is no working member of its group",
		"Nothing to do for a moment: it joins again by itself. If it lasts, look at the brokers, and for another process of the same name.", true,
	},
}

// partitionFault is a state that a partition should not be in.
type partitionFault struct {
	state     State
	one, many string // the verb
	do        string
	passes    bool // by itself, if all goes as it should
}

// partitionFaults are those states, the worst first.
var partitionFaults = []partitionFault{
	{Stopped, "is stopped", "are stopped", "Mend what the message says, then restart the process that has it: it goes on where it stopped. The others go on meanwhile.", false},
	{Stalled, "has stalled", "have stalled", "It has records that are due, and does not move. See what its slowest event waits for; if nothing is in flight, restart the process that has it.", false},
	{Nobody, "is nobody's", "are nobody's", "Start a process of this group, or wait for the one that is joining.", true},
	{Full, "is full", "are full", "It takes up no more until its oldest record is finished: see what that waits for.", true},
}

// verb says what so many partitions are.
func (f partitionFault) verb(n int) string {
	if n == 1 {
		return f.one
	}
	return f.many
}
