package inquiry_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/chargeresult/chargeresult/processor/inquiry"
)

func TestSecretsDoNotPrint(t *testing.T) {
	var log bytes.Buffer
	cfg := config("https://konaplate.test")
	cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
	static := cfg
	static.Signer = inquiry.StaticToken{Token: inquiry.Secret("canary-token")}
	var shown strings.Builder
	for _, cfg := range []inquiry.Config{cfg, static} {
		client, err := inquiry.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		for _, value := range []any{cfg, &cfg, cfg.Signer, cfg.AccessKey, &cfg.AccessKey, client, []any{cfg.Signer}} {
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%p", "%10.3s"} {
				fmt.Fprintf(&shown, verb, value)
			}
			slog.New(slog.NewJSONHandler(&log, nil)).Info("shown", "value", value)
			cfg.Logger.Info("shown", "value", value)
		}
		marshalled, err := json.Marshal([]any{cfg.AccessKey, cfg.Signer})
		if err != nil {
			t.Fatal(err)
		}
		shown.Write(marshalled)
	}
	hex := fmt.Sprintf("%x", "canary")
	for name, text := range map[string]string{"print": shown.String(), "log": log.String()} {
		if contains(text, "canary", hex, strings.ToUpper(hex)) {
			t.Errorf("%s shows a secret", name)
		}
		if !contains(text, "[secret]") {
			t.Errorf("%s shows nothing in its place: %s", name, text)
		}
	}
}

// TestVendorThatQuotesOurCredentials: they come back in the message of an answer, and in what is not HTTP at all.
func TestVendorThatQuotesOurCredentials(t *testing.T) {
	quoting := func(format string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			quote := r.Header.Get("X-KM-Access-Key") + " " + r.Header.Get("X-KM-Tran-Token")
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.WriteString(conn, strings.ReplaceAll(format, "QUOTE", quote))
			_ = conn.Close()
		}
	}
	for name, reply := range map[string]string{
		"message":     "HTTP/1.1 400 Bad Request\r\n\r\n{\"code\":\"000_999\",\"message\":\"no such key QUOTE\"}",
		"cut message": "HTTP/1.1 400 Bad Request\r\n\r\n{\"code\":\"000_999\",\"message\":\"" + strings.Repeat("x", 230) + "QUOTE\"}",
		"401":         "HTTP/1.1 401 Unauthorized\r\n\r\n{\"message\":\"no such key QUOTE\"}",
		"status line": "QUOTE\r\n\r\n",
		"status":      "HTTP/1.1 QUOTE\r\n\r\n",
		"header":      "HTTP/1.1 200 OK\r\nQUOTE\r\n\r\n",
		"length":      "HTTP/1.1 200 OK\r\nContent-Length: QUOTE\r\n\r\n",
		"long":        strings.Repeat("x", 480) + "QUOTE\r\n\r\n",
	} {
		var token string
		client := serve(t, quoting(reply), func(c *inquiry.Config) {
			c.Instrument = func(next http.RoundTripper) http.RoundTripper {
				return roundTripper(func(r *http.Request) (*http.Response, error) {
					for name, values := range r.Header { // it is sent in the page's spelling, which Get does not find
						if name == "X-KM-Tran-Token" {
							token = values[0]
						}
					}
					return next.RoundTrip(r)
				})
			}
		})
		shown := fmt.Sprintf("%+v", ask(t, client, event))
		if contains(shown, accessKey[:20], token[:20]) || token == "" {
			t.Errorf("%s: shows a credential: %s", name, shown)
		}
		if len(shown) > 1000 {
			t.Errorf("%s: shows %d bytes", name, len(shown))
		}
	}
}

func TestTokenLengthWarnsOnceAndRefusesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		signer   inquiry.Signer
		warnings int
	}{
		"67":             {inquiry.KMV1{SecretKey: inquiry.Secret(secretKey)}, 1},
		"16 digits: 66":  {inquiry.KMV1{SecretKey: inquiry.Secret(secretKey), TimeDigits: 16}, 0},
		"no padding: 66": {inquiry.KMV1{SecretKey: inquiry.Secret(secretKey), RawBase64: true}, 0},
		"static":         {inquiry.StaticToken{Token: inquiry.Secret("t")}, 1},
	} {
		var log bytes.Buffer
		var handler http.HandlerFunc = func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-KM-Correlation-Id", r.Header.Get("X-KM-Correlation-Id"))
			_, _ = io.WriteString(w, `{"result":"COMPLETED"}`)
		}
		client := serve(t, handler, func(cfg *inquiry.Config) {
			cfg.Signer = c.signer
			cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
		})
		for range 3 {
			if got := ask(t, client, event); got.Result != "COMPLETED" {
				t.Errorf("%s: %+v", name, got)
			}
		}
		if n := strings.Count(log.String(), "X-KM-Tran-Token"); n != c.warnings {
			t.Errorf("%s: %d warnings: %s", name, n, log.String())
		}
	}
}
