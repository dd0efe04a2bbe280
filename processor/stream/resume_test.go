package stream

import (
	"errors"
	"slices"
	"testing"
)

func TestResume(t *testing.T) {
	topic, log := [16]byte{1}, logRange{10, 100}
	ours := commitMark{cluster: "c", topicID: topic, base: 40, runs: []run{{42, 44}}}
	at := func(offset int64) string { m := ours; m.base, m.runs = offset, nil; return m.encode() }
	moved, mirrored, recreated, ahead := ours, ours, ours, ours
	moved.base, moved.runs = 41, nil
	mirrored.cluster = "d"
	recreated.topicID = [16]byte{2}
	ahead.runs = []run{{50, 60}, {90, 100}}
	tests := []struct {
		name      string
		committed committedOffset
		want      int64
		runs      []run
		err       error
		accepted  int64 // where it goes on with AcceptOffsets
	}{
		{"nothing committed", committedOffset{-1, ""}, 10, nil, nil, 10},
		{"ours", committedOffset{40, ours.encode()}, 40, ours.runs, nil, 40},
		{"at the start of the log", committedOffset{10, at(10)}, 10, nil, nil, 10},
		{"at its end", committedOffset{100, at(100)}, 100, nil, nil, 100},
		{"no mark", committedOffset{40, ""}, 0, nil, ErrForeignCommit, 40},
		{"garbage", committedOffset{40, "om1:garbage"}, 0, nil, ErrForeignCommit, 40},
		{"a newer version", committedOffset{40, "om2:" + ours.encode()[4:]}, 0, nil, ErrForeignCommit, 40},
		{"the mark of another offset", committedOffset{40, moved.encode()}, 0, nil, ErrForeignCommit, 40},
		{"another cluster", committedOffset{40, mirrored.encode()}, 0, nil, ErrRecreatedTopic, 10},
		{"another topic", committedOffset{40, recreated.encode()}, 0, nil, ErrRecreatedTopic, 10},
		{"before the log", committedOffset{9, at(9)}, 0, nil, ErrOffsetOutOfRange, 10},
		{"behind the log", committedOffset{101, at(101)}, 0, nil, ErrOffsetOutOfRange, 10},
		{"a map that reaches behind the log", committedOffset{40, ahead.encode()}, 0, nil, ErrOffsetOutOfRange, 10},
		{"no mark, before the log", committedOffset{9, ""}, 0, nil, ErrForeignCommit, 10},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, runs, err := resume(tt.committed, topic, "c", log, false)
			if got != tt.want || !slices.Equal(runs, tt.runs) || !errors.Is(err, tt.err) {
				t.Errorf("resume = %d, %v, %v; want %d, %v, %v", got, runs, err, tt.want, tt.runs, tt.err)
			}
			got, runs, err = resume(tt.committed, topic, "c", log, true)
			if got != tt.accepted || !slices.Equal(runs, tt.runs) || err != nil {
				t.Errorf("with accept, resume = %d, %v, %v; want %d, %v", got, runs, err, tt.accepted, tt.runs)
			}
		})
	}
}
