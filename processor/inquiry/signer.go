package inquiry

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Signer makes the X-KM-Tran-Token of one message.
//
// Sign gets the very bytes that will be sent, and the time of the try in the zone that X-KM-Time-Zone names. It may be called by
// many goroutines at once, and must not quote a credential in an error. A token is 1 to 256 visible ASCII characters.
type Signer interface {
	Sign(body []byte, at time.Time) (string, error)
}

// KMV1 signs as Konaplate's public guideline says: KMV1:<time>:<Base64(HMAC-SHA256(secret key, body))>.
//
// The guideline disagrees with itself and with the API page about the length, hence the two knobs. The zero value of both is the
// vendor's own sample, 67 characters; either knob alone makes it the 66 of the API page.
type KMV1 struct {
	SecretKey  Credential // issued with the access key
	TimeDigits int        // 17 (to the millisecond; the default) or 16 (to the hundredth)
	RawBase64  bool       // without the padding
}

// Sign implements Signer.
func (k KMV1) Sign(body []byte, at time.Time) (string, error) {
	key := k.SecretKey.Reveal()
	if key == "" {
		return "", errors.New("KMV1: SecretKey is empty")
	}
	layout := "20060102150405.000"
	switch k.TimeDigits {
	case 0, 17:
	case 16:
		layout = "20060102150405.00"
	default:
		return "", fmt.Errorf("KMV1: TimeDigits is %d, want 17 or 16", k.TimeDigits)
	}
	encoding := base64.StdEncoding
	if k.RawBase64 {
		encoding = base64.RawStdEncoding
	}
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(body)
	return "KMV1:" + strings.Replace(at.Format(layout), ".", "", 1) + ":" + encoding.EncodeToString(mac.Sum(nil)), nil
}

// StaticToken sends one token with every message: for a sandbox that issued one, and for simulators.
type StaticToken struct {
	Token Credential
}

// Sign implements Signer.
func (s StaticToken) Sign([]byte, time.Time) (string, error) { return s.Token.Reveal(), nil }
