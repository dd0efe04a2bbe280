package replay

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
)

// needle finds a correlation ID in bytes, as claims compare it: without regard to case.
//
// A record that writes the ID's characters as \uXXXX, where JSON does not ask for that, is not found.
type needle struct{ patterns []pattern }

// pattern is one way to write the ID.
type pattern struct {
	text   []byte
	anchor []byte // the longest part of it that has no case; all of it, in lower case, if there is none
	at     int    // where in text that is; -1: nowhere
}

func newNeedle(correlationID string) needle {
	forms := []string{correlationID}
	if quoted, err := json.Marshal(correlationID); err == nil {
		if inner := string(quoted[1 : len(quoted)-1]); inner != correlationID {
			forms = append(forms, inner)
		}
	}
	var n needle
	for _, form := range forms {
		n.patterns = append(n.patterns, newPattern(form))
	}
	return n
}

func newPattern(text string) pattern {
	p := pattern{text: []byte(text), at: -1}
	for i := 0; i < len(text); i++ {
		begin := i
		for i < len(text) && caseless(text[i]) {
			i++
		}
		if i-begin > len(p.anchor) {
			p.anchor, p.at = p.text[begin:i], begin
		}
	}
	if p.at < 0 {
		p.anchor = []byte(strings.ToLower(text))
	}
	return p
}

// caseless says whether a byte is the same in lower and in upper case. What is not ASCII may not be.
func caseless(c byte) bool {
	return c < 0x80 && (c|0x20 < 'a' || c|0x20 > 'z')
}

func (n needle) in(b []byte) bool {
	return slices.ContainsFunc(n.patterns, func(p pattern) bool { return p.in(b) })
}

func (p pattern) in(b []byte) bool {
	if p.at < 0 {
		return bytes.Contains(bytes.ToLower(b), p.anchor)
	}
	for at := 0; ; at++ {
		i := bytes.Index(b[at:], p.anchor)
		if i < 0 {
			return false
		}
		at += i
		begin := at - p.at
		if begin >= 0 && begin+len(p.text) <= len(b) && bytes.EqualFold(b[begin:begin+len(p.text)], p.text) {
			return true
		}
	}
}

// inRecord looks into key, value and headers.
func (n needle) inRecord(r *kgo.Record) bool {
	return n.in(r.Key) || n.in(r.Value) || slices.ContainsFunc(r.Headers, func(h kgo.RecordHeader) bool { return n.in(h.Value) })
}

// Where the fields of a record batch of the current format begin, and how long the shortest batch is: https://kafka.apache.org/documentation/#recordbatch.
const (
	batchLength     = 8
	batchMagic      = 16
	batchAttributes = 21
	batchLastDelta  = 23
	batchCount      = 57
	batchRecords    = 61
	batchPrefix     = 12 // what the length does not count
)

// sifted is what is left of a fetched stretch of a partition.
type sifted struct {
	batches []byte // those that may hold the ID, and all that matter for telling what was aborted
	next    int64  // the offset behind the last batch; 0: there was none
	records int64  // in all batches
	hit     bool   // whether there is anything but control batches
}

// sift goes through record batches as they were fetched, up to an offset, and drops those that do not hold the ID, without decoding any
// record: that is what makes a search many times as fast as reading. Control batches stay, because they say where an aborted transaction ends.
func (n needle) sift(fetched []byte, to int64, unpack *unpacker) (s sifted) {
	for len(fetched) >= batchRecords && s.next < to {
		length := int(int32(binary.BigEndian.Uint32(fetched[batchLength:]))) + batchPrefix
		if length < batchRecords || length > len(fetched) {
			break // cut off by the broker: it comes again with the next fetch
		}
		batch := fetched[:length]
		fetched = fetched[length:]
		if batch[batchMagic] < 2 { // from before Kafka 0.11
			s.batches, s.hit = append(s.batches, batch...), true
			s.next, s.records = int64(binary.BigEndian.Uint64(batch))+1, s.records+1
			continue
		}
		s.next = int64(binary.BigEndian.Uint64(batch)) + int64(binary.BigEndian.Uint32(batch[batchLastDelta:])) + 1
		s.records += int64(binary.BigEndian.Uint32(batch[batchCount:]))
		attributes := binary.BigEndian.Uint16(batch[batchAttributes:])
		control := attributes&(1<<5) != 0
		if !control {
			records, err := unpack.decompress(batch[batchRecords:], kgo.CompressionCodecType(attributes&7))
			if err == nil && !n.in(records) {
				continue
			}
			s.hit = true // what can't be decompressed fails when it is decoded
		}
		s.batches = append(s.batches, batch...)
	}
	return s
}

// unpacker decompresses one batch after another into one buffer. It is used by one goroutine.
type unpacker struct {
	with   kgo.Decompressor
	buffer []byte
}

func newUnpacker() *unpacker {
	u := &unpacker{}
	u.with = kgo.DefaultDecompressor(u)
	return u
}

// decompress returns records that stand until the next call.
func (u *unpacker) decompress(records []byte, codec kgo.CompressionCodecType) ([]byte, error) {
	unpacked, err := u.with.Decompress(records, codec)
	if codec != kgo.CodecNone && cap(unpacked) > cap(u.buffer) {
		u.buffer = unpacked
	}
	return unpacked, err
}

// GetDecompressBytes implements kgo.PoolDecompressBytes.
func (u *unpacker) GetDecompressBytes([]byte, kgo.CompressionCodecType) []byte { return u.buffer }

// PutDecompressBytes implements kgo.PoolDecompressBytes.
func (u *unpacker) PutDecompressBytes([]byte) {}
