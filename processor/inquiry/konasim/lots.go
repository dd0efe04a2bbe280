package konasim

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"time"
)

// Shares are the weights of the lots that sequence IDs draw; they need not add up to anything. All zero: everything completes.
type Shares struct {
	Completed   int // COMPLETED at once
	Failed      int // FAILED at once
	Pending     int // PENDING at the first ask; then final, as Completed to Failed
	Unavailable int // 503 at the first ask; then final, as Completed to Failed
	NotFound    int // 007_009, always
	Rejected    int // 007_004, always
}

// lots draws answers: a function of seed and sequence ID alone.
type lots struct {
	seed   uint64
	shares Shares
}

// lot is what a sequence ID drew.
type lot struct {
	first answer // the answer to the first ask, if that differs; else it has no name
	final answer
}

func newLots(seed uint64, shares Shares) lots {
	if shares == (Shares{}) {
		shares.Completed = 1
	}
	return lots{seed, shares}
}

func (l lots) draw(sequenceID string) lot {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(sequenceID)) // never fails
	random := rand.New(rand.NewPCG(l.seed, hash.Sum64()))
	ending := completed
	if n := l.shares.Completed + l.shares.Failed; n > 0 && random.IntN(n) >= l.shares.Completed {
		ending = failed
	}
	outcomes := []struct {
		weight int
		lot    lot
	}{
		{l.shares.Completed, lot{final: completed}},
		{l.shares.Failed, lot{final: failed}},
		{l.shares.Pending, lot{first: pending, final: ending}},
		{l.shares.Unavailable, lot{first: bare(503), final: ending}},
		{l.shares.NotFound, lot{final: notFound}},
		{l.shares.Rejected, lot{final: rejected}},
	}
	total := 0
	for _, o := range outcomes {
		total += o.weight
	}
	ticket := random.IntN(total)
	for _, o := range outcomes {
		if ticket < o.weight {
			return o.lot
		}
		ticket -= o.weight
	}
	panic("unreachable: the ticket is below the sum of the weights")
}

// part places a transaction between 0 and 1, for the share of a phase.
func (l lots) part(r request) float64 {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(r.sequenceID + "\x00" + r.correlationID)) // never fails
	return rand.New(rand.NewPCG(l.seed, hash.Sum64())).Float64()
}

// Latency is how long an answer takes: log-normal with the median P50 and the 99th percentile P99, or always P50 if P99 is
// not above it. A part of the answers, SlowShare of 0 to 1, takes SlowDelay more. The zero value is no latency.
type Latency struct {
	P50, P99  time.Duration
	SlowShare float64
	SlowDelay time.Duration
}

// z99 is the 99th percentile of the standard normal distribution.
const z99 = 2.3263478740408408

// sampler draws latencies: a function of the seed and a call's number alone.
type sampler struct {
	seed uint64
	Latency
}

func (s sampler) sample(number uint64) time.Duration {
	if s.Latency == (Latency{}) {
		return 0
	}
	random := rand.New(rand.NewPCG(s.seed, number))
	d := s.P50
	if s.P50 > 0 && s.P99 > s.P50 {
		sigma := math.Log(float64(s.P99)/float64(s.P50)) / z99
		d = time.Duration(float64(s.P50) * math.Exp(sigma*random.NormFloat64()))
	}
	if random.Float64() < s.SlowShare {
		d += s.SlowDelay
	}
	return d
}
