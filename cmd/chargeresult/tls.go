package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"strings"
)

// kafkaTLS is how brokers are spoken to; nil: in the clear.
func kafkaTLS(c config) (*tls.Config, error) {
	if !c.KafkaTLS {
		return nil, nil
	}
	return tlsConfig("kafka-tls-ca-file", c.KafkaTLSCAFile, "kafka-tls-cert-file", c.KafkaTLSCertFile, c.KafkaTLSKeyFile)
}

// redisTLS is how Redis is spoken to; nil: in the clear.
func redisTLS(c config) (*tls.Config, error) {
	if !strings.HasPrefix(c.RedisURL.Reveal(), "rediss") {
		return nil, nil
	}
	return tlsConfig("redis-tls-ca-file", c.RedisTLSCAFile, "redis-tls-cert-file", c.RedisTLSCertFile, c.RedisTLSKeyFile)
}

// inquiryTLS is how Konaplate is spoken to, if its URL is https.
func inquiryTLS(c config) (*tls.Config, error) {
	return tlsConfig("inquiry-ca-file", c.InquiryCAFile, "inquiry-cert-file", c.InquiryCertFile, c.InquiryKeyFile)
}

// tlsConfig trusts the authorities in the file ca, or the system's if it is empty, and shows the certificate, if there is one.
// Its error is faults, which call the files by the settings caName and certName.
func tlsConfig(caName, ca, certName, cert, key string) (*tls.Config, error) {
	t := &tls.Config{MinVersion: tls.VersionTLS12}
	var wrong faults
	if ca != "" {
		pool, err := authorities(ca)
		if err != nil {
			wrong = append(wrong, fault{Name: envName(caName), Value: ca, Problem: err.Error()})
		}
		t.RootCAs = pool
	}
	if cert != "" || key != "" {
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			wrong = append(wrong, fault{Name: envName(certName) + " and its key", Value: cert + ", " + key, Problem: err.Error()})
		}
		t.Certificates = []tls.Certificate{pair}
	}
	if len(wrong) > 0 {
		return nil, wrong
	}
	return t, nil
}

func authorities(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("expected a PEM file with at least one certificate")
	}
	return pool, nil
}
