package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chargeresult/chargeresult/events"
)

// fed is what was fed, by what must become of it.
type fed struct {
	records      int
	transactions map[events.Identity]bool      // each must have exactly one final result
	duplicates   map[events.Identity]time.Time // when it was sent once more; each must be acknowledged
	dead         map[string]int                // by reason; each must be a dead letter
}

// How often what happens upstream, in events of a thousand. What is left are charges.
const (
	perMilleDuplicate    = 50
	perMilleConflict     = 4
	perMilleNotJSON      = 3
	perMilleTombstone    = 2
	perMilleBadID        = 3
	perMilleCancellation = 90
)

// fates are the answers that some transactions ask the simulator for, by the beginning of their sequence IDs, in transactions of a thousand. What
// is left draws COMPLETED or FAILED.
var fates = []struct {
	answer   string
	perMille int
	lasting  bool // until the deadline, or the end of the grace
}{
	{"PENDING-1", 25, false},
	{"PENDING-2", 15, false},
	{"PENDING", 25, true},
	{"NOTFOUND-1", 15, false},
	{"NOTFOUND", 20, true},
	{"REJECTED", 6, false},
}

// cards is how many there are. A card's events share a key, and so wait for each other.
const cards = 2000

// generator invents what upstreams send. It is a function of its seed, but for the times given to next.
type generator struct {
	random     *rand.Rand
	began      time.Time
	lasting    int // so many of the first events may be such as take until the deadline
	numbered   int
	fresh      []transaction // charges not yet cancelled
	unrepeated []transaction // neither duplicated nor contradicted yet
	fed        fed
}

type transaction struct {
	operation                 events.Operation
	correlationID, sequenceID string
	key                       string
	requestedAt               time.Time
}

func newGenerator(seed uint64, began time.Time, lasting int) *generator {
	return &generator{
		random: rand.New(rand.NewPCG(seed, 0)), began: began, lasting: lasting,
		fed: fed{transactions: map[events.Identity]bool{}, duplicates: map[events.Identity]time.Time{}, dead: map[string]int{}},
	}
}

// next invents the next record and enters it in fed.
func (g *generator) next(now time.Time) *kgo.Record {
	g.fed.records++
	dice := g.random.IntN(1000)
	hits := func(perMille int) bool {
		dice -= perMille
		return dice < 0
	}
	switch {
	case hits(perMilleDuplicate) && len(g.unrepeated) > 0:
		again := take(g.random, &g.unrepeated)
		g.fed.duplicates[again.identity()] = now
		if g.random.IntN(2) == 0 {
			again.key = g.card() // it may meet its original in another partition
		}
		return again.record()
	case hits(perMilleConflict) && len(g.unrepeated) > 0:
		g.fed.dead[events.ReasonConflict]++
		other := take(g.random, &g.unrepeated)
		other.sequenceID = "ODD" + other.sequenceID
		return other.record()
	case hits(perMilleNotJSON):
		g.fed.dead[events.ReasonUndecodable]++
		return &kgo.Record{Topic: topics.Requested, Key: []byte(g.card()), Value: []byte("correlationId=261122103000-00000a1")}
	case hits(perMilleTombstone):
		g.fed.dead[events.ReasonUndecodable]++
		return &kgo.Record{Topic: topics.Requested, Key: []byte(g.card())}
	case hits(perMilleBadID):
		g.fed.dead[events.ReasonInvalidEvent]++
		return transaction{correlationID: "261322103000-00000a1", sequenceID: "CHG0000000001", key: g.card(), requestedAt: now}.record()
	case hits(perMilleCancellation) && len(g.fresh) > 0:
		return g.accept(g.cancellation(now))
	}
	t := g.charge(now)
	g.fresh = append(g.fresh, t)
	return g.accept(t)
}

func (g *generator) accept(t transaction) *kgo.Record {
	g.unrepeated = append(g.unrepeated, t)
	g.fed.transactions[t.identity()] = true
	return t.record()
}

func (g *generator) charge(now time.Time) transaction {
	g.numbered++
	return transaction{
		operation:     events.Charge,
		correlationID: fmt.Sprintf("%s-%07x", g.began.Format("060102150405"), g.numbered),
		sequenceID:    g.sequenceID("CHG"),
		key:           g.card(), requestedAt: now,
	}
}

// cancellation takes back a charge, under the charge's correlation ID: two transactions, of which neither may swallow the other.
func (g *generator) cancellation(now time.Time) transaction {
	g.numbered++
	t := take(g.random, &g.fresh)
	t.operation, t.sequenceID, t.requestedAt = events.Cancellation, g.sequenceID("CAN"), now
	return t
}

// sequenceID makes a new one, and with it the transaction's fate.
func (g *generator) sequenceID(kind string) string {
	id := fmt.Sprintf("%s%010d", kind, g.numbered)
	dice := g.random.IntN(1000)
	for _, f := range fates {
		if dice -= f.perMille; dice >= 0 {
			continue
		}
		if f.lasting && g.fed.records > g.lasting {
			break
		}
		return f.answer + "-" + id
	}
	return id
}

func (g *generator) card() string { return fmt.Sprintf("card-%04d", g.random.IntN(cards)) }

// take removes one of several.
func take(random *rand.Rand, from *[]transaction) transaction {
	all := *from
	i := random.IntN(len(all))
	taken := all[i]
	all[i] = all[len(all)-1]
	*from = all[:len(all)-1]
	return taken
}

func (t transaction) identity() events.Identity {
	return events.Event{Operation: t.operation, CorrelationID: t.correlationID}.Identity()
}

func (t transaction) record() *kgo.Record {
	topic := topics.Requested
	if t.operation == events.Cancellation {
		topic = topics.Cancelled
	}
	value, err := json.Marshal(map[string]any{"correlationId": t.correlationID, "sequenceId": t.sequenceID, "requestedAt": t.requestedAt})
	if err != nil {
		panic(err) // strings and a time of today always marshal
	}
	return &kgo.Record{Topic: topic, Key: []byte(t.key), Value: value}
}
