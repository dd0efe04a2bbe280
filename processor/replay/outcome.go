package replay

import (
	"hash/maphash"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chargeresult/chargeresult/events"
)

// outcome is what one record of an output topic says.
type outcome struct {
	place  mark          // inFinal, inDead, inDuplicate or waited; 0: the record is no place
	source events.Source // of which input record
	result events.Result // if it is a result, interim ones included
	isA    string        // for people: what it is
	detail string        // and more of that
}

// at says what a record is, and where, for people.
func (o outcome) at(record *kgo.Record) string {
	if o.result.Final {
		o.detail = "of revision " + strconv.Itoa(o.result.Revision)
	}
	return strings.TrimSpace(o.isA+" "+o.detail) + " at " + sourceOf(record).String()
}

// outcomeOf reads a record of an output topic. ours is false for what another group published, and for a retry record of another topic
// of the same name. Duplicates and retry records do not name their group: the topics they are in belong to one.
func (r *reconciliation) outcomeOf(record *kgo.Record) (o outcome, ours bool, err error) {
	switch record.Topic {
	case r.cfg.Result:
		if !publishedBy(record, r.source) {
			return outcome{}, false, nil
		}
		result, err := events.DecodeResult(record.Value)
		o = outcome{source: result.Source, result: result, isA: "interim result"}
		if result.Final {
			o.isA = "final result"
		}
		if result.Revision == 1 { // a later one corrects it, and is no second place
			o.place = inFinal
		}
		return o, true, err
	case r.cfg.DeadLetter:
		if header(record, events.HeaderErrorConnector) != r.cfg.Group {
			return outcome{}, false, nil
		}
		source, err := origin(record)
		return outcome{place: inDead, source: source, isA: "dead letter", detail: header(record, events.HeaderReason)}, true, err
	case r.cfg.Duplicates:
		duplicate, err := events.DecodeDuplicate(record.Value)
		o = outcome{source: duplicate.Source, isA: duplicate.Verdict}
		if duplicate.Verdict == events.VerdictDuplicate {
			o.place, o.isA, o.detail = inDuplicate, "duplicate of", duplicate.Owner
		}
		return o, true, err
	default:
		retry, _, err := events.DecodeRetry(eventHeaders(record.Headers))
		if err != nil || retry.OriginTopicID != r.topicIDs[retry.Origin.Topic] {
			return outcome{}, false, nil // what can't be read becomes a dead letter, of itself
		}
		return outcome{place: waited, source: retry.Origin, isA: "waiting", detail: retry.Reason}, true, nil
	}
}

// origin is where a dead letter comes from.
func origin(r *kgo.Record) (events.Source, error) {
	partition, err := strconv.ParseInt(header(r, events.HeaderErrorPartition), 10, 32)
	if err != nil {
		return events.Source{}, err
	}
	offset, err := strconv.ParseInt(header(r, events.HeaderErrorOffset), 10, 64)
	return events.Source{Topic: header(r, events.HeaderErrorTopic), Partition: int32(partition), Offset: offset}, err
}

// header is the value of a record's last header of a name: those before may be the original's.
func header(r *kgo.Record, key string) string {
	for _, h := range slices.Backward(r.Headers) {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}

// hashes finds what results have in common, 8 bytes a result: a hash of identity and revision, whose lowest bit says whether it is a final one.
type hashes struct {
	seed maphash.Seed
	seen []uint64
}

func newHashes(results int64) *hashes {
	return &hashes{maphash.MakeSeed(), make([]uint64, 0, results)}
}

func (h *hashes) of(r events.Result) uint64 {
	id := r.Identity()
	sum := maphash.String(h.seed, string(id.Operation)+"/"+id.CorrelationID+"/"+strconv.Itoa(r.Revision)) &^ 1
	if r.Final {
		sum |= 1
	}
	return sum
}

func (h *hashes) add(r events.Result) { h.seen = append(h.seen, h.of(r)) }

// repeated returns, once each, the hashes of more than one result, and how many of them are of final ones. It leaves h sorted.
func (h *hashes) repeated() (twice []uint64, finals int64) {
	slices.Sort(h.seen)
	for i := 1; i < len(h.seen); i++ {
		this := h.seen[i]
		if this != h.seen[i-1] || len(twice) > 0 && twice[len(twice)-1] == this {
			continue
		}
		twice = append(twice, this)
		finals += int64(this & 1)
	}
	return twice, finals
}
