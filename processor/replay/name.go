package replay

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chargeresult/chargeresult/events"
)

// naming finds, in a second reading of the output topics, where the faults are. It keeps what is named, and nothing else.
type naming struct {
	*reconciliation
	records map[events.Source]*Fault // input records in two places
	hashes  map[uint64]bool          // of results that are there more than once
	results map[string]*Fault        // those of such a hash, by identity and revision
}

// name completes the faults, up to the limit, with the transactions that were answered twice, and with the places.
func (r *reconciliation) name(ctx context.Context, repeated []uint64) error {
	a := &r.account
	n := naming{r, map[events.Source]*Fault{}, map[uint64]bool{}, map[string]*Fault{}}
	for i := range a.Faults {
		if a.Faults[i].Kind == Twice {
			n.records[a.Faults[i].Source] = &a.Faults[i]
		}
	}
	named := min(len(repeated), r.cfg.Limit-len(a.Faults))
	a.Unnamed += int64(len(repeated) - named)
	for _, hash := range repeated[:named] {
		n.hashes[hash] = true
	}
	if len(n.records)+len(n.hashes) > 0 {
		if err := read(ctx, r.cfg.Client, r.outputs, told(nil), n.visit); err != nil {
			return err
		}
	}
	a.Faults = append(a.Faults, n.twice()...)
	slices.SortFunc(a.Faults, func(f, g Fault) int { return strings.Compare(f.order(), g.order()) })
	return nil
}

// maxPlaces is how many places of one fault are named.
const maxPlaces = 10

func (f *Fault) add(place string) {
	if len(f.Places) < maxPlaces {
		f.Places = append(f.Places, place)
	}
}

func (f Fault) order() string {
	return strings.Join(append([]string{string(f.Kind), f.Source.String(), f.CorrelationID}, f.Places...), " ")
}

func (n naming) visit(record *kgo.Record) error {
	o, ours, err := n.outcomeOf(record)
	if err != nil || !ours {
		return nil
	}
	if o.result.Result != "" && n.hashes[n.reconciliation.results.of(o.result)] {
		n.result(o.result).add(o.at(record) + ", of " + o.source.String())
	}
	if o.place == 0 || o.place == waited && n.after.finished(sourceOf(record)) {
		return nil
	}
	if f := n.records[o.source]; f != nil {
		f.add(o.at(record))
	}
	return nil
}

// result is the fault of a transaction's revision.
func (n naming) result(r events.Result) *Fault {
	id := r.Identity()
	key := fmt.Sprint(id, r.Revision)
	if n.results[key] == nil {
		n.results[key] = &Fault{Kind: TwoInterims, Operation: id.Operation, CorrelationID: r.CorrelationID, SequenceID: r.SequenceID}
		if r.Final {
			n.results[key].Kind = TwoFinals
		}
	}
	return n.results[key]
}

// twice are the transactions that were answered twice indeed: the others only share a hash with one.
func (n naming) twice() (faults []Fault) {
	for _, f := range n.results {
		switch {
		case len(f.Places) > 1:
			faults = append(faults, *f)
		case f.Kind == TwoFinals:
			n.account.TwoFinals--
		default:
			n.account.TwoInterims--
		}
	}
	return faults
}
