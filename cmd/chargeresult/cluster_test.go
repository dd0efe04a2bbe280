package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"
	"github.com/twmb/franz-go/pkg/kfake"
)

// startKafka starts a cluster of one broker, and returns how to reach it.
func startKafka(t *testing.T, options ...kfake.Opt) (*kfake.Cluster, string) {
	t.Helper()
	cluster, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1)}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return cluster, strings.Join(cluster.ListenAddrs(), ",")
}

// goodInfo is INFO of a Redis that preflight has nothing against.
const goodInfo = "# Server\r\nredis_version:7.0.15\r\n# Memory\r\nmaxmemory_policy:noeviction\r\n# Persistence\r\naof_enabled:1\r\n"

// startRedis starts a server that says info of itself, which miniredis does not know by itself, and returns its URL.
func startRedis(t *testing.T, info string) string {
	t.Helper()
	m := miniredis.RunT(t)
	m.Server().SetPreHook(func(p *server.Peer, cmd string, _ ...string) bool {
		if cmd != "INFO" {
			return false
		}
		p.WriteBulk(info)
		return true
	})
	return "redis://" + m.Addr()
}

// certificate makes an authority that has signed itself, for 127.0.0.1, and returns the files of certificate and key.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return writeFile(t, "cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))),
		writeFile(t, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})))
}

// mustLoad reads settings that have no faults.
func mustLoad(t *testing.T, extra ...string) config {
	t.Helper()
	c, _, wrong := loadFrom(t, complete(extra...))
	if len(wrong) > 0 {
		t.Fatal(wrong)
	}
	return c
}

// Every way to log in works with the right credentials, and not with wrong ones.
func TestKafkaConnects(t *testing.T) {
	cert, key := certificate(t)
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	_, open := startKafka(t)
	_, encrypted := startKafka(t, kfake.TLS(&tls.Config{Certificates: []tls.Certificate{pair}}))
	_, guarded := startKafka(t, kfake.EnableSASL(), kfake.Superuser("PLAIN", "u", "p"),
		kfake.Superuser("SCRAM-SHA-256", "u", "p"), kfake.Superuser("SCRAM-SHA-512", "u", "p"))
	login := func(mechanism, password string) []string {
		return []string{
			"CHARGERESULT_KAFKA_BROKERS=" + guarded, "CHARGERESULT_KAFKA_SASL_MECHANISM=" + mechanism,
			"CHARGERESULT_KAFKA_SASL_USERNAME=u", "CHARGERESULT_KAFKA_SASL_PASSWORD=" + password,
		}
	}
	for name, test := range map[string]struct {
		environ []string
		ok      bool
	}{
		"in the clear":         {[]string{"CHARGERESULT_KAFKA_BROKERS=" + open}, true},
		"TLS":                  {[]string{"CHARGERESULT_KAFKA_BROKERS=" + encrypted, "CHARGERESULT_KAFKA_TLS=true", "CHARGERESULT_KAFKA_TLS_CA_FILE=" + cert}, true},
		"TLS, stranger":        {[]string{"CHARGERESULT_KAFKA_BROKERS=" + encrypted, "CHARGERESULT_KAFKA_TLS=true"}, false},
		"PLAIN":                {login(saslPlain, "p"), true},
		"PLAIN, wrong":         {login(saslPlain, "x"), false},
		"SCRAM-SHA-256":        {login(saslSCRAM256, "p"), true},
		"SCRAM-SHA-512":        {login(saslSCRAM512, "p"), true},
		"SCRAM-SHA-512, wrong": {login(saslSCRAM512, "x"), false},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			admin, err := openAdmin(ctx, mustLoad(t, test.environ...))
			if (err == nil) != test.ok {
				t.Errorf("openAdmin: %v", err)
			}
			if err == nil {
				admin.Close()
			}
		})
	}
}

// A rotated token is taken from its file at the next login.
func TestKafkaTokenIsReadAgain(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("first\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := mustLoad(t, "CHARGERESULT_KAFKA_SASL_MECHANISM=OAUTHBEARER", "CHARGERESULT_KAFKA_SASL_TOKEN_FILE="+file)
	sent := func() string {
		t.Helper()
		_, message, err := saslMechanism(c).Authenticate(t.Context(), "host")
		if err != nil {
			t.Fatal(err)
		}
		return string(message)
	}
	if got := sent(); !strings.Contains(got, "first") {
		t.Errorf("sent %q", got)
	}
	if err := os.WriteFile(file, []byte("second\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := sent(); !strings.Contains(got, "second") {
		t.Errorf("sent %q after the rotation", got)
	}
}

func TestDescribeTopics(t *testing.T) {
	_, broker := startKafka(t, kfake.SeedTopics(3, "a"))
	admin, err := openAdmin(t.Context(), mustLoad(t, "CHARGERESULT_KAFKA_BROKERS="+broker))
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	found, err := describeTopics(t.Context(), admin, "a", "absent")
	if err != nil || len(found) != 1 || found["a"].Partitions != 3 || found["a"].Replication != 1 || found["a"].Configs["cleanup.policy"] != "delete" {
		t.Errorf("%+v, %v", found, err)
	}
	if found, err := describeTopics(t.Context(), admin, "absent"); err != nil || len(found) != 0 {
		t.Errorf("%+v, %v", found, err)
	}
	topics, err := admin.ListTopics(t.Context())
	if err != nil || !slices.Equal(topics.Names(), []string{"a"}) {
		t.Errorf("asking for a topic has made it: %v, %v", topics.Names(), err)
	}
}

func TestRules(t *testing.T) {
	day := 24 * time.Hour
	for _, test := range []struct {
		rule  rule
		found string
		ok    bool
	}{
		{notCompacted(), "delete", true},
		{notCompacted(), "compact", false},
		{notCompacted(), "compact,delete", false},
		{notCompacted(), "", false},
		{keptFor(day), "86400000", true},
		{keptFor(day), "86399999", false},
		{keptFor(day), "-1", true},
		{keptFor(day), "-2", false},
		{keptFor(day), "", false},
		{roomFor(10), "10", true},
		{roomFor(10), "9", false},
	} {
		if got := test.rule.ok(test.found); got != test.ok {
			t.Errorf("%s: %q: %t", test.rule.key, test.found, got)
		}
		if !test.rule.ok(test.rule.set) {
			t.Errorf("%s: setting it to %q would not do", test.rule.key, test.rule.set)
		}
	}
}
