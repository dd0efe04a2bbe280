package main

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// complete is an environment with all that is required, and then extra.
func complete(extra ...string) []string {
	return append([]string{
		"PATH=/bin",
		"CHARGERESULT_KAFKA_BROKERS=127.0.0.1:9092",
		"CHARGERESULT_REDIS_URL=redis://127.0.0.1:6379",
		"CHARGERESULT_INQUIRY_URL=https://konaplate.test/open-api",
		"CHARGERESULT_INQUIRY_ASP_ID=000000000000001",
		"CHARGERESULT_INQUIRY_ACCESS_KEY=" + strings.Repeat("k", 40),
		"CHARGERESULT_INQUIRY_SECRET_KEY=" + hidden,
	}, extra...)
}

func loadFrom(t *testing.T, environ []string, args ...string) (config, []effective, faults) {
	t.Helper()
	line, wrong := command{name: "test", settings: true}.parse(args)
	c, rows, more := load(line.settings, environ, everything())
	return c, rows, append(wrong, more...)
}

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDefaults(t *testing.T) {
	c, rows, wrong := loadFrom(t, complete())
	if len(wrong) > 0 {
		t.Fatal(wrong)
	}
	if c.KafkaGroup != "charge-result" || c.DedupTTL != 7*24*time.Hour || c.Concurrency != 64 || c.BreakerFailureRatio != 0.5 ||
		!slices.Equal(c.RejectedCodes, []string{"007_*"}) || c.AdminAddr != "127.0.0.1:9464" || c.AllowUnsafeBroker {
		t.Errorf("defaults: %+v", c)
	}
	for _, r := range rows { // what is shown is what was written: 168h, not 168h0m0s
		if r.from == "default" && r.kind.show() != r.def {
			t.Errorf("%s shows %q, its default is %q", r.name, r.kind.show(), r.def)
		}
	}
}

func TestPrecedence(t *testing.T) {
	file := writeFile(t, "c.yaml", "inquiry-timeout: 1s\nconcurrency: 1\ninquiry-tries: 1\ndrain-timeout: # none\n")
	c, rows, wrong := loadFrom(t, complete("CHARGERESULT_CONFIG="+file, "CHARGERESULT_INQUIRY_TIMEOUT=2s", "CHARGERESULT_CONCURRENCY=2", "CHARGERESULT_COMMIT_INTERVAL="),
		"--inquiry-timeout", "3s", "--allow-unsafe-broker")
	if len(wrong) > 0 {
		t.Fatal(wrong)
	}
	from := map[string]string{}
	for _, r := range rows {
		from[r.name] = r.kind.show() + " " + r.from
	}
	for name, want := range map[string]string{
		"inquiry-timeout":     "3s --inquiry-timeout",
		"concurrency":         "2 CHARGERESULT_CONCURRENCY",
		"inquiry-tries":       "1 " + file + ":3: inquiry-tries",
		"drain-timeout":       "25s default",
		"commit-interval":     "20ms default",
		"allow-unsafe-broker": "true --allow-unsafe-broker",
	} {
		if from[name] != want {
			t.Errorf("%s: %s, want %s", name, from[name], want)
		}
	}
	if c.InquiryTimeout != 3*time.Second || c.Concurrency != 2 || c.InquiryTries != 1 {
		t.Errorf("got %v, %d, %d", c.InquiryTimeout, c.Concurrency, c.InquiryTries)
	}
}

func TestFileKeepsValuesAsWritten(t *testing.T) {
	file := writeFile(t, "c.yaml", `
kafka-brokers: [a:1, "b:2"]
inquiry-asp-id: 000000000000017   # not a number
inquiry-access-key: 1e10567890123456789012345678901234567890
kafka-tls: true
rejected-codes:
  - 007_004
  - '000_*'
breaker-failure-ratio: 0.25
`)
	environ := []string{"CHARGERESULT_REDIS_URL=redis://x", "CHARGERESULT_INQUIRY_URL=https://x", "CHARGERESULT_INQUIRY_TRAN_TOKEN=t"}
	c, _, wrong := loadFrom(t, environ, "--config="+file)
	if len(wrong) > 0 {
		t.Fatal(wrong)
	}
	if !slices.Equal(c.KafkaBrokers, []string{"a:1", "b:2"}) || c.InquiryASPID != "000000000000017" || !c.KafkaTLS || c.BreakerFailureRatio != 0.25 ||
		!slices.Equal(c.RejectedCodes, []string{"007_004", "000_*"}) || c.InquiryAccessKey.Reveal() != "1e10567890123456789012345678901234567890" {
		t.Errorf("got %+v", c)
	}
}

