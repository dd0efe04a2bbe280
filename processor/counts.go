package processor

import (
	"maps"
	"sync"
)

// Counts is how many messages ended where since the processor started; all of them are committed.
type Counts struct {
	Final        map[string]int64 `json:"final"`        // by result
	Dead         map[string]int64 `json:"dead"`         // by reason
	Acknowledged map[string]int64 `json:"acknowledged"` // by verdict: duplicate or redelivered
}

type counts struct {
	mu  sync.Mutex
	now Counts
}

func (c *counts) add(o outcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.now.Final == nil {
		c.now = Counts{Final: map[string]int64{}, Dead: map[string]int64{}, Acknowledged: map[string]int64{}}
	}
	switch {
	case o.result != "":
		c.now.Final[o.result]++
	case o.dead != "":
		c.now.Dead[o.dead]++
	case o.verdict != "":
		c.now.Acknowledged[o.verdict]++
	}
}

// Counts returns what the processor has done so far.
func (p *Processor) Counts() Counts {
	p.counts.mu.Lock()
	defer p.counts.mu.Unlock()
	now := p.counts.now
	return Counts{Final: maps.Clone(now.Final), Dead: maps.Clone(now.Dead), Acknowledged: maps.Clone(now.Acknowledged)}
}
