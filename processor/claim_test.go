package processor

import (
	"strings"
	"testing"
)

func TestParseOwner(t *testing.T) {
	want := Owner{TopicID: [16]byte{0: 1, 15: 0xff}, Partition: 3, Offset: 1 << 40}
	if got, err := ParseOwner(want.String()); err != nil || got != want {
		t.Errorf("ParseOwner(%q) = %v, %v", want, got, err)
	}
	id := strings.Repeat("0", 32)
	for _, s := range []string{"", "a/b", id[1:] + "/1/2", "0" + id + "/1/2", strings.Repeat("x", 32) + "/1/2", id + "/-1/2", id + "/1/-2", id + "/1/2/3", id + "/4294967296/1", id + "/1/", strings.Repeat("A", 32) + "/1/2", id + "/01/2"} {
		if got, err := ParseOwner(s); err == nil {
			t.Errorf("ParseOwner(%q) = %v, want an error", s, got)
		}
	}
}
