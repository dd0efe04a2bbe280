package stream

import (
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

// Status is what an engine is doing, at one moment.
type Status struct {
	Joined     bool              `json:"joined"`              // whether it is a member of the group with a session under way
	InFlight   int               `json:"inFlight"`            // messages fetched and not committed
	Holds      []Hold            `json:"holds"`               // why intake is held, the longest first; none if it is not
	Commit     string            `json:"commit,omitempty"`    // why the last transaction did not commit, if it did not
	Committed  int64             `json:"committed"`           // messages committed since the engine started
	LastCommit time.Time         `json:"lastCommit,omitzero"` // when
	Partitions []PartitionStatus `json:"partitions"`          // by topic and number
	Sessions   int               `json:"sessions"`            // how often it has started over, the first time included
}

// PartitionStatus is how far one assigned partition has come.
type PartitionStatus struct {
	Topic     string    `json:"topic"`
	Partition int32     `json:"partition"`
	LowWater  int64     `json:"lowWater"`          // the lowest record that is not finished
	Fetched   int64     `json:"fetched"`           // the lowest record that was not taken up: it waits here, or is not fetched
	InFlight  int       `json:"inFlight"`          // records taken up and not finished
	Waiting   int       `json:"waiting"`           // records held here because the first of them is not due, or the offset map is full; more may wait in the log
	NextDue   time.Time `json:"nextDue,omitzero"`  // when that one is
	Map       int       `json:"map"`               // bytes of the offset map in the commit
	MapFill   float64   `json:"mapFill"`           // how much of the map's room is taken, 0 to 1; at 1 no record is taken up until an older one is finished
	Oldest    time.Time `json:"oldest,omitzero"`   // the timestamp of the first record that is not finished and was fetched; zero if there is none, or it has no timestamp
	Moved     time.Time `json:"moved"`             // when a commit last moved it, or when it was given work after it had none, or assigned
	Full      bool      `json:"full,omitempty"`    // records wait here because the offset map is full
	Stopped   string    `json:"stopped,omitempty"` // why it goes no further
}

// faultInterval is how often a fault that lasts is logged.
const faultInterval = 10 * time.Second

// status collects what the sessions of an engine have to tell.
type status struct {
	mu         sync.Mutex
	session    *session // nil between sessions
	sessions   int
	failing    error // why the last transaction did not commit
	committedN int64
	lastCommit time.Time
	logged     time.Time // when a failed transaction was last logged
	unread     time.Time // when a failure to read was
}

func (st *status) attach(s *session) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.session = s
	if s != nil {
		st.sessions++
	}
}

// unreadable logs what a poll reports, once an interval: a client that may not read asks again, and again.
func (st *status) unreadable(topic string, number int32, err error, log *slog.Logger) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if time.Since(st.unread) > faultInterval {
		log.Warn("can't read", "topic", topic, "partition", number, "err", err)
		st.unread = time.Now()
	}
}

func (st *status) retrying(err error, log *slog.Logger) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.failing == nil || time.Since(st.logged) > faultInterval {
		log.Warn("transaction aborted, trying again", "err", err)
		st.logged = time.Now()
	}
	st.failing = err
}

func (st *status) committed(n int) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.failing = nil
	st.committedN += int64(n)
	st.lastCommit = time.Now()
}

func (st *status) snapshot() Status {
	st.mu.Lock()
	now := Status{Committed: st.committedN, LastCommit: st.lastCommit, Sessions: st.sessions, Joined: st.session != nil, Partitions: []PartitionStatus{}}
	if st.failing != nil {
		now.Commit = st.failing.Error()
	}
	s := st.session
	st.mu.Unlock()
	if s == nil {
		return now
	}
	now.InFlight = s.ahead.inFlight()
	now.Partitions = s.parts.snapshot()
	return now
}

func (ps *partitions) snapshot() []PartitionStatus {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	all := make([]PartitionStatus, 0, len(ps.owned))
	for _, p := range ps.owned {
		pos, _ := p.position()
		one := PartitionStatus{
			Topic: p.topic, Partition: p.number, LowWater: pos.offset, Fetched: p.tracker.next, InFlight: p.tracker.pending,
			Waiting: len(p.waiting), NextDue: p.next, Map: len(pos.metadata), Oldest: p.oldest(), Moved: p.moved,
			MapFill: float64(p.tracker.pieces()) / mapFull, Full: p.full() && len(p.waiting) > 0 && p.stopped == nil,
		}
		if p.stopped != nil {
			one.Stopped = p.stopped.Error()
		}
		all = append(all, one)
	}
	slices.SortFunc(all, func(a, b PartitionStatus) int {
		if c := strings.Compare(a.Topic, b.Topic); c != 0 {
			return c
		}
		return int(a.Partition - b.Partition)
	})
	return all
}

// oldest is PartitionStatus.Oldest; the caller holds the lock.
func (p *partition) oldest() time.Time {
	at, ok := p.tracker.oldest()
	if !ok && len(p.waiting) > 0 {
		at = p.waiting[0].Timestamp.UnixMilli()
	}
	if at <= 0 { // a record without a timestamp has -1
		return time.Time{}
	}
	return time.UnixMilli(at).UTC()
}
