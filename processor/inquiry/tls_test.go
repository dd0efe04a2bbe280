package inquiry_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/chargeresult/chargeresult/processor"
	"github.com/chargeresult/chargeresult/processor/inquiry"
)

// TestTrustedCertificate is what the tests of untrusted ones differ from in one point each.
func TestTrustedCertificate(t *testing.T) {
	ca := newAuthority(t)
	got, asked := overTLS(t, ca.issue(t, host, bubbleBegin.AddDate(0, 0, 1)), ca)
	if got.Class != processor.Answered || asked != 1 {
		t.Errorf("%+v, asked %d times", got, asked)
	}
}

func expiredCertificate(t *testing.T) {
	ca := newAuthority(t)
	got, asked := overTLS(t, ca.issue(t, host, bubbleBegin.AddDate(0, 0, -1)), ca)
	var invalid x509.CertificateInvalidError
	if !errors.As(got.Cause, &invalid) || invalid.Reason != x509.Expired {
		t.Errorf("cause %v", got.Cause)
	}
	untrusted(t, got, asked)
}

func foreignCertificate(t *testing.T) {
	ca := newAuthority(t)
	got, asked := overTLS(t, ca.issue(t, "elsewhere.test", bubbleBegin.AddDate(0, 0, 1)), ca)
	var wrong x509.HostnameError
	if !errors.As(got.Cause, &wrong) {
		t.Errorf("cause %v", got.Cause)
	}
	untrusted(t, got, asked)
}

func selfSignedCertificate(t *testing.T) {
	var nobody *authority
	got, asked := overTLS(t, nobody.issue(t, host, bubbleBegin.AddDate(0, 0, 1)), newAuthority(t))
	var unknown x509.UnknownAuthorityError
	if !errors.As(got.Cause, &unknown) {
		t.Errorf("cause %v", got.Cause)
	}
	untrusted(t, got, asked)
}

// TestPlainServerBehindHTTPS: a BaseURL of the wrong scheme is named for what it is.
func TestPlainServerBehindHTTPS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := serve(t, http.NotFoundHandler(), func(cfg *inquiry.Config) { cfg.BaseURL = "https://localhost" })
		if got := ask(t, client, event); got.Class != processor.VendorDown || !errors.Is(got.Cause, http.ErrSchemeMismatch) {
			t.Errorf("%+v", got)
		}
	})
}

// overTLS asks a server with this certificate, trusting ca, and returns the answer and how many messages the server saw.
func overTLS(t *testing.T, cert *tls.Certificate, ca *authority) (got processor.Answer, asked int32) {
	t.Helper()
	var count atomic.Int32
	synctest.Test(t, func(t *testing.T) {
		client := serveTLS(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			count.Add(1)
			echoing(http.StatusOK, `{"result":"COMPLETED"}`)(w, r)
		}), cert, func(cfg *inquiry.Config) {
			withCanary(cfg)
			cfg.TLS = ca.trust()
		})
		got = ask(t, client, event)
	})
	return got, count.Load()
}

// untrusted fails the test unless the vendor counts as down and was sent nothing.
func untrusted(t *testing.T, got processor.Answer, asked int32) {
	t.Helper()
	if got.Class != processor.VendorDown || got.Result != "" || asked != 0 {
		t.Errorf("%+v, and the server saw %d messages", got, asked)
	}
	if contains(fmt.Sprintf("%+v", got), "canary") {
		t.Errorf("shows a credential: %+v", got)
	}
}

// redirected is the test of a redirect to base: nobody may follow it, and nobody may even connect to another address.
func redirected(base string) func(t *testing.T) {
	return func(t *testing.T) {
		ca := newAuthority(t)
		cert := ca.issue(t, host, bubbleBegin.AddDate(0, 0, 1))
		for _, status := range []int{300, 301, 302, 303, 307, 308} {
			t.Run(fmt.Sprint(status), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					elsewhere, dialled, asked := newMemnet(), atomic.Int32{}, atomic.Int32{}
					listenIn(t, elsewhere, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						t.Errorf("followed to %s %s with %v", r.Host, r.URL, r.Header)
						echoing(http.StatusOK, `{"result":"COMPLETED"}`)(w, r)
					}), nil)
					client := serveTLS(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						asked.Add(1)
						w.Header().Set("Location", base+"/elsewhere?key="+r.Header.Get("X-KM-Access-Key"))
						echoing(status, `{"result":"COMPLETED"}`)(w, r)
					}), cert, func(cfg *inquiry.Config) {
						withCanary(cfg)
						cfg.TLS = ca.trust()
						home := cfg.DialContext
						cfg.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
							if addr == host+":443" {
								return home(ctx, network, addr)
							}
							dialled.Add(1)
							return elsewhere.Dial(ctx, network, addr)
						}
					})
					disbelieve(t, client, processor.NotAnAnswer)
					if asked.Load() != 1 || dialled.Load() != 0 {
						t.Errorf("asked %d times, and connected elsewhere %d times", asked.Load(), dialled.Load())
					}
				})
			})
		}
	}
}
