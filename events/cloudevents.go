package events

import (
	"bytes"
	"encoding/base64"
	"strings"

	"github.com/chargeresult/chargeresult/events/jsonvalue"
)

const (
	mediaJSON        = "application/json"
	mediaCloudEvents = "application/cloudevents" // how the content type of every structured mode begins
	specVersion      = "1.0"
)

// payload returns the event that m carries. The content type alone tells a structured CloudEvent from the rest, as the Kafka
// protocol binding has it; the data of one in binary mode is the value, as it is of a record that is no CloudEvent.
func payload(m Message) (jsonvalue.Value, error) {
	switch {
	case m.Value == nil:
		return nil, undecodable("value", "is missing: the record is a tombstone")
	case len(m.Value) == 0:
		return nil, undecodable("value", "is empty")
	}
	media := mediaType(m.Headers)
	structured := strings.HasPrefix(media, mediaCloudEvents)
	if structured && media != mediaCloudEvents+"+json" {
		return nil, undecodable(HeaderContentType, "must be application/cloudevents+json for a structured CloudEvent, is "+quote(media))
	}
	value, err := jsonvalue.Parse(m.Value)
	if err != nil {
		return nil, undecodable("value", err.Error())
	}
	if structured {
		return structuredData(value)
	}
	return value, nil
}

// mediaType returns the content type of a record, in lower case and without parameters. Of several headers the last one counts,
// as in Kafka's own API.
func mediaType(headers []Header) string {
	for i := len(headers) - 1; i >= 0; i-- {
		if h := headers[i]; strings.EqualFold(h.Key, HeaderContentType) {
			media, _, _ := bytes.Cut(h.Value, []byte(";"))
			return strings.ToLower(string(bytes.TrimSpace(media)))
		}
	}
	return ""
}

// structuredData returns the data of a CloudEvent in the JSON format, https://github.com/cloudevents/spec, section 3.1.
func structuredData(envelope jsonvalue.Value) (jsonvalue.Value, error) {
	if !envelope.IsObject() {
		return nil, undecodable("value", "must be an object for a structured CloudEvent, is "+envelope.Kind())
	}
	attributes := make(map[string]jsonvalue.Value, 3)
	for _, name := range []string{"specversion", "data", "data_base64"} {
		value, err := pointer{name}.in(envelope)
		if err != nil {
			return nil, undecodable(name, err.Error())
		}
		attributes[name] = value
	}
	version, data, encoded := attributes["specversion"], attributes["data"], attributes["data_base64"]
	switch {
	case version == nil:
		return nil, undecodable("specversion", "is missing")
	case !version.IsString() || !version.Is(specVersion):
		return nil, undecodable("specversion", `must be "1.0", is `+quote(version))
	case data != nil && encoded != nil:
		return nil, undecodable("data", "is ambiguous: the CloudEvent has data_base64 too")
	case data != nil:
		return data, nil
	case encoded != nil:
		return encodedData(encoded)
	}
	return nil, undecodable("data", "is missing")
}

func encodedData(encoded jsonvalue.Value) (jsonvalue.Value, error) {
	const name = "data_base64"
	if !encoded.IsString() {
		return nil, undecodable(name, "must be a string, is "+encoded.Kind())
	}
	s, err := encoded.Unquote()
	if err != nil {
		return nil, undecodable(name, err.Error())
	}
	raw, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return nil, undecodable(name, "is not Base64: "+err.Error())
	}
	data, err := jsonvalue.Parse(raw)
	if err != nil {
		return nil, undecodable(name, err.Error())
	}
	return data, nil
}

func undecodable(field, detail string) error {
	return &DecodeError{Reason: ReasonUndecodable, Field: field, Detail: detail}
}
