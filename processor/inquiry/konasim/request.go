package konasim

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

// maxSkew is how far X-KM-Tran-Time may be from the simulator's clock. The page names no limit; this one is there to find a
// client that writes the time of one zone under the name of another.
const maxSkew = 15 * time.Minute

// maxRequest bounds a request's body, in bytes.
const maxRequest = 64 << 10

// The forms of the headers, from the API page.
var headerForms = []struct {
	name string
	form *regexp.Regexp
}{
	{"X-KM-User-AspId", regexp.MustCompile(`^[!-~]{15}$`)},
	{"X-KM-Correlation-Id", regexp.MustCompile(`^\d{12}-[0-9a-fA-F]{7}$`)},
	{"X-KM-Access-Key", regexp.MustCompile(`^[!-~]{40}$`)},
	{"X-KM-Tran-Token", regexp.MustCompile(`^[!-~]+$`)},
	{"X-KM-Tran-Time", regexp.MustCompile(`^\d{14}$`)},
	{"X-KM-Time-Zone", regexp.MustCompile(`^(UTC|KST)$`)},
}

var zones = map[string]*time.Location{"UTC": time.UTC, "KST": time.FixedZone("KST", 9*60*60)}

// tokenForm takes the lengths that the guideline's pages and samples have: 16 or 17 digits, padding or none.
var tokenForm = regexp.MustCompile(`^KMV1:(\d{16,17}):([A-Za-z0-9+/]{43}=?)$`)

// maxSequenceID bounds a sequence ID, in characters.
const maxSequenceID = 30

// request is what a request asks; both together name the transaction it is about.
type request struct {
	sequenceID    string
	correlationID string
}

// read validates a request. Where it is faulty, what could be read of it is returned with the refusal.
func (s *Simulator) read(r *http.Request) (request, *answer) {
	req := request{correlationID: r.Header.Get("X-KM-Correlation-Id")}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest+1))
	switch {
	case err != nil || len(body) > maxRequest:
		return req, invalid("body")
	case !strings.HasSuffix(r.URL.Path, Path):
		return req, &answer{name: "HTTP404", status: http.StatusNotFound}
	case r.Method != http.MethodPost:
		return req, &answer{name: "HTTP405", status: http.StatusMethodNotAllowed}
	}
	req.sequenceID, err = sequenceID(body)
	for _, h := range headerForms {
		values := r.Header.Values(h.name)
		if len(values) != 1 || !h.form.MatchString(values[0]) {
			return req, invalid(h.name)
		}
	}
	if mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); mediaType != "application/json" {
		return req, invalid("Content-Type")
	}
	if !timely(r.Header) {
		return req, invalid("X-KM-Tran-Time")
	}
	if s.cfg.SecretKey != "" && !authentic(s.cfg.SecretKey, r.Header, body) {
		return req, &answer{name: "HTTP401", status: http.StatusUnauthorized, message: "Invalid X-KM-Tran-Token"}
	}
	if err != nil {
		return req, &sequenceInvalid
	}
	return req, nil
}

// sequenceID reads the request's only parameter.
func sequenceID(body []byte) (string, error) {
	var parameters struct {
		SequenceID string `json:"sequenceId"`
	}
	if err := json.Unmarshal(body, &parameters); err != nil {
		return "", err
	}
	if n := utf8.RuneCountInString(parameters.SequenceID); n < 1 || n > maxSequenceID {
		return parameters.SequenceID, fmt.Errorf("sequenceId: want 1 to %d characters", maxSequenceID)
	}
	return parameters.SequenceID, nil
}

// timely reports whether the request's time is about now in the zone it names.
func timely(h http.Header) bool {
	at, err := time.ParseInLocation("20060102150405", h.Get("X-KM-Tran-Time"), zones[h.Get("X-KM-Time-Zone")])
	return err == nil && time.Since(at).Abs() <= maxSkew
}

// authentic reports whether the token was made of body with key, at the time the request says.
func authentic(key string, h http.Header, body []byte) bool {
	parts := tokenForm.FindStringSubmatch(h.Get("X-KM-Tran-Token"))
	if parts == nil || !strings.HasPrefix(parts[1], h.Get("X-KM-Tran-Time")) {
		return false
	}
	sent, err := base64.RawStdEncoding.DecodeString(strings.TrimSuffix(parts[2], "="))
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(body)
	return err == nil && hmac.Equal(sent, mac.Sum(nil))
}