func TestSecretFiles(t *testing.T) {
	file := writeFile(t, "key", hidden+"\r\n")
	token := writeFile(t, "token", "tok\n")
	c, _, wrong := loadFrom(t, slices.DeleteFunc(complete(
		"CHARGERESULT_INQUIRY_SECRET_KEY_FILE="+file, "CHARGERESULT_KAFKA_SASL_MECHANISM=OAUTHBEARER",
	), func(s string) bool { return strings.HasPrefix(s, "CHARGERESULT_INQUIRY_SECRET_KEY=") }), "--kafka-sasl-token-file", token)
	if len(wrong) > 0 || c.InquirySecretKey.Reveal() != hidden || c.KafkaSASLToken.Reveal() != "tok" || c.KafkaSASLTokenFile != token {
		t.Errorf("got %q, %q, %q: %v", c.InquirySecretKey.Reveal(), c.KafkaSASLToken.Reveal(), c.KafkaSASLTokenFile, wrong)
	}
	// A file on the command line wins over a secret in the environment: another source, not a conflict.
	c, _, wrong = loadFrom(t, complete("CHARGERESULT_INQUIRY_SECRET_KEY=other"), "--inquiry-secret-key-file", file)
	if len(wrong) > 0 || c.InquirySecretKey.Reveal() != hidden {
		t.Errorf("got %q: %v", c.InquirySecretKey.Reveal(), wrong)
	}
}

