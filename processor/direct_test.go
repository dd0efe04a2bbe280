package processor_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
)

// direct is a network that is not there: it hands each request to the server's handler itself, at a tenth of the cost. What a server does
// to its connection is seen by the client all the same: one that is closed without a reply, and a reply shorter than it says.
type direct struct{ handler http.Handler }

func (d direct) RoundTrip(req *http.Request) (resp *http.Response, err error) {
	defer func() {
		if aborted := recover(); aborted != nil && aborted != http.ErrAbortHandler {
			panic(aborted)
		} else if aborted != nil {
			resp, err = nil, io.EOF
		}
		if ended := req.Context().Err(); ended != nil {
			resp, err = nil, ended
		}
	}()
	received := req.Clone(req.Context())
	received.Header = http.Header{} // as a server reads them
	for name, values := range req.Header {
		received.Header[http.CanonicalHeaderKey(name)] = values
	}
	recorder := httptest.NewRecorder()
	d.handler.ServeHTTP(recorder, received)
	resp = recorder.Result()
	body := recorder.Body.Bytes()
	if says, err := strconv.Atoi(resp.Header.Get("Content-Length")); err == nil && says > len(body) {
		resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), cutOff{}))
	}
	return resp, nil
}

// cutOff is where a body ends before its time.
type cutOff struct{}

func (cutOff) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
