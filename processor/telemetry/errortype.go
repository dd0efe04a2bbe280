package telemetry

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
)

// errorType names an error in one of a few words, as error.type wants it: its text may hold anything.
func errorType(err error) string {
	var named interface {
		error
		ErrorType() string
	}
	var answered interface {
		error
		RedisError()
	}
	switch {
	case errors.As(err, &named): // it knows best
		return named.ErrorType()
	case errors.Is(err, context.Canceled):
		return "canceled"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return "timeout"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection_refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return "connection_closed"
	case as[*net.DNSError](err):
		return "name_not_resolved"
	case as[*tls.CertificateVerificationError](err), as[x509.UnknownAuthorityError](err), as[x509.HostnameError](err), as[tls.RecordHeaderError](err), as[tls.AlertError](err):
		return "tls"
	case errors.As(err, &answered):
		word, _, _ := strings.Cut(answered.Error(), " ") // Redis's errors begin with their kind
		if word == strings.ToUpper(word) && len(word) <= 16 {
			return word
		}
	}
	return "_OTHER"
}

func as[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}
