package replay

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

func TestNeedle(t *testing.T) {
	const dated = "261122103000-00000A1"
	for _, test := range []struct {
		id, text string
		want     bool
	}{
		{dated, dated, true},
		{dated, `{"correlationId":"261122103000-00000a1"}`, true},
		{dated, "261122103000-00000a2", false},
		{dated, "261122103000-00000a", false},
		{dated, "61122103000-00000a1", false},
		{dated, "261122103000-261122103000-00000a1", true},
		{dated, strings.Repeat("261122103000-", 100) + "00000a1", true},
		{dated, "", false},
		{"abc", "xxaBCxx", true},
		{"abc", "xxabxx", false},
		{"-abc", "-ab-abc", true},
		{`a"b`, `"A\"B"`, true},
		{"é1", "É1", true},
	} {
		if got := newNeedle(test.id).in([]byte(test.text)); got != test.want {
			t.Errorf("%q in %q: %t", test.id, test.text, got)
		}
	}
	n := newNeedle(dated)
	for where, r := range map[string]*kgo.Record{
		"key": {Key: []byte(dated)}, "value": {Value: []byte(dated)}, "header": {Headers: []kgo.RecordHeader{{Key: "a"}, {Key: "b", Value: []byte(dated)}}},
	} {
		if !n.inRecord(r) {
			t.Errorf("not found in the %s", where)
		}
	}
	if n.inRecord(&kgo.Record{Key: []byte("k")}) {
		t.Error("found where it is not")
	}
}

// What is found is what comparing all in lower case finds.
func FuzzNeedle(f *testing.F) {
	f.Add("261122103000-00000a1", "x261122103000-00000A1")
	f.Add("ab", "aaB")
	f.Add("1a1", "11A1a")
	f.Fuzz(func(t *testing.T, id, text string) {
		ascii := func(s string) bool {
			return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' || strings.ContainsRune(`"\\<>&`, r) })
		}
		if id == "" || !ascii(id) || !ascii(text) {
			return
		}
		want := strings.Contains(strings.ToLower(text), strings.ToLower(id))
		if got := newNeedle(id).in([]byte(text)); got != want {
			t.Errorf("%q in %q: %t, want %t", id, text, got, want)
		}
	})
}

// Whatever a broker sends, sifting ends, and keeps nothing that was not there.
func FuzzSift(f *testing.F) {
	f.Add([]byte(strings.Repeat("\x00", 100)))
	f.Add(slices.Concat(make([]byte, 11), []byte{49, 0, 0, 0, 0, 2}, make([]byte, 44)))
	f.Fuzz(func(t *testing.T, fetched []byte) {
		left := newNeedle("a").sift(fetched, 1<<62, newUnpacker())
		if len(left.batches) > len(fetched) || left.hit && len(left.batches) == 0 {
			t.Errorf("%d of %d bytes are left, hit %t", len(left.batches), len(fetched), left.hit)
		}
	})
}

// However batches are compressed, and however many an ID is among.
func TestFindCompressed(t *testing.T) {
	for name, codec := range map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), // zstd's decoder can't be in a bubble
	} {
		t.Run(name, func(t *testing.T) {
			atNoon(t, func(k *kafka) {
				client := k.connect(kgo.ProducerBatchCompression(codec), kgo.ProducerLinger(time.Second))
				defer client.Close()
				for range 3 { // batches
					var all []*kgo.Record
					for i := range 200 {
						r := event(requestedTopic, i)
						r.Partition = partitionOf(string(r.Key), 2)
						all = append(all, r)
					}
					k.must(client.ProduceSync(k.Context(), all...).FirstErr())
				}
				line := k.find(77)
				k.want(line, true, "CHARGE open: event event event")
				if line.Scanned < 200 {
					t.Errorf("%d records scanned, want all of a partition", line.Scanned)
				}
			})
		})
	}
}

func TestCut(t *testing.T) {
	p := piece{topic: "t", partition: 1, span: span{5, 5 + 2*pieceLength + 1}}
	pieces := p.cut()
	if len(pieces) != 3 || pieces[0].from != 5 || pieces[2].to != p.to || pieces[0].to != pieces[1].from || pieces[1].to != pieces[2].from {
		t.Fatalf("pieces %+v", pieces)
	}
	dated, undated := window{from: noon}, window{}
	for _, test := range []struct {
		w     window
		first int64
	}{{dated, 5}, {undated, 5 + 2*pieceLength}} {
		if slices.SortStableFunc(pieces, test.w.order); pieces[0].from != test.first {
			t.Errorf("%+v begins with %d, want %d", test.w, pieces[0].from, test.first)
		}
	}
	if empty := (piece{span: span{7, 7}}).cut(); len(empty) != 0 {
		t.Errorf("an empty range has pieces %+v", empty)
	}
	gaps := []gap{{pieces[0], "x"}, {pieces[2], "x"}, {pieces[1], "x"}, {piece{topic: "t", partition: 2, span: span{0, 1}}, "y"}}
	if got := merged(gaps); len(got) != 2 || got[0].span != p.span || got[1].String() != "t[2] from offset 0 to 1: y" {
		t.Errorf("merged: %v", got)
	}
}
