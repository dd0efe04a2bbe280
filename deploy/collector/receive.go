package collector

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"time"

	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// refusal is an answer other than 200 and 400.
type refusal struct {
	status     int
	retryAfter time.Duration
	err        error
}

// Error implements error.
func (r refusal) Error() string { return r.err.Error() }

// receive returns what handles requests whose bodies take takes.
func (c *Collector) receive(take func(body []byte, e encoding) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		e, err := encodingOf(r.Header.Get("Content-Type"))
		if err != nil {
			answer(w, e, refusal{status: http.StatusUnsupportedMediaType, err: err})
			return
		}
		body, err := readBody(r, c.config.MaxBody)
		if err != nil {
			answer(w, e, err)
			return
		}
		fault, switched := c.failing()
		if !fault.Lose {
			if err := take(body, e); err != nil {
				answer(w, e, err)
				return
			}
		}
		if !fault.pause(r.Context(), switched) || fault.Lose && fault.Status == 0 {
			panic(http.ErrAbortHandler) // which closes the connection
		}
		if fault.Status != 0 {
			answer(w, e, refusal{fault.Status, fault.RetryAfter, errors.New("a fault that a test wants")})
			return
		}
		answer(w, e, nil)
	}
}

func encodingOf(contentType string) (encoding, error) {
	media, _, err := mime.ParseMediaType(contentType)
	switch {
	case err == nil && media == "application/x-protobuf":
		return binary, nil
	case err == nil && media == "application/json":
		return text, nil
	}
	return text, fmt.Errorf("content type %q: want application/x-protobuf or application/json", contentType)
}

// readBody returns the body, uncompressed.
func readBody(r *http.Request, most int64) ([]byte, error) {
	var reader io.Reader = r.Body
	switch coding := r.Header.Get("Content-Encoding"); coding {
	case "", "identity":
	case "gzip":
		unzip, err := gzip.NewReader(reader)
		if err != nil {
			return nil, fmt.Errorf("read the body: %w", err)
		}
		reader = unzip
	default:
		return nil, refusal{status: http.StatusUnsupportedMediaType, err: fmt.Errorf("content encoding %q: want gzip or none", coding)}
	}
	body, err := io.ReadAll(io.LimitReader(reader, most+1))
	if err != nil {
		return nil, fmt.Errorf("read the body: %w", err)
	}
	if int64(len(body)) > most {
		return nil, refusal{status: http.StatusRequestEntityTooLarge, err: fmt.Errorf("the body has more than %d bytes: send fewer at once", most)}
	}
	return body, nil
}

// answer answers in the encoding of the question, as OTLP says: with what went wrong, which is the sender's fault unless it is a refusal,
// or with an empty message, which means that everything was taken.
func answer(w http.ResponseWriter, e encoding, err error) {
	code, message := http.StatusOK, &status.Status{}
	if err != nil {
		code, message.Message = http.StatusBadRequest, err.Error()
		if refused := (refusal{}); errors.As(err, &refused) {
			code = refused.status
			if refused.retryAfter > 0 {
				w.Header().Set("Retry-After", strconv.Itoa(int(refused.retryAfter.Seconds())))
			}
		}
	}
	contentType, marshal := "application/x-protobuf", proto.Marshal
	if e == text {
		contentType, marshal = "application/json", protojson.Marshal
	}
	body, err := marshal(message)
	if err != nil {
		panic(err) // a code and a string always marshal
	}
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(code)
	_, _ = w.Write(body) // who asked may have gone
}
