package stream

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

func contains(s, part string) bool { return strings.Contains(s, part) }

// onePartition is in[number], assigned to member "m" at offset 0.
func onePartition(number int32) (*partitions, *partition) {
	ps := &partitions{owned: map[topicPartition]*partition{}}
	return ps, addPartition(ps, number)
}

func addPartition(ps *partitions, number int32) *partition {
	p := newPartition(topicPartition{"in", number}, kadm.Metadata{}, "m")
	p.tracker = newTracker(0, nil)
	ps.assign(p)
	return p
}

// fetched are messages of p that are being processed.
func fetched(p *partition, offsets ...int64) (ms []*Message) {
	for _, o := range offsets {
		p.tracker.accept(o, 0)
		p.running++
		ms = append(ms, &Message{Record: &kgo.Record{Topic: p.topic, Partition: p.number, Offset: o}, partition: p})
	}
	return ms
}

// The membership goes with the trackers, or nowhere: what a broker would accept unfenced is never sent, and another member's
// trackers are worth nothing.
func TestPlanChecksMembership(t *testing.T) {
	tests := []struct {
		name       string
		member     string
		generation int32
		before     func(ps *partitions, p *partition)
		want       error
		remedy     remedy
	}{
		{name: "ours", member: "m", generation: 3},
		{name: "ours, a generation on", member: "m", generation: 4},
		{name: "no member ID", member: "", generation: 3, want: errNoMember, remedy: tryAgain},
		{name: "negative generation", member: "m", generation: -1, want: errNoMember, remedy: tryAgain},
		{name: "outside of a group", member: "", generation: -1, want: errNoMember, remedy: tryAgain},
		{name: "another member", member: "n", generation: 3, want: errMemberChanged, remedy: startOver},
		{
			name: "fenced", member: "m", generation: 3, want: errDrained, remedy: tryAgain,
			before: func(ps *partitions, p *partition) { ps.fence([]*partition{p}) },
		},
		{
			name: "stopped", member: "m", generation: 3, want: errDrained, remedy: tryAgain,
			before: func(ps *partitions, p *partition) { ps.stop(p, &PartitionError{Err: ErrForeignCommit}) },
		},
		{
			name: "assigned again", member: "m", generation: 4, want: errDrained, remedy: tryAgain,
			before: func(ps *partitions, p *partition) { addPartition(ps, p.number) },
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ps, p := onePartition(0)
			other := addPartition(ps, 1)
			in, _, _ := ps.include(append(fetched(p, 0, 1), fetched(other, 0)...))
			if tt.before != nil {
				tt.before(ps, p)
			}
			positions, us, err := ps.plan(in, func() (string, int32) {
				if ps.mu.TryLock() {
					t.Error("membership is read outside the trackers' lock")
				}
				return tt.member, tt.generation
			})
			if !errors.Is(err, tt.want) {
				t.Fatalf("plan: %v, want %v", err, tt.want)
			}
			if err != nil {
				if got := remedyOf(err); got != tt.remedy {
					t.Errorf("remedy %d, want %d", got, tt.remedy)
				}
				return
			}
			if want := (membership{"m", tt.generation}); us != want || len(positions) != 2 {
				t.Errorf("plan = %v, %v; want %v and two positions", positions, us, want)
			}
		})
	}
}

func TestLateResultsAreDropped(t *testing.T) {
	ps, p := onePartition(0)
	ms := fetched(p, 0, 1)
	ps.fence([]*partition{p})
	again := addPartition(ps, 0) // the same partition comes back
	in, wait, over := ps.include(append(ms, fetched(again, 0)...))
	if len(in) != 1 || in[0].partition != again || len(wait) != 0 || !slices.Equal(over, ms) {
		t.Errorf("include = %d in, %d wait, %d over; want the new assignment's message only", len(in), len(wait), len(over))
	}
}

// A transaction that ends after its partition was taken away and came back moves the assignment that it belongs to, not the newer one.
func TestCommitMovesItsOwnAssignment(t *testing.T) {
	ps, p := onePartition(0)
	in, _, _ := ps.include(fetched(p, 0, 1))
	again := addPartition(ps, 0)
	fetched(again, 0, 1)
	ps.committed(in)
	if pos, _ := again.position(); pos.offset != 0 {
		t.Errorf("the new assignment is at %d, want 0", pos.offset)
	}
}

// Whatever does not fit into the metadata waits; nothing is dropped, and nothing else is held up.
func TestMapWithoutRoomWaits(t *testing.T) {
	ps, p := onePartition(0)
	other := addPartition(ps, 1)
	var ms []*Message
	for i := range int64(1000) { // far apart, so that a run takes eight bytes
		ms = append(ms, fetched(p, i*3_000_000+1, i*3_000_000+2)...)
	}
	var odd []*Message
	for i := 1; i < len(ms); i += 2 {
		odd = append(odd, ms[i])
	}
	in, wait, over := ps.include(append(odd, fetched(other, 0)...))
	if len(in) != 1 || len(wait) != 1000 || len(over) != 0 {
		t.Fatalf("include = %d in, %d wait, %d over; want 1, 1000, 0", len(in), len(wait), len(over))
	}
	in, wait, _ = ps.include(ms) // with what lies between them there is one run
	if len(in) != len(ms) || len(wait) != 0 {
		t.Errorf("then %d in, %d wait; want all in", len(in), len(wait))
	}
	if pos, err := p.position(); err != nil || len(pos.metadata) > metadataCap {
		t.Errorf("metadata of %d bytes, %v", len(pos.metadata), err)
	}
}

// mapFull pieces in the worst arrangement, with gaps as wide as compaction may leave, fit into the metadata.
func TestMapFullFits(t *testing.T) {
	_, p := onePartition(0)
	p.cluster = strings.Repeat("c", 22)
	const gap = 1 << 20
	for i := range int64(mapFull) {
		p.tracker.accept(i*gap, 0)
		if i%2 == 1 {
			p.tracker.include(i * gap)
		}
	}
	pos, err := p.position()
	if err != nil || len(pos.metadata) > metadataCap {
		t.Errorf("%d bytes, %v", len(pos.metadata), err)
	}
}

func TestRemedies(t *testing.T) {
	for err, want := range remedies {
		for _, wrapped := range []error{err, fmt.Errorf("wrapped: %w", err)} {
			if got := remedyOf(wrapped); got != want {
				t.Errorf("remedyOf(%v) = %d, want %d", err, got, want)
			}
		}
	}
}
