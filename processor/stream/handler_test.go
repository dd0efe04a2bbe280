package stream

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// upper is a handler and a ledger: it publishes every value in upper case. What a value holds decides how:
//
//	slow      waits for letGo, and gives up when its partition drains
//	stubborn  waits for letGo, and gives up when its context ends
//	deaf      waits for letGo
//	tick      takes 10 ms
//	silent    has no result
//	huge      has a result that Kafka refuses
//	bad       fails
type upper struct {
	going chan struct{}
	letGo func() // may be called more than once

	mu        sync.Mutex
	running   map[string]bool // keys being processed
	begun     []string
	processed []string
	settled   []string
	admitted  []string
	member    Member   // who admitted last
	now, most int      // messages being processed, and the most at once
	faults    []string // broken promises of the engine
	admit     func(generation int32, ms []*Message) error
	confirm   func(ms []*Message) error
}

func newUpper() *upper {
	u := &upper{going: make(chan struct{}), running: map[string]bool{}}
	u.letGo = sync.OnceFunc(func() { close(u.going) })
	return u
}

func (u *upper) Admit(_ context.Context, member Member, ms []*Message) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if member.Generation < 0 {
		u.faults = append(u.faults, fmt.Sprintf("admitted under generation %d", member.Generation))
	}
	if u.admit != nil {
		if err := u.admit(member.Generation, ms); err != nil {
			return err
		}
	}
	u.member = member
	for _, m := range ms {
		u.admitted = append(u.admitted, string(m.Record.Value))
	}
	return nil
}

func (u *upper) setAdmit(f func(int32, []*Message) error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.admit = f
}

func (u *upper) setConfirm(f func([]*Message) error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.confirm = f
}

func (u *upper) Process(ctx context.Context, m *Message) ([]*kgo.Record, error) {
	value := string(m.Record.Value)
	defer u.enter(m)()
	if err := u.wait(ctx, m, value); err != nil {
		return nil, err
	}
	u.mu.Lock()
	u.processed = append(u.processed, value)
	u.mu.Unlock()
	result := strings.ToUpper(value)
	switch {
	case strings.Contains(value, "bad"):
		return nil, fmt.Errorf("value %q", value)
	case strings.Contains(value, "silent"):
		return nil, nil
	case strings.Contains(value, "huge"):
		result = strings.Repeat("x", 2<<20)
	}
	return []*kgo.Record{{Topic: "out", Key: m.Record.Key, Value: []byte(result)}}, nil
}

// enter notes that messages of one key overlap, if they do.
func (u *upper) enter(m *Message) (leave func()) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.begun = append(u.begun, string(m.Record.Value))
	u.now++
	u.most = max(u.most, u.now)
	key := fmt.Sprintf("%s/%d/%s", m.Record.Topic, m.Record.Partition, m.Record.Key)
	if u.running[key] {
		u.faults = append(u.faults, fmt.Sprintf("two messages of key %s at once", key))
	}
	u.running[key] = m.Record.Key != nil
	return func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		u.now--
		u.running[key] = false
	}
}

func (u *upper) wait(ctx context.Context, m *Message, value string) error {
	var draining, ended <-chan struct{}
	switch {
	case strings.Contains(value, "tick"):
		time.Sleep(10 * time.Millisecond)
		return nil
	case strings.Contains(value, "slow"):
		draining, ended = m.Draining(), ctx.Done()
	case strings.Contains(value, "stubborn"):
		ended = ctx.Done()
	case !strings.Contains(value, "deaf"):
		return nil
	}
	select {
	case <-u.going:
		return nil
	case <-draining:
		return ErrAbandoned
	case <-ended:
		return ctx.Err()
	}
}

func (u *upper) Confirm(_ context.Context, ms []*Message) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.confirm == nil {
		return nil
	}
	return u.confirm(ms)
}

func (u *upper) Settle(_ context.Context, ms []*Message) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, m := range ms {
		u.settled = append(u.settled, string(m.Record.Value))
	}
}

// times returns how often the value was processed.
func (u *upper) times(value string) (n int) {
	for _, v := range u.log(&u.processed) {
		if v == value {
			n++
		}
	}
	return n
}

// log returns a copy of one of u's logs.
func (u *upper) log(of *[]string) []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return slices.Clone(*of)
}