// TestFaults gives one wrong thing each. Every want must be in the one fault that is reported.
func TestFaults(t *testing.T) {
	for name, test := range map[string]struct {
		environ []string
		args    []string
		want    []string
	}{
		"malformed":          {environ: []string{"CHARGERESULT_DRAIN_TIMEOUT=soon"}, want: []string{"CHARGERESULT_DRAIN_TIMEOUT", `"soon"`, "a duration from 1s to 10m"}},
		"out of range":       {args: []string{"--concurrency", "0"}, want: []string{"--concurrency", `"0"`, "from 1 to 4096"}},
		"not a choice":       {environ: []string{"CHARGERESULT_ORDERING=Key"}, want: []string{"key or none"}},
		"unknown variable":   {environ: []string{"CHARGERESULT_KAFKA_BROKER=x:1"}, want: []string{"CHARGERESULT_KAFKA_BROKER:", "did you mean CHARGERESULT_KAFKA_BROKERS?"}},
		"unknown far away":   {environ: []string{"CHARGERESULT_XYZZY=x"}, want: []string{"CHARGERESULT_XYZZY: unknown variable"}},
		"unknown flag":       {args: []string{"--inquiry-timout", "9s"}, want: []string{"--inquiry-timout: unknown flag; did you mean --inquiry-timeout?"}},
		"unknown flag =":     {args: []string{"-inquiry-acess-key-file=" + hidden}, want: []string{"did you mean --inquiry-access-key-file?"}},
		"flag has no value":  {args: []string{"--concurrency"}, want: []string{"needs an argument", "concurrency"}},
		"argument":           {args: []string{"surplus"}, want: []string{`"surplus": takes no arguments`}},
		"secret in a flag":   {args: []string{"--inquiry-access-key", hidden}, want: []string{"--inquiry-access-key:", "CHARGERESULT_INQUIRY_ACCESS_KEY", "-file"}},
		"secret in a flag =": {args: []string{"--inquiry-access-key=" + hidden}, want: []string{"--inquiry-access-key:", "every process can see"}},
		"secret malformed":   {environ: []string{"CHARGERESULT_INQUIRY_ACCESS_KEY=" + hidden}, want: []string{"CHARGERESULT_INQUIRY_ACCESS_KEY", mask, "40 visible ASCII"}},
		"password in a flag": {args: []string{"--redis-url", "redis://:" + hidden + "@h"}, want: []string{"--redis-url", "redis://:******@h", "CHARGERESULT_REDIS_URL"}},
		"password malformed": {environ: []string{"CHARGERESULT_REDIS_URL=redis://:" + hidden + "%@h"}, want: []string{"CHARGERESULT_REDIS_URL", "redis://:******@h"}},
		"password in a URL":  {environ: []string{"CHARGERESULT_INQUIRY_URL=https://me:" + hidden + "@h"}, want: []string{"CHARGERESULT_INQUIRY_URL", "me:******@h"}},
		"secret beside file": {environ: []string{"CHARGERESULT_INQUIRY_SECRET_KEY_FILE=/x"}, want: []string{"CHARGERESULT_INQUIRY_SECRET_KEY_FILE", "expected one of them"}},
		"two ways to sign":   {environ: []string{"CHARGERESULT_INQUIRY_TRAN_TOKEN=t"}, want: []string{"CHARGERESULT_INQUIRY_SECRET_KEY and CHARGERESULT_INQUIRY_TRAN_TOKEN", "one of them"}},
		"encryption":         {environ: []string{"CHARGERESULT_INQUIRY_CRYPTO_KEY_ID=" + strings.Repeat("c", 32)}, want: []string{"CRYPTO_KEY_ID", "not supported"}},
		"no such file":       {environ: []string{"CHARGERESULT_CONFIG=/does/not/exist"}, want: []string{"--config or CHARGERESULT_CONFIG", "/does/not/exist", "no such file"}},
		"no such CA":         {environ: []string{"CHARGERESULT_INQUIRY_CA_FILE=/does/not/exist"}, want: []string{"CHARGERESULT_INQUIRY_CA_FILE", "no such file"}},
		"no key beside cert": {environ: []string{"CHARGERESULT_INQUIRY_CERT_FILE=/does/not/exist"}, want: []string{"CHARGERESULT_INQUIRY_CERT_FILE", "no such file"}},
		"TLS files, no TLS":  {environ: []string{"CHARGERESULT_KAFKA_TLS_CA_FILE=/x"}, want: []string{"CHARGERESULT_KAFKA_TLS", "expected true"}},
		"TLS files, redis":   {environ: []string{"CHARGERESULT_REDIS_TLS_CA_FILE=/x"}, want: []string{"CHARGERESULT_REDIS_URL", "rediss://"}},
		"SASL, no password":  {environ: []string{"CHARGERESULT_KAFKA_SASL_MECHANISM=PLAIN", "CHARGERESULT_KAFKA_SASL_USERNAME=u"}, want: []string{"needs CHARGERESULT_KAFKA_SASL_USERNAME and CHARGERESULT_KAFKA_SASL_PASSWORD"}},
		"SASL, no token":     {environ: []string{"CHARGERESULT_KAFKA_SASL_MECHANISM=OAUTHBEARER"}, want: []string{"needs CHARGERESULT_KAFKA_SASL_TOKEN"}},
		"SASL, no mechanism": {environ: []string{"CHARGERESULT_KAFKA_SASL_USERNAME=u"}, want: []string{"CHARGERESULT_KAFKA_SASL_MECHANISM: missing"}},
		"topic twice":        {environ: []string{"CHARGERESULT_TOPIC_RESULT=charge-requested"}, want: []string{"CHARGERESULT_TOPIC_RESULT", `"charge-requested"`, "another topic"}},
		"claims die first":   {environ: []string{"CHARGERESULT_DEDUP_TTL=24h"}, want: []string{"CHARGERESULT_DEDUP_TTL", "more than CHARGERESULT_RETRY_DEADLINE (24h)"}},
		"waits too long":     {environ: []string{"CHARGERESULT_RETRY_DEADLINE=5m"}, want: []string{"CHARGERESULT_RETRY_SCHEDULE", "less than CHARGERESULT_RETRY_DEADLINE (5m)"}},
		"asked too late":     {environ: []string{"CHARGERESULT_FIRST_ASK_DELAY=24h"}, want: []string{"CHARGERESULT_FIRST_ASK_DELAY", "less than CHARGERESULT_RETRY_DEADLINE"}},
		"never given up":     {environ: []string{"CHARGERESULT_NOT_FOUND_GRACE=24h"}, want: []string{"CHARGERESULT_NOT_FOUND_GRACE", "less than CHARGERESULT_RETRY_DEADLINE"}},
		"no schedule":        {environ: []string{"CHARGERESULT_RETRY_SCHEDULE=10s,,soon"}, want: []string{"CHARGERESULT_RETRY_SCHEDULE", "durations from 1s to 24h, one or more"}},
		"not a rate":         {environ: []string{"CHARGERESULT_INQUIRY_RATE=-1"}, want: []string{"CHARGERESULT_INQUIRY_RATE", "a number from 0 to 1000000"}},
		"results wait":       {environ: []string{"CHARGERESULT_TOPIC_RESULT=charge-result.retry.1m"}, want: []string{"CHARGERESULT_TOPIC_RESULT", "no retry topic by CHARGERESULT_TOPIC_RETRY_PREFIX"}},
		"hung probe":         {environ: []string{"CHARGERESULT_INQUIRY_TIMEOUT=15s"}, want: []string{"CHARGERESULT_INQUIRY_TIMEOUT", "less than CHARGERESULT_BREAKER_OPEN (15s)"}},
		"in the clear":       {environ: []string{"CHARGERESULT_INQUIRY_URL=http://konaplate.test"}, want: []string{"CHARGERESULT_INQUIRY_URL", "expected https"}},
		"no place for it":    {environ: []string{"CHARGERESULT_TRACE_URL=https://jaeger/trace"}, want: []string{"CHARGERESULT_TRACE_URL", "that holds {trace_id}"}},
		"no address":         {environ: []string{"CHARGERESULT_TRACE_URL=javascript:alert({trace_id})"}, want: []string{"CHARGERESULT_TRACE_URL", "http or https"}},
		"everybody's":        {environ: []string{"CHARGERESULT_TRACE_URL=https://me:" + hidden + "@jaeger/{trace_id}"}, want: []string{"CHARGERESULT_TRACE_URL", "me:******@jaeger"}},
		"drain too short":    {environ: []string{"CHARGERESULT_DRAIN_TIMEOUT=5s"}, want: []string{"CHARGERESULT_DRAIN_TIMEOUT", "more than CHARGERESULT_INQUIRY_TIMEOUT (5s)"}},
		"transaction":        {environ: []string{"CHARGERESULT_TRANSACTION_TIMEOUT=11s"}, want: []string{"CHARGERESULT_TRANSACTION_TIMEOUT", "at most CHARGERESULT_SESSION_TIMEOUT (10s)"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, wrong := loadFrom(t, complete(test.environ...), test.args...)
			if len(wrong) != 1 {
				t.Fatalf("%d faults, want 1: %v", len(wrong), wrong)
			}
			for _, want := range test.want {
				if !strings.Contains(wrong.Error(), want) {
					t.Errorf("%s\n  lacks %s", wrong.Error(), want)
				}
			}
			if shows(wrong.Error()) {
				t.Errorf("shows a secret: %v", wrong)
			}
		})
	}
}

