package events

import "fmt"

// fault is what is wrong with a field of a record this program writes; bad is "" if nothing is.
type fault struct{ field, bad string }

// firstFault returns the first of the faults as an error.
func firstFault(record string, faults ...fault) error {
	for _, f := range faults {
		if f.bad != "" {
			return fmt.Errorf("events: %s: %s %s", record, f.field, f.bad)
		}
	}
	return nil
}

func wants(ok bool, rule string) string {
	if ok {
		return ""
	}
	return rule
}

func badOperation(op Operation) string {
	if op == Charge || op == Cancellation {
		return ""
	}
	return "must be CHARGE or CANCELLATION, is " + quote(op)
}

func badResult(s string) string {
	switch s {
	case Completed, Failed, Pending, Unknown:
		return ""
	}
	return "must be COMPLETED, FAILED, PENDING or UNKNOWN, is " + quote(s)
}

// badCode holds s to the form of Konaplate's codes.
func badCode(s string) string {
	if s == "" || len(s) == 7 && all(s[:3], isDigit) && s[3] == '_' && all(s[4:], isDigit) {
		return ""
	}
	return "must be NNN_NNN, is " + quote(s)
}

// badReason holds s to the form of reasons, known and to come.
func badReason(s string) string {
	if len(s) <= maxReason && all(s, func(c byte) bool { return 'A' <= c && c <= 'Z' || c == '_' }) {
		return ""
	}
	return "must be at most 64 of A to Z and _, is " + quote(s)
}

// badSource holds the topic to Kafka's rules for names.
func badSource(s Source) string {
	legal := func(c byte) bool {
		return isDigit(c) || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '.' || c == '_' || c == '-'
	}
	if len(s.Topic) == 0 || len(s.Topic) > maxTopic || !all(s.Topic, legal) || s.Partition < 0 || s.Offset < 0 {
		return "must be a topic, a partition and an offset, is " + quote(s.String())
	}
	return ""
}

func badReplayID(s string) string {
	if s == "" {
		return ""
	}
	return badText(s, maxReplayID)
}
