package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// The SASL mechanisms.
const (
	saslPlain    = "PLAIN"
	saslSCRAM256 = "SCRAM-SHA-256"
	saslSCRAM512 = "SCRAM-SHA-512"
	saslOAuth    = "OAUTHBEARER"
)

// kafkaOptions is how every command's client connects: brokers, client ID, TLS and SASL. It never makes a topic by asking for it.
func kafkaOptions(c config) ([]kgo.Opt, error) {
	options := []kgo.Opt{kgo.SeedBrokers(c.KafkaBrokers...), kgo.ClientID("chargeresult")}
	t, err := kafkaTLS(c)
	if err != nil {
		return nil, fmt.Errorf("connecting to Kafka: %w", err)
	}
	if t != nil {
		options = append(options, kgo.DialTLSConfig(t))
	}
	if c.KafkaSASLMechanism != "" {
		options = append(options, kgo.SASL(saslMechanism(c)))
	}
	return options, nil
}

func saslMechanism(c config) sasl.Mechanism {
	user, password := c.KafkaSASLUsername, c.KafkaSASLPassword.Reveal()
	switch c.KafkaSASLMechanism {
	case saslPlain:
		return plain.Auth{User: user, Pass: password}.AsMechanism()
	case saslSCRAM256:
		return scram.Auth{User: user, Pass: password}.AsSha256Mechanism()
	case saslSCRAM512:
		return scram.Auth{User: user, Pass: password}.AsSha512Mechanism()
	default:
		return oauth.Oauth(func(context.Context) (oauth.Auth, error) {
			token, err := currentToken(c)
			return oauth.Auth{Token: token}, err
		})
	}
}

// currentToken reads the token's file again, because whoever rotates the token writes a new file.
func currentToken(c config) (string, error) {
	if c.KafkaSASLTokenFile == "" {
		return c.KafkaSASLToken.Reveal(), nil
	}
	text, err := os.ReadFile(c.KafkaSASLTokenFile)
	if err != nil {
		return "", fmt.Errorf("reading the token for OAUTHBEARER: %w", err)
	}
	token := strings.TrimSpace(string(text))
	if token == "" {
		return "", errors.New("reading the token for OAUTHBEARER: " + c.KafkaSASLTokenFile + " is empty")
	}
	return token, nil
}
