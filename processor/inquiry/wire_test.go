package inquiry_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chargeresult/chargeresult/processor"
	"github.com/chargeresult/chargeresult/processor/inquiry"
)

// These replies are spoiled on the wire: they are written byte by byte.

// wired is a reply that write makes of the connection itself, after the message was read; it may use as many bytes as it likes.
func wired(name string, want processor.Class, write func(conn io.Writer, r *http.Request), check func(*testing.T, processor.Answer)) spoiled {
	return spoiled{name: name, want: want, check: check, reply: func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		defer conn.Close()
		write(conn, r)
	}}
}

const answerHead = "HTTP/1.1 200 OK\r\nX-KM-Correlation-Id: 261122103000-00000a1\r\n"

func shorterThanSaid() spoiled {
	return wired("shorter than its length", processor.NotAnAnswer, func(conn io.Writer, _ *http.Request) {
		_, _ = io.WriteString(conn, answerHead+"Content-Length: 4096\r\n\r\n"+`{"result":"COMPLETED"}`)
	}, nil)
}

func withoutLastChunk() spoiled {
	return wired("without its last chunk", processor.NotAnAnswer, func(conn io.Writer, _ *http.Request) {
		_, _ = io.WriteString(conn, answerHead+"Transfer-Encoding: chunked\r\n\r\n16\r\n"+`{"result":"COMPLETED"}`+"\r\n")
	}, nil)
}

// switchingProtocols keeps the connection open: net/http leaves the deadline of what it has switched to its caller.
func switchingProtocols() spoiled {
	return wired("101", processor.NotAnAnswer, func(conn io.Writer, _ *http.Request) {
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: konaplate\r\n\r\n"+`{"result":"COMPLETED"}`)
		_, _ = io.Copy(io.Discard, conn.(net.Conn))
	}, nil)
}

// gibibyte begins with an answer. Its server notices that nobody reads on.
func gibibyte() spoiled         { return large("with a length", "1073741824") }
func gibibyteInChunks() spoiled { return large("in chunks", "") }

func large(name, length string) spoiled {
	var wrote atomic.Int64
	return spoiled{name: name, want: processor.NotAnAnswer, reply: flat(func(w http.ResponseWriter, r *http.Request) {
		if length != "" {
			w.Header().Set("Content-Length", length)
		}
		echoing(http.StatusOK, `{"result":"COMPLETED"}`)(w, r)
		blanks := bytes.Repeat([]byte(" "), 32<<10)
		for wrote.Load() < 1<<30 {
			n, err := w.Write(blanks)
			wrote.Add(int64(n))
			if err != nil {
				return
			}
		}
	}), check: func(t *testing.T, _ processor.Answer) {
		if n := wrote.Load(); n > 1<<20 {
			t.Errorf("%d bytes were taken of a body of which 64 KiB are read", n)
		}
		checkFlat(t)
	}}
}

// allocated is what had been allocated when the message of the latest flat reply came.
var allocated atomic.Uint64

// flat replies with handler, once it has noted what is allocated.
func flat(handler http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		allocated.Store(totalAlloc())
		handler(w, r)
	}
}

// checkFlat fails the test if reading a flat reply took more memory than some buffers.
func checkFlat(t *testing.T) {
	t.Helper()
	if took := totalAlloc() - allocated.Load(); took > 2<<20 {
		t.Errorf("allocated %d bytes", took)
	}
}

func totalAlloc() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// gzipBomb is an answer of 32 MiB in 32 KiB; gzippedAnswer would be believed if anyone unpacked it.
func gzipBomb() spoiled {
	return zipped("an answer of 32 MiB", `{"result":"COMPLETED"`, 32, `}`)
}
func gzippedAnswer() spoiled { return zipped("a short answer", `{"result":"COMPLETED"`, 0, `}`) }

// zipped replies with head, so many MiB of blanks, and tail, each in a part of its own, as gzip allows.
func zipped(name, head string, blanks int, tail string) spoiled {
	small := bytes.NewBuffer(gzipped(head))
	small.Write(bytes.Repeat(gzipped(strings.Repeat(" ", 1<<20)), blanks))
	small.Write(gzipped(tail))
	if small.Len() > 64<<10 {
		panic("a body that is too large packed tells nothing of unpacking")
	}
	var accepted atomic.Value
	return spoiled{name: name, want: processor.NotAnAnswer, reply: flat(func(w http.ResponseWriter, r *http.Request) {
		accepted.Store(r.Header.Get("Accept-Encoding"))
		w.Header().Set("Content-Encoding", "gzip")
		echoing(http.StatusOK, small.String())(w, r)
	}), check: func(t *testing.T, _ processor.Answer) {
		if got := accepted.Load(); got != "" {
			t.Errorf("Accept-Encoding: %s", got)
		}
		checkFlat(t)
	}}
}

func gzipped(text string) []byte {
	var small bytes.Buffer
	z := gzip.NewWriter(&small)
	_, err := io.WriteString(z, text)
	if err := errors.Join(err, z.Close()); err != nil {
		panic(err) // a buffer takes everything
	}
	return small.Bytes()
}

func dripping() spoiled {
	return drip("of the body", answerHead+"Content-Length: 22\r\n\r\n", `{"result":"COMPLETED"}`)
}
func drippingHeader() spoiled { return drip("of the header", "", answerHead) }

// drip writes begin, and then a byte a second.
func drip(name, begin, slowly string) spoiled {
	return wired(name, processor.VendorDown, func(conn io.Writer, _ *http.Request) {
		_, err := io.WriteString(conn, begin)
		for i := 0; i < len(slowly) && err == nil; i++ {
			_, err = conn.Write([]byte{slowly[i]})
			time.Sleep(time.Second)
		}
	}, func(t *testing.T, got processor.Answer) {
		if took := time.Since(bubbleBegin); took != 5*time.Second || !errors.Is(got.Cause, inquiry.ErrTimeout) {
			t.Errorf("ended after %v: %v", took, got.Cause)
		}
	})
}

func earlyHints() spoiled {
	return flood("103", "", "HTTP/1.1 103 Early Hints\r\nLink: QUOTE\r\n\r\n")
}
func continues() spoiled     { return flood("100", "", "HTTP/1.1 100 Continue\r\n\r\n") }
func endlessHeader() spoiled { return flood("a header without end", answerHead, "X-More: QUOTE\r\n") }

// flood writes begin, and then again and again, until nobody reads on.
func flood(name, begin, again string) spoiled {
	var wrote atomic.Int64
	return wired(name, processor.VendorDown, func(conn io.Writer, r *http.Request) {
		again := strings.ReplaceAll(again, "QUOTE", quoted(r))
		_, err := io.WriteString(conn, begin)
		for wrote.Load() < 1<<30 && err == nil {
			var n int
			n, err = io.WriteString(conn, again)
			wrote.Add(int64(n))
		}
	}, func(t *testing.T, _ processor.Answer) {
		if n := wrote.Load(); n > 1<<20 {
			t.Errorf("%d bytes were taken", n)
		}
	})
}