func TestFileFaults(t *testing.T) {
	for text, want := range map[string]string{
		"kafka-broker: x":                             ":1: kafka-broker: unknown key; did you mean kafka-brokers?",
		"config: other.yaml":                          ":1: config: unknown key",
		"\nconcurrency: {a: 1}":                       ":2: concurrency: expected a value or a list",
		"concurrency: 1\nconcurrency: 2":              `:2: mapping key "concurrency" already defined`,
		"- concurrency":                               "expected one document",
		"concurrency: 1\n---\nconcurrency: 2":         "expected one document",
		"inquiry-secret-key: " + hidden + "\n\t- [":   "",
		"inquiry-access-key: '" + hidden + "'\n a: [": "",
	} {
		_, wrong := parseFile("c.yaml", []byte(text), []string{"concurrency", "kafka-brokers", "inquiry-secret-key"})
		if len(wrong) == 0 || !strings.HasPrefix(wrong[0].Name, "c.yaml") || !strings.Contains(wrong.Error(), want) || shows(wrong.Error()) {
			t.Errorf("%q: %v, want %s", text, wrong, want)
		}
	}
	if got, wrong := parseFile("c.yaml", []byte("# nothing\n"), nil); len(got) > 0 || len(wrong) > 0 {
		t.Errorf("an empty file: %v, %v", got, wrong)
	}
}

