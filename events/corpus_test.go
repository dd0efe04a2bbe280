package events_test

import (
	"encoding/base64"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/chargeresult/chargeresult/events"
)

// corpusCase is one case of testdata/corpus.yaml; the file explains its fields.
type corpusCase struct {
	Name   string
	Value  *string
	Base64 string
	Fields struct {
		CorrelationID string `yaml:"correlationId"`
		SequenceID    string `yaml:"sequenceId"`
		RequestedAt   string `yaml:"requestedAt"`
	}
	ContentType      string `yaml:"contentType"`
	AnyCorrelationID bool   `yaml:"anyCorrelationId"`
	Event            string
	Error            string
	SchemaAccepts    string `yaml:"schemaAccepts"`
}

var recorded = time.Date(2026, 11, 22, 1, 30, 5, 0, time.UTC)

func corpus(t testing.TB) []corpusCase {
	t.Helper()
	content, err := os.ReadFile("testdata/corpus.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var cases []corpusCase
	if err := yaml.UnmarshalWithOptions(content, &cases, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	if len(cases) < 80 {
		t.Fatalf("the corpus has %d cases only", len(cases))
	}
	return cases
}

func (c corpusCase) message(t testing.TB) events.Message {
	t.Helper()
	m := events.Message{Timestamp: recorded}
	switch {
	case c.Value != nil:
		m.Value = []byte(*c.Value)
	case c.Base64 != "":
		var err error
		if m.Value, err = base64.StdEncoding.DecodeString(c.Base64); err != nil {
			t.Fatal(err)
		}
	}
	if c.ContentType != "" {
		m.Headers = []events.Header{{Key: "ce_specversion", Value: []byte("1.0")}, {Key: "content-type", Value: []byte(c.ContentType)}}
	}
	return m
}

func (c corpusCase) decoder(t testing.TB) *events.Decoder {
	t.Helper()
	f := c.Fields
	return newDecoder(t, events.Fields{
		CorrelationID: f.CorrelationID, SequenceID: f.SequenceID, RequestedAt: f.RequestedAt, AnyCorrelationID: c.AnyCorrelationID,
	})
}

// plain says whether the case is what the schemas describe: the event itself, under its default names.
func (c corpusCase) plain() bool {
	return c.Fields == corpusCase{}.Fields && !c.AnyCorrelationID && !strings.Contains(strings.ToLower(c.ContentType), "cloudevents")
}

func newDecoder(t testing.TB, f events.Fields) *events.Decoder {
	t.Helper()
	d, err := events.NewDecoder(f)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestCorpus(t *testing.T) {
	for _, c := range corpus(t) {
		t.Run(c.Name, func(t *testing.T) {
			got, err := c.decoder(t).Decode(events.Cancellation, c.message(t))
			if c.Error != "" {
				want, anyMore := strings.CutSuffix(c.Error, " ...")
				if err == nil || err.Error() != want && !(anyMore && strings.HasPrefix(err.Error(), want)) {
					t.Fatalf("error\n%v, want\n%v", err, c.Error)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if text := got.CorrelationID + " " + got.SequenceID + " " + got.RequestedAt.Format(time.RFC3339Nano); text != c.Event {
				t.Errorf("got\n%s, want\n%s", text, c.Event)
			}
			if got.Operation != events.Cancellation {
				t.Errorf("operation %s", got.Operation)
			}
		})
	}
}
