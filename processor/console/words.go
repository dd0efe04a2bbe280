package console

import (
	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor"
)

// failure says that a class of replies tells nothing about the transaction that was asked about.
func failure(class string) bool {
	switch class {
	case processor.OurFault.String(), processor.SlowDown.String(), processor.VendorDown.String(), processor.NotAnAnswer.String():
		return true
	}
	return false
}

// explained is what a name that stands in records and metrics means; empty if it is not known here.
func explained(name string) string {
	switch name {
	case events.Completed:
		return "Konaplate did it"
	case events.Failed:
		return "Konaplate did not do it"
	case events.Unknown:
		return "it will never be known"
	case events.ReasonUndecodable:
		return "the bytes are not the format"
	case events.ReasonInvalidEvent:
		return "a field is missing, malformed or ambiguous"
	case events.ReasonConflict:
		return "another event owns the transaction, with another sequence ID"
	case events.WaitFirstAsk:
		return "waited before the first ask, on purpose"
	case events.WaitPending:
		return "Konaplate is not done"
	case events.WaitNotFound:
		return "Konaplate does not know it yet"
	case events.WaitUnclear:
		return "refused with a code that decides nothing"
	case events.WaitUnavailable:
		return "Konaplate was down"
	case events.WaitSlowDown:
		return "Konaplate wanted fewer questions"
	case events.WaitCredentials:
		return "Konaplate refused our credentials"
	case events.WaitHalted:
		return "the process was halted"
	case events.VerdictDuplicate:
		return "another event owns the transaction"
	case events.VerdictRedelivered:
		return "it had been finished before"
	}
	return ""
}
