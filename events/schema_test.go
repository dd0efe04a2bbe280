package events_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/chargeresult/chargeresult/events"
)

// schema compiles one of the published schemas, as a subscriber would: with nothing but that file.
func schema(t testing.TB, name string) *jsonschema.Schema {
	t.Helper()
	document := readSchema(t, name).(map[string]any)
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	id := document["$id"].(string)
	if err := c.AddResource(id, document); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(id)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func readSchema(t testing.TB, name string) any {
	t.Helper()
	content, err := events.Schemas.ReadFile("schema/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return mustJSON(t, content)
}

func mustJSON(t testing.TB, value []byte) any {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(value))
	if err != nil {
		t.Fatalf("%s: %v", value, err)
	}
	return document
}

func TestSchemasAreThese(t *testing.T) {
	names, err := fs.Glob(events.Schemas, "schema/*")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"schema/charge-cancelled.v1.json", "schema/charge-duplicate.v1.json",
		"schema/charge-requested.v1.json", "schema/charge-result.v1.json",
	}
	if !slices.Equal(names, want) {
		t.Errorf("%v", names)
	}
	for _, name := range names {
		schema(t, name[len("schema/"):])
	}
}

func TestSchemaAgreesWithDecoder(t *testing.T) {
	s := schema(t, "charge-requested.v1.json")
	for _, c := range corpus(t) {
		if !c.plain() {
			continue
		}
		document, err := jsonschema.UnmarshalJSON(bytes.NewReader(c.message(t).Value))
		if err == nil {
			err = s.Validate(document)
		}
		if want := c.Error == "" || c.SchemaAccepts != ""; (err == nil) != want {
			t.Errorf("%s: the schema says %v, the decoder %q", c.Name, err, c.Error)
		}
	}
}

func TestInputSchemasAreOne(t *testing.T) {
	requested := readSchema(t, "charge-requested.v1.json").(map[string]any)
	cancelled := readSchema(t, "charge-cancelled.v1.json").(map[string]any)
	for _, own := range []string{"$id", "title", "description"} {
		delete(requested, own)
		delete(cancelled, own)
	}
	if !reflect.DeepEqual(requested, cancelled) {
		t.Error("one decoder reads both topics, but their schemas differ")
	}
}

func TestSchemaAcceptsWhatIsPublished(t *testing.T) {
	s := schema(t, "charge-result.v1.json")
	for name, r := range validResults() {
		value, _, err := r.Encode("g")
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(mustJSON(t, value)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, value, err := goldenDuplicate().Encode()
	if err != nil {
		t.Fatal(err)
	}
	if err := schema(t, "charge-duplicate.v1.json").Validate(mustJSON(t, value)); err != nil {
		t.Error(err)
	}
}

func TestSchemaRefusesInvalidRecords(t *testing.T) {
	results, duplicates := schema(t, "charge-result.v1.json"), schema(t, "charge-duplicate.v1.json")
	for field, invalid := range invalidResults() {
		for _, r := range invalid {
			value, err := json.Marshal(r)
			if err != nil {
				continue // a time that JSON cannot write either
			}
			if results.Validate(mustJSON(t, value)) == nil {
				t.Errorf("%s: accepted %s", field, value)
			}
		}
	}
	for field, d := range invalidDuplicates() {
		value, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		if duplicates.Validate(mustJSON(t, value)) == nil {
			t.Errorf("%s: accepted %s", field, value)
		}
	}
}

// Whatever field is taken away from a record, or gets another type, schema and decoder refuse it together.
func TestSchemaAndDecodersRefuseMutants(t *testing.T) {
	resultValue, _, err := goldenResult().Encode("g")
	if err != nil {
		t.Fatal(err)
	}
	_, duplicateValue, err := goldenDuplicate().Encode()
	if err != nil {
		t.Fatal(err)
	}
	for _, record := range []struct {
		schema string
		value  []byte
		decode func([]byte) error
	}{
		{"charge-result.v1.json", resultValue, func(b []byte) error { _, err := events.DecodeResult(b); return err }},
		{"charge-duplicate.v1.json", duplicateValue, func(b []byte) error { _, err := events.DecodeDuplicate(b); return err }},
	} {
		s := schema(t, record.schema)
		for field := range mustJSON(t, record.value).(map[string]any) {
			mutant := mustJSON(t, record.value).(map[string]any)
			mutant[field] = []any{}
			expectRefused(t, s, record.decode, mutant)
			if delete(mutant, field); field != "code" {
				expectRefused(t, s, record.decode, mutant)
			}
		}
	}
}

func expectRefused(t *testing.T, s *jsonschema.Schema, decode func([]byte) error, mutant map[string]any) {
	t.Helper()
	value, err := json.Marshal(mutant)
	if err != nil {
		t.Fatal(err)
	}
	if s.Validate(mustJSON(t, value)) == nil {
		t.Errorf("the schema accepts %s", value)
	}
	if decode(value) == nil {
		t.Errorf("the decoder accepts %s", value)
	}
}

func TestSchemaNamesEveryField(t *testing.T) {
	for name, value := range map[string]any{"charge-result.v1.json": events.Result{}, "charge-duplicate.v1.json": events.Duplicate{}} {
		properties := readSchema(t, name).(map[string]any)["properties"].(map[string]any)
		var fields []string
		for f := range reflect.TypeOf(value).Fields() {
			tag, _, _ := bytes.Cut([]byte(f.Tag.Get("json")), []byte(","))
			fields = append(fields, string(tag))
		}
		slices.Sort(fields)
		if got := slices.Sorted(maps.Keys(properties)); !slices.Equal(got, fields) {
			t.Errorf("%s has %v, the type %v", name, got, fields)
		}
	}
}
