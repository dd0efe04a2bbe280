package stream

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// run is a range of offsets, both ends included, of which every record is finished.
type run struct{ first, last int64 }

// mapVersion marks the commit metadata that this engine writes, and the version of its format.
const mapVersion = "om1"

// metadataCap is how many bytes a broker accepts as commit metadata: the default of offset.metadata.max.bytes.
const metadataCap = 4096

// commitMark is the metadata string of an offset commit. It says whose offset it is, so that an offset that was moved,
// or that belongs to another topic or cluster, is noticed; and it holds the offset map: what is finished above the offset.
//
// Its form is om1:CLUSTER:TOPIC:BASE:MAP. CLUSTER is the cluster ID as the broker gives it, TOPIC the topic ID in unpadded
// base64url, BASE the committed offset again, MAP the runs above it in unpadded base64url. A run is two uvarints: how many offsets
// lie between the end of the run before (at first, BASE) and its start, and how many offsets it covers.
type commitMark struct {
	cluster string
	topicID [16]byte
	base    int64
	runs    []run
}

func (m commitMark) encode() string {
	var b strings.Builder
	b.Grow(64 + 4*len(m.runs))
	b.WriteString(mapVersion)
	b.WriteByte(':')
	b.WriteString(m.cluster)
	b.WriteByte(':')
	b.WriteString(base64.RawURLEncoding.EncodeToString(m.topicID[:]))
	b.WriteByte(':')
	b.WriteString(strconv.FormatInt(m.base, 10))
	b.WriteByte(':')
	b.WriteString(base64.RawURLEncoding.EncodeToString(appendRuns(nil, m.base, m.runs)))
	return b.String()
}

// appendRuns appends the runs, which lie above base, in order and apart.
func appendRuns(b []byte, base int64, runs []run) []byte {
	end := base
	for _, r := range runs {
		b = binary.AppendUvarint(b, uint64(r.first-end))
		b = binary.AppendUvarint(b, uint64(r.last-r.first+1))
		end = r.last + 1
	}
	return b
}

var errNotOurMark = errors.New("not a mark of this engine")

// parseMark reads what encode wrote. Anything else is an error: a damaged map must never pass for a smaller one.
func parseMark(s string) (commitMark, error) {
	version, rest, _ := strings.Cut(s, ":")
	if version != mapVersion {
		return commitMark{}, fmt.Errorf("%w: %.20q", errNotOurMark, s)
	}
	fields := strings.Split(rest, ":")
	if len(fields) != 4 {
		return commitMark{}, fmt.Errorf("%w: %d fields", errNotOurMark, len(fields))
	}
	m := commitMark{cluster: fields[0]}
	id, err := base64.RawURLEncoding.DecodeString(fields[1])
	if err != nil || len(id) != len(m.topicID) {
		return commitMark{}, fmt.Errorf("%w: topic ID %.30q", errNotOurMark, fields[1])
	}
	copy(m.topicID[:], id)
	if m.base, err = strconv.ParseInt(fields[2], 10, 64); err != nil || m.base < 0 {
		return commitMark{}, fmt.Errorf("%w: base offset %.30q", errNotOurMark, fields[2])
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(fields[3])
	if err != nil {
		return commitMark{}, fmt.Errorf("%w: offset map: %w", errNotOurMark, err)
	}
	if m.runs, err = parseRuns(raw, m.base); err != nil {
		return commitMark{}, err
	}
	return m, nil
}

func parseRuns(b []byte, base int64) ([]run, error) {
	var runs []run
	const maxOffset = uint64(1) << 62
	end := base
	for len(b) > 0 {
		gap, n := binary.Uvarint(b)
		if n <= 0 {
			return nil, fmt.Errorf("%w: offset map ends within a run", errNotOurMark)
		}
		b = b[n:]
		length, n := binary.Uvarint(b)
		if n <= 0 || length == 0 || gap > maxOffset || length > maxOffset || uint64(end)+gap+length > maxOffset {
			return nil, fmt.Errorf("%w: offset map holds an impossible run", errNotOurMark)
		}
		b = b[n:]
		first := end + int64(gap)
		end = first + int64(length)
		runs = append(runs, run{first, end - 1})
	}
	return runs, nil
}