func FuzzParseFile(f *testing.F) {
	f.Add("concurrency: 1\n")
	f.Add("kafka-brokers: [a, *b]\n")
	f.Add("<<: {concurrency: 1}\n")
	f.Fuzz(func(t *testing.T, text string) {
		found, _ := parseFile("c.yaml", []byte(text), []string{"concurrency", "kafka-brokers"})
		for name, value := range found {
			if name != "concurrency" && name != "kafka-brokers" || value.text == "" {
				t.Errorf("found %q: %+v", name, value)
			}
		}
	})
}

func TestAllFaultsAtOnce(t *testing.T) {
	file := writeFile(t, "c.yaml", "orderin: key\nstart: middle\n")
	_, _, wrong := loadFrom(t, []string{"CHARGERESULT_CONCURENCY=1", "CHARGERESULT_REDIS_URL=http://x"}, "--nonsense", "--config", file, "--commit-interval=2m", "--inquiry-timeout", "20s")
	var names []string
	for _, f := range wrong {
		names = append(names, f.Name)
	}
	want := []string{
		"--nonsense",
		"CHARGERESULT_CONCURENCY",
		file + ":1: orderin",
		"CHARGERESULT_KAFKA_BROKERS",
		"CHARGERESULT_REDIS_URL",
		"CHARGERESULT_INQUIRY_URL",
		"CHARGERESULT_INQUIRY_ASP_ID",
		"CHARGERESULT_INQUIRY_ACCESS_KEY",
		file + ":2: start",
		"--commit-interval",
		"CHARGERESULT_INQUIRY_TIMEOUT",
		"CHARGERESULT_INQUIRY_SECRET_KEY and CHARGERESULT_INQUIRY_TRAN_TOKEN",
	}
	if !reflect.DeepEqual(names, want) {
		t.Errorf("got\n  %s\nwant\n  %s", strings.Join(names, "\n  "), strings.Join(want, "\n  "))
	}
}

// A Service named chargeresult must not keep the pods in its namespace from starting.
func TestKubernetesServiceLinks(t *testing.T) {
	_, _, wrong := loadFrom(t, complete(
		"CHARGERESULT_SERVICE_HOST=10.0.0.1", "CHARGERESULT_SERVICE_PORT=9464", "CHARGERESULT_SERVICE_PORT_ADMIN=9464", "CHARGERESULT_PORT=tcp://10.0.0.1:9464",
		"CHARGERESULT_PORT_9464_TCP=tcp://10.0.0.1:9464", "CHARGERESULT_PORT_9464_TCP_PROTO=tcp", "CHARGERESULT_PORT_9464_TCP_PORT=9464", "CHARGERESULT_PORT_9464_TCP_ADDR=10.0.0.1",
		"CHARGERESULT_ADMIN_SERVICE_HOST=10.0.0.1", "CHARGERESULT_ADMIN_PORT_9464_TCP=x",
	))
	if len(wrong) > 0 {
		t.Error(wrong)
	}
	for _, name := range knownNames() {
		if serviceLink.MatchString(envName(name)) {
			t.Errorf("%s would be taken for a service link", envName(name))
		}
	}
}

// Names must be unique, and none may be another's file.
func TestNamesAreDistinct(t *testing.T) {
	known := knownNames()
	slices.Sort(known)
	if n := len(slices.Compact(slices.Clone(known))); n != len(known) {
		t.Errorf("%d names, %d of them different: %v", len(known), n, known)
	}
}

func TestSettingsOfGroupsNotNeeded(t *testing.T) {
	_, _, wrong := load(layer{}, []string{"CHARGERESULT_KAFKA_BROKERS=x:1"}, []string{groupKafka})
	if len(wrong) > 0 {
		t.Errorf("the Kafka commands want more than brokers: %v", wrong)
	}
}

func TestDistance(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"kitten", "sitting", 3}, {"flaw", "lawn", 2}, {"same", "same", 0}} {
		if got := distance(test.a, test.b); got != test.want {
			t.Errorf("distance(%q, %q) = %d, want %d", test.a, test.b, got, test.want)
		}
	}
}
