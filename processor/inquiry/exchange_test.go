package inquiry

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// TestRead reads bodies that are as long as they say, and others.
func TestRead(t *testing.T) {
	for _, length := range []int{0, 1, 511, 512, 513, 5000, maxBody - 1, maxBody, maxBody + 1, maxBody + 2, 3 * maxBody} {
		for _, said := range []int64{-1, 0, 1, int64(length), 1 << 40} {
			for name, reader := range map[string]func(io.Reader) io.Reader{
				"as it comes": func(r io.Reader) io.Reader { return r }, "in halves": iotest.HalfReader, "with its end": iotest.DataErrReader,
			} {
				whole := strings.Repeat("x", length)
				body := strings.NewReader(whole)
				got, err := read(reader(body), said)
				if err != nil || string(got) != whole[:min(length, maxBody+1)] {
					t.Errorf("%d bytes %s that say %d: read %d, %v", length, name, said, len(got), err)
				}
				if cap(got) > 2*maxBody {
					t.Errorf("%d bytes that say %d: took %d bytes of memory", length, said, cap(got))
				}
			}
		}
	}
	broken := io.MultiReader(strings.NewReader("{}"), iotest.ErrReader(io.ErrUnexpectedEOF))
	if got, err := read(broken, 2); got != nil || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a broken body: %q, %v", got, err)
	}
}

func TestRedactBody(t *testing.T) {
	const key = `abcdefgh\njklmnop` // as a vendor that escapes nothing quotes it, it would not be the key any more once decoded
	for body, want := range map[string]string{
		"": "", "nothing": "nothing", key: "[secret]", "x" + key + key + "y": "x[secret][secret]y", "x" + key[:len(key)-1]: "x" + key[:len(key)-1],
		"short": "short",
	} {
		if got := redactBody([]byte(body), key, "short", ""); string(got) != want {
			t.Errorf("%q: %q, want %q", body, got, want)
		}
	}
}
