package events_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/chargeresult/chargeresult/events"
)

// asyncAPI reads asyncapi.yaml as what it is in JSON.
func asyncAPI(t testing.TB) (document map[string]any, source string) {
	t.Helper()
	content, err := os.ReadFile("asyncapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	converted, err := yaml.YAMLToJSON(content)
	if err != nil {
		t.Fatal(err)
	}
	return mustJSON(t, converted).(map[string]any), string(content)
}

// at follows a path of keys.
func at(t testing.TB, value any, path ...string) any {
	t.Helper()
	for i, key := range path {
		object, _ := value.(map[string]any)
		member, ok := object[key]
		if !ok {
			t.Fatalf("asyncapi.yaml has no %s", strings.Join(path[:i+1], "/"))
		}
		value = member
	}
	return value
}

func TestAsyncAPIReferencesResolve(t *testing.T) {
	document, _ := asyncAPI(t)
	seen := map[string]bool{}
	var walk func(value any)
	walk = func(value any) {
		switch value := value.(type) {
		case []any:
			for _, v := range value {
				walk(v)
			}
		case map[string]any:
			if ref, ok := value["$ref"].(string); ok {
				seen[ref] = true
				if path, ok := strings.CutPrefix(ref, "#/"); ok {
					at(t, document, strings.Split(path, "/")...)
				} else {
					readSchema(t, strings.TrimPrefix(ref, "./schema/"))
				}
			}
			for _, v := range value {
				walk(v)
			}
		}
	}
	walk(document)
	for _, name := range []string{"charge-requested", "charge-cancelled", "charge-result", "charge-duplicate"} {
		if !seen["./schema/"+name+".v1.json"] {
			t.Errorf("no message has the schema of %s", name)
		}
	}
}

func TestAsyncAPITopics(t *testing.T) {
	document, source := asyncAPI(t)
	var topics []string
	for name, channel := range at(t, document, "channels").(map[string]any) {
		topic := at(t, channel, "address").(string)
		if prefix, ok := strings.CutSuffix(topic, ".{delay}"); ok { // a topic for each delay: no binding can name them
			checkRetryTopics(t, prefix, channel)
		} else if binding := at(t, channel, "bindings", "kafka", "topic"); binding != topic {
			t.Errorf("%s: address %s, but Kafka topic %s", name, topic, binding)
		}
		topics = append(topics, topic)
	}
	slices.Sort(topics)
	want := []string{
		events.TopicCancelled, events.TopicRequested, events.TopicResult, events.TopicDeadLetter, events.TopicDuplicates,
		events.TopicRetryPrefix + ".{delay}",
	}
	if !slices.Equal(topics, want) {
		t.Errorf("%v, want %v", topics, want)
	}
	settings := at(t, document, "channels", "chargeResult", "bindings", "kafka", "topicConfiguration")
	if policy := at(t, settings, "cleanup.policy"); !reflect.DeepEqual(policy, []any{"delete"}) {
		t.Errorf("charge-result must not be compacted, is %v", policy)
	}
	for _, say := range []string{
		events.TopicRetryPrefix, "read_committed", "highest revision", "one final result per revision", "correlation ID and operation",
		"deterministic", "must not be compacted", "PENDING, final: false", "ends as UNKNOWN",
	} {
		if !strings.Contains(source, say) {
			t.Errorf("asyncapi.yaml does not say %q", say)
		}
	}
}

// checkRetryTopics holds the examples of a delay to be spelled as RetryTopic spells them.
func checkRetryTopics(t *testing.T, prefix string, channel any) {
	t.Helper()
	for _, delay := range at(t, channel, "parameters", "delay", "examples").([]any) {
		if _, ok := events.RetryDelay(prefix, prefix+"."+delay.(string)); !ok {
			t.Errorf("%s.%s is no retry topic", prefix, delay)
		}
	}
}

func TestAsyncAPIHeaders(t *testing.T) {
	document, _ := asyncAPI(t)
	_, ofResult, err := goldenResult().Encode("g")
	if err != nil {
		t.Fatal(err)
	}
	plain, untraced := goldenRetry(), goldenDeadLetter()
	plain.FirstAsked, plain.Trace, plain.FirstTrace, untraced.Trace = time.Time{}, "", "", ""
	_, ofCut := events.Truncate([]byte("x"), 0)
	_, ofKey := events.TruncateKey([]byte("x"), 0)
	described := map[string]bool{}
	for name, always := range map[string][]events.Header{
		"resultHeaders":     ofResult,
		"deadLetterHeaders": untraced.Headers(nil),
		"retryHeaders":      plain.Headers(nil),
	} {
		headers := at(t, document, "components", "schemas", name)
		var required []string
		for _, r := range at(t, headers, "required").([]any) {
			required = append(required, r.(string))
		}
		if got := keys(always); !slices.Equal(required, got) {
			t.Errorf("%s requires\n%v, but records have\n%v", name, required, got)
		}
		for key := range at(t, headers, "properties").(map[string]any) {
			described[key] = true
		}
	}
	for _, key := range slices.Concat(headerConstants(t), keys(ofCut), keys(ofKey)) {
		if !described[key] {
			t.Errorf("asyncapi.yaml does not describe the header %s", key)
		}
	}
}

func keys(headers []events.Header) []string {
	var keys []string
	for _, h := range headers {
		keys = append(keys, h.Key)
	}
	return keys
}

// headerConstants returns the value of every constant in headers.go.
func headerConstants(t testing.TB) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "headers.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	for node := range ast.Preorder(file) {
		if spec, ok := node.(*ast.ValueSpec); ok {
			value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			values = append(values, value)
		}
	}
	if len(values) < 19 {
		t.Fatalf("headers.go has %d constants only", len(values))
	}
	return values
}

