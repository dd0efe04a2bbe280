package inquiry

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"slices"
	"sync"
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

// Sign implements Signer. A [Client] does not call it: it has prepared once what is the same for all messages.
func (k KMV1) Sign(body []byte, at time.Time) (string, error) {
	signer, err := k.prepare()
	if err != nil {
		return "", err
	}
	return signer.Sign(body, at)
}

func (k KMV1) prepare() (Signer, error) {
	key := k.SecretKey.Reveal()
	if key == "" {
		return nil, errors.New("KMV1: SecretKey is empty")
	}
	signer := &kmv1{layout: "20060102150405.000", encoding: base64.StdEncoding}
	switch k.TimeDigits {
	case 0, 17:
	case 16:
		signer.layout = "20060102150405.00"
	default:
		return nil, fmt.Errorf("KMV1: TimeDigits is %d, want 17 or 16", k.TimeDigits)
	}
	if k.RawBase64 {
		signer.encoding = base64.RawStdEncoding
	}
	signer.macs.New = func() any { return &mac{Hash: hmac.New(sha256.New, []byte(key))} }
	return signer, nil
}

// prepared returns signer with what is the same for all messages done once.
func prepared(signer Signer) (Signer, error) {
	if s, ok := signer.(interface{ prepare() (Signer, error) }); ok {
		return s.prepare()
	}
	return signer, nil
}

// kmv1 is a KMV1 whose key is hashed already.
type kmv1 struct {
	layout   string
	encoding *base64.Encoding
	macs     sync.Pool // of *mac: each is one goroutine's until it has signed
}

// mac is a keyed hash, and room for its sum and the token.
type mac struct {
	hash.Hash
	sum, token []byte
}

// Sign implements Signer.
func (k *kmv1) Sign(body []byte, at time.Time) (string, error) {
	m := k.macs.Get().(*mac)
	defer k.macs.Put(m)
	m.Reset()
	m.Write(body)
	m.sum = m.Sum(m.sum[:0])

	const scheme, seconds = "KMV1:", "20060102150405"
	token := at.AppendFormat(append(m.token[:0], scheme...), k.layout)
	dot := len(scheme + seconds)
	token = append(slices.Delete(token, dot, dot+1), ':')
	m.token = k.encoding.AppendEncode(token, m.sum)
	return string(m.token), nil
}

// StaticToken sends one token with every message: for a sandbox that issued one, and for simulators.
type StaticToken struct {
	Token Credential
}

// Sign implements Signer.
func (s StaticToken) Sign([]byte, time.Time) (string, error) { return s.Token.Reveal(), nil }
