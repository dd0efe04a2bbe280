package stream

import (
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestTrackerPosition(t *testing.T) {
	tests := []struct {
		name     string
		offset   int64
		restored []run
		accept   []int64
		finish   []int64
		low      int64
		runs     []run
	}{
		{name: "nothing fetched", offset: 7, low: 7},
		{name: "all finished: what follows the last fetched", offset: 7, accept: []int64{7, 8}, finish: []int64{7, 8}, low: 9},
		{name: "head unfinished", offset: 0, accept: []int64{0, 1, 2}, finish: []int64{1, 2}, low: 0, runs: []run{{1, 2}}},
		{name: "a hole", offset: 0, accept: []int64{0, 1, 2, 3}, finish: []int64{0, 1, 3}, low: 2, runs: []run{{3, 3}}},
		{name: "offsets that hold no record stall nothing", offset: 0, accept: []int64{0, 2, 9}, finish: []int64{0, 2, 9}, low: 10},
		{name: "and lie inside a run", offset: 0, accept: []int64{0, 2, 5, 9}, finish: []int64{2, 5, 9}, low: 0, runs: []run{{2, 9}}},
		{name: "restored runs stay until fetched", offset: 10, restored: []run{{12, 14}, {20, 21}}, low: 10, runs: []run{{12, 14}, {20, 21}}},
		{name: "and are apart from what is fetched below", offset: 10, restored: []run{{12, 14}}, accept: []int64{10}, finish: []int64{10}, low: 11, runs: []run{{12, 14}}},
		{name: "a restored run is skipped when fetched", offset: 10, restored: []run{{11, 12}}, accept: []int64{10, 11, 12, 13}, finish: []int64{13}, low: 10, runs: []run{{11, 13}}},
		{name: "half a restored run fetched", offset: 10, restored: []run{{10, 14}}, accept: []int64{10, 11}, low: 12, runs: []run{{12, 14}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tr := newTracker(tt.offset, tt.restored)
			for _, o := range tt.accept {
				tr.accept(o, 0)
			}
			for _, o := range tt.finish {
				tr.include(o)
			}
			for _, when := range []string{"before the commit", "after it"} {
				low, runs := tr.position()
				if low != tt.low || !slices.Equal(runs, tt.runs) {
					t.Errorf("%s: position = %d %v, want %d %v", when, low, runs, tt.low, tt.runs)
				}
				tr.commit()
			}
		})
	}
}

func TestTrackerAcceptsEachOffsetOnce(t *testing.T) {
	tr := newTracker(5, []run{{7, 7}})
	got := []bool{}
	for _, o := range []int64{3, 5, 5, 6, 7, 7, 8} {
		got = append(got, tr.accept(o, 0))
	}
	want := []bool{false, true, false, true, false, false, true}
	if !slices.Equal(got, want) {
		t.Errorf("accepted %v, want %v", got, want)
	}
}

func TestTrackerAbortForgetsNothing(t *testing.T) {
	tr := newTracker(0, nil)
	for o := range int64(3) {
		tr.accept(o, 0)
	}
	tr.include(0)
	tr.include(2)
	tr.abort()
	if low, runs := tr.position(); low != 0 || len(runs) != 0 {
		t.Errorf("after the abort, position = %d %v, want 0 and nothing finished", low, runs)
	}
}

// The oldest record is the first one that no transaction has committed, whatever is finished behind it, and whatever the timestamps are.
func TestTrackerOldest(t *testing.T) {
	tr := newTracker(5, []run{{7, 8}})
	check := func(when string, want int64) {
		t.Helper()
		if at, ok := tr.oldest(); at != want || ok != (want != 0) {
			t.Errorf("%s: oldest = %d, %t; want %d", when, at, ok, want)
		}
	}
	check("nothing fetched", 0)
	tr.accept(5, 50)
	tr.accept(6, 40)
	tr.accept(7, 30)
	tr.accept(9, 60)
	check("fetched", 50)
	tr.include(6)
	tr.include(5)
	check("in a transaction", 50)
	tr.abort()
	check("aborted", 50)
	tr.include(6)
	tr.commit()
	check("the second is finished", 50)
	tr.include(5)
	tr.commit()
	check("what an earlier assignment finished does not count", 60)
	tr.include(9)
	tr.commit()
	check("all is finished", 0)
}

// TestTrackerAgainstModel lives through many assignments of one partition: each starts where the last commit says, and whatever it
// does, a committed record is never accepted again and a record that is not committed always is.
func TestTrackerAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		records := rapid.SliceOfNDistinct(rapid.Int64Range(0, 60), 1, 40, rapid.ID).Draw(t, "offsets that hold records")
		slices.Sort(records)
		done := map[int64]bool{}
		mark := commitMark{cluster: "c"}
		for range rapid.IntRange(1, 4).Draw(t, "assignments") {
			again, err := parseMark(mark.encode())
			if err != nil {
				t.Fatal(err)
			}
			tr := newTracker(again.base, again.runs)
			var open, building []int64
			fetched, _ := slices.BinarySearch(records, again.base)
			for _, o := range records[:fetched] {
				if !done[o] {
					t.Fatalf("offset %d is below the committed offset %d and not done", o, again.base)
				}
			}
			for range rapid.IntRange(0, 60).Draw(t, "steps") {
				switch step := rapid.IntRange(0, 4).Draw(t, "step"); {
				case step <= 1 && fetched < len(records):
					o := records[fetched]
					fetched++
					if accepted := tr.accept(o, 0); accepted == done[o] {
						t.Fatalf("accept(%d) = %v, done = %v", o, accepted, done[o])
					} else if accepted {
						open = append(open, o)
					}
				case step == 2 && len(open) > 0:
					i := rapid.IntRange(0, len(open)-1).Draw(t, "finish")
					tr.include(open[i])
					building = append(building, open[i])
					open = slices.Delete(open, i, i+1)
				case step == 3:
					base, runs := tr.position()
					mark = commitMark{cluster: "c", base: base, runs: runs}
					tr.commit()
					for _, o := range building {
						done[o] = true
					}
					building = nil
				case step == 4:
					tr.abort()
					open = append(open, building...)
					building = nil
				}
				if tr.pending != len(open)+len(building) {
					t.Fatalf("pending = %d, want %d", tr.pending, len(open)+len(building))
				}
			}
		}
	})
}

func TestCommitMarkRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := commitMark{cluster: rapid.StringMatching(`[A-Za-z0-9_-]{0,22}`).Draw(t, "cluster"), base: rapid.Int64Range(0, 1<<40).Draw(t, "base")}
		copy(m.topicID[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "topic"))
		end := m.base
		for range rapid.IntRange(0, 50).Draw(t, "runs") {
			first := end + rapid.Int64Range(1, 300).Draw(t, "gap")
			end = first + rapid.Int64Range(1, 300).Draw(t, "length")
			m.runs = append(m.runs, run{first, end - 1})
		}
		got, err := parseMark(m.encode())
		if err != nil || !reflect.DeepEqual(got, m) {
			t.Fatalf("got %+v, %v; want %+v", got, err, m)
		}
	})
}

func FuzzParseMark(f *testing.F) {
	f.Add("")
	f.Add("om1:c:AAAAAAAAAAAAAAAAAAAAAA:3:AQI")
	f.Add("om2:c:AAAAAAAAAAAAAAAAAAAAAA:3:AQI")
	f.Add("om1:c:AAAAAAAAAAAAAAAAAAAAAA:3:gICAgICAgICAAQE")
	f.Fuzz(func(t *testing.T, s string) {
		m, err := parseMark(s)
		if err != nil {
			return
		}
		end := m.base - 1
		for _, r := range m.runs {
			if r.first <= end || r.last < r.first {
				t.Fatalf("%q: run %v follows %d", s, r, end)
			}
			end = r.last
		}
		if again, err := parseMark(m.encode()); err != nil || !reflect.DeepEqual(again, m) {
			t.Fatalf("%q: round trip gives %+v, %v", s, again, err)
		}
	})
}

func BenchmarkTrackerTransaction(b *testing.B) {
	b.ReportAllocs()
	tr := newTracker(0, nil)
	var next int64
	for b.Loop() {
		for range 64 {
			tr.accept(next, 1)
			next++
		}
		for o := next - 64; o < next; o++ {
			tr.include(o)
		}
		tr.position()
		tr.commit()
	}
}

func BenchmarkOffsetMap(b *testing.B) {
	b.ReportAllocs()
	m := commitMark{cluster: "MkU3OEVBNTcwNTJENDM2Qk", base: 1 << 30}
	for i := range int64(200) {
		m.runs = append(m.runs, run{m.base + 3*i + 1, m.base + 3*i + 2})
	}
	for b.Loop() {
		m.encode()
	}
}