func TestAsyncAPIExamples(t *testing.T) {
	document, _ := asyncAPI(t)
	for name, message := range at(t, document, "components", "messages").(map[string]any) {
		ref, ok := at(t, message, "payload").(map[string]any)["$ref"].(string)
		if !ok {
			continue // dead letters and retry records hold any bytes
		}
		s := schema(t, strings.TrimPrefix(ref, "./schema/"))
		for _, example := range at(t, message, "examples").([]any) {
			payload := at(t, example, "payload")
			if err := s.Validate(payload); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			value, err := json.Marshal(payload)
			if err != nil {
				t.Fatal(err)
			}
			switch name {
			case "chargeResult":
				checkResultExample(t, document, example, value)
			case "chargeDuplicate":
				_, err = events.DecodeDuplicate(value)
			default:
				_, err = newDecoder(t, events.Fields{}).Decode(events.Charge, events.Message{Value: value})
			}
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// checkResultExample holds an example to be exactly what Encode makes of it.
func checkResultExample(t *testing.T, document map[string]any, example any, value []byte) {
	t.Helper()
	r, err := events.DecodeResult(value)
	if err != nil {
		t.Fatal(err)
	}
	encoded, headers, err := r.Encode("charge-result")
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(mustJSON(t, encoded), mustJSON(t, value)) {
		t.Errorf("the example\n%s is encoded as\n%s", value, encoded)
	}
	got := headerMap(headers)
	if want := at(t, example, "headers").(map[string]any); !maps.Equal(got, want) {
		t.Errorf("headers %v, want %v", want, got)
	}
	if err := headerSchema(t, document, "resultHeaders").Validate(got); err != nil {
		t.Error(err)
	}
}

func headerMap(headers []events.Header) map[string]any {
	m := map[string]any{}
	for _, h := range headers {
		m[h.Key] = string(h.Value)
	}
	return m
}

// headerSchema compiles a schema of asyncapi.yaml, with its formats.
func headerSchema(t testing.TB, document map[string]any, name string) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(name+".json", at(t, document, "components", "schemas", name)); err != nil {
		t.Fatal(err)
	}
	return c.MustCompile(name + ".json")
}

func TestAsyncAPIRetryExample(t *testing.T) {
	document, _ := asyncAPI(t)
	s := headerSchema(t, document, "retryHeaders")
	for _, example := range at(t, document, "components", "messages", "retry", "examples").([]any) {
		described := at(t, example, "headers").(map[string]any)
		if err := s.Validate(described); err != nil {
			t.Error(err)
		}
		headers := []events.Header{{Key: events.HeaderRetryOrigin, Value: []byte(described[events.HeaderRetryOrigin].(string))}}
		for key, value := range described {
			if key != events.HeaderRetryOrigin { // which stands before the others
				headers = append(headers, events.Header{Key: key, Value: []byte(value.(string))})
			}
		}
		r, _, err := events.DecodeRetry(headers)
		if got := headerMap(r.Headers(nil)); err != nil || !maps.Equal(got, described) {
			t.Errorf("%v is read as %v, %v", described, got, err)
		}
	}
}
