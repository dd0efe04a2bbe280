package inquiry

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
)

// errTruncated: the reply ended before it was whole. A part may well look like an answer.
var errTruncated = errors.New("the reply's body is truncated")

// exchange sends m and reads the reply, up to one byte more than a body may have.
//
// It is one round trip of the transport, without what an http.Client adds: a redirect is a reply like others, and nothing follows it.
func (c *Client) exchange(ctx context.Context, m message) (status int, header http.Header, body []byte, err error) {
	resp, err := c.http.RoundTrip(c.wrap(ctx, m))
	if err != nil {
		return 0, nil, nil, fmt.Errorf("inquiry: %w", plainly(err))
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return resp.StatusCode, resp.Header, nil, nil // its body is the connection itself, whose reading no deadline ends
	}
	body, err = read(resp.Body, resp.ContentLength)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return 0, nil, nil, fmt.Errorf("inquiry: HTTP %d: %w", resp.StatusCode, errTruncated)
	}
	if err != nil {
		return 0, nil, nil, fmt.Errorf("inquiry: read the reply: %w", err)
	}
	// A vendor that quotes our credentials in its message must not bring them into results and logs.
	return resp.StatusCode, resp.Header, redactBody(body, c.cfg.AccessKey.Reveal(), m.token), nil
}

// wrap makes a request of m.
func (c *Client) wrap(ctx context.Context, m message) *http.Request {
	req, body := c.request.WithContext(ctx), m.body
	req.Header = m.header
	req.ContentLength = int64(len(body))
	// net/http knows this kind of body for one in memory, and sends it in one piece with the header. It asks GetBody for another
	// when a connection that was kept alive turns out to be closed before a byte was written, the only time it sends a POST again.
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	req.Body, _ = req.GetBody()
	return req
}

// plainly returns err, or what it means: a server that speaks HTTP where TLS is expected is a wrong BaseURL.
func plainly(err error) error {
	if e, ok := errors.AsType[tls.RecordHeaderError](err); ok && string(e.RecordHeader[:]) == "HTTP/" {
		return http.ErrSchemeMismatch
	}
	return err
}

// read reads a body that says to have size bytes, -1 if it doesn't say: maxBody and one more at most, whatever it says.
func read(body io.Reader, size int64) ([]byte, error) {
	b := make([]byte, 0, min(max(size, 0), maxBody)+bytes.MinRead) // its end shows without growing
	for len(b) <= maxBody {
		if len(b) == cap(b) {
			b = slices.Grow(b, len(b))
		}
		n, err := body.Read(b[len(b):min(cap(b), maxBody+1)])
		b = b[:len(b)+n]
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	return b, nil
}
