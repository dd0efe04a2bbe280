package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"os/exec"
	"runtime/debug"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the generated files that tests compare with")

// result is what a run of the program left behind.
type result struct {
	code           int
	stdout, stderr string
}

func runProgram(t *testing.T, environ []string, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), args, environ, &stdout, &stderr)
	return result{code, stdout.String(), stderr.String()}
}

func TestUsage(t *testing.T) {
	for name, test := range map[string]struct {
		args           []string
		code           int
		stdout, stderr string // what these must hold
	}{
		"nothing":           {nil, exitUsage, "", "command: expected run, inspect, reconcile, topics"},
		"help":              {[]string{"--help"}, exitDone, "Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 refused for safety.", ""},
		"unknown command":   {[]string{"topic"}, exitUsage, "", `command: "topic": expected run, inspect, reconcile, topics, preflight, config, health, version, completion; did you mean topics?`},
		"help of a command": {[]string{"topics", "--bogus", "-h"}, exitDone, "chargeresult topics --partitions 12 --replication 3 --execute", ""},
		"flags of settings": {[]string{"run", "--help"}, exitDone, "--inquiry-access-key-file", ""},
		"unknown flag":      {[]string{"version", "--jsom"}, exitUsage, "", "did you mean --json?"},
		"no settings":       {[]string{"version", "--concurrency=1"}, exitUsage, "", "--concurrency: unknown flag"},
		"bad flag":          {[]string{"topics", "--partitions", "many"}, exitUsage, "", `invalid value "many" for flag -partitions`},
		"out of range":      {[]string{"topics", "--kafka-brokers=x:1", "--partitions=-1", "--replication=101"}, exitUsage, "", "2 faults of usage or configuration:"},
		"no settings given": {[]string{"run"}, exitUsage, "", "CHARGERESULT_KAFKA_BROKERS: missing: expected host:port"},
		"no shell":          {[]string{"completion"}, exitUsage, "", "expected bash, zsh or fish"},
		"another shell":     {[]string{"completion", "--", "csh"}, exitUsage, "", `"csh": expected bash, zsh or fish`},
	} {
		t.Run(name, func(t *testing.T) {
			got := runProgram(t, nil, test.args...)
			if got.code != test.code || !strings.Contains(got.stdout, test.stdout) || !strings.Contains(got.stderr, test.stderr) {
				t.Errorf("%+v", got)
			}
			if test.stdout == "" && got.stdout != "" {
				t.Errorf("a fault on stdout: %s", got.stdout)
			}
		})
	}
}

// Every command explains itself, with an example at least.
func TestHelp(t *testing.T) {
	for _, c := range commands() {
		got := runProgram(t, nil, c.name, "--help")
		if got.code != exitDone || len(c.examples) == 0 || !strings.HasPrefix(got.stdout, "chargeresult "+c.name+": "+c.summary) {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}

func TestConfigMasksSecrets(t *testing.T) {
	environ := complete("CHARGERESULT_REDIS_URL=redis://:"+hidden+"@h", "CHARGERESULT_KAFKA_SASL_MECHANISM=PLAIN",
		"CHARGERESULT_KAFKA_SASL_USERNAME=u", "CHARGERESULT_KAFKA_SASL_PASSWORD="+hidden)
	for _, args := range [][]string{{"config"}, {"config", "--json"}} {
		got := runProgram(t, environ, args...)
		if got.code != exitDone || shows(got.stdout+got.stderr) || !strings.Contains(got.stdout, "redis://:******@h") {
			t.Errorf("%v: %+v", args, got)
		}
	}
	var rows []map[string]string
	if err := json.Unmarshal([]byte(runProgram(t, environ, "config", "--json").stdout), &rows); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"name": "kafka-brokers", "environment": "CHARGERESULT_KAFKA_BROKERS", "value": "127.0.0.1:9092", "from": "CHARGERESULT_KAFKA_BROKERS", "default": ""}
	for k, v := range want {
		if rows[0][k] != v {
			t.Errorf("%s is %q, want %q", k, rows[0][k], v)
		}
	}
}

// With faults, config still shows what is in effect, and then the faults.
func TestConfigWithFaults(t *testing.T) {
	got := runProgram(t, complete("CHARGERESULT_DRAIN_TIMEOUT=soon"), "config")
	if got.code != exitUsage || !strings.Contains(got.stdout, "kafka-group") || !strings.Contains(got.stderr, "CHARGERESULT_DRAIN_TIMEOUT") {
		t.Errorf("%+v", got)
	}
	if got := runProgram(t, nil, "config", "--nonsense"); got.code != exitUsage || got.stdout != "" {
		t.Errorf("an unknown flag: %+v", got)
	}
}

func TestReferencePage(t *testing.T) {
	got := runProgram(t, nil, "config", "--reference")
	if got.code != exitDone {
		t.Fatalf("%+v", got)
	}
	const page = "CONFIGURATION.md"
	if *update {
		if err := os.WriteFile(page, []byte(got.stdout), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(page)
	if err != nil || string(want) != got.stdout {
		t.Errorf("%s is not what `config --reference` prints: go test ./cmd/chargeresult -run ReferencePage -update (%v)", page, err)
	}
	for s := range new(config).each() {
		if !strings.Contains(got.stdout, "`"+envName(s.name)+"`") || s.doc == "" || s.kind.form == "" {
			t.Errorf("%s is not documented", s.name)
		}
	}
}

func TestVersion(t *testing.T) {
	got := runProgram(t, nil, "version", "--json")
	var v buildVersion
	if err := json.Unmarshal([]byte(got.stdout), &v); err != nil || v.Go == "" || v.Platform == "" {
		t.Errorf("%+v: %v", got, err)
	}
	v = versionOf(&debug.BuildInfo{GoVersion: "go1.26.0", Main: debug.Module{Version: "v1.2.3"}, Settings: []debug.BuildSetting{
		{Key: "vcs.revision", Value: "abc"}, {Key: "vcs.time", Value: "2026-11-22T00:00:00Z"}, {Key: "vcs.modified", Value: "true"},
	}})
	if want := "chargeresult v1.2.3 (abc, 2026-11-22T00:00:00Z) with local changes, go1.26.0 "; !strings.HasPrefix(v.String(), want) {
		t.Errorf("%s, want %s", v, want)
	}
}

func TestCompletion(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		got := runProgram(t, nil, "completion", shell)
		if got.code != exitDone || !strings.Contains(got.stdout, "preflight") || !strings.Contains(got.stdout, "drain-timeout") {
			t.Errorf("%s: %+v", shell, got)
		}
		for s := range new(config).each() {
			if s.kind.secret && (strings.Contains(got.stdout, "--"+s.name+" ") || strings.Contains(got.stdout, "-l "+s.name+"\n")) {
				t.Errorf("%s offers the secret --%s", shell, s.name)
			}
		}
	}
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Log("no bash here to try the script with")
		return
	}
	script := runProgram(t, nil, "completion", "bash").stdout + `
COMP_WORDS=(chargeresult topics --ex); COMP_CWORD=2; _chargeresult; echo "${COMPREPLY[*]}"
COMP_WORDS=(chargeresult pre); COMP_CWORD=1; _chargeresult; echo "${COMPREPLY[*]}"`
	out, err := exec.Command(bash, "-c", script).CombinedOutput()
	if err != nil || string(out) != "--execute\npreflight\n" {
		t.Errorf("bash: %s, %v", out, err)
	}
}

func TestExitCodes(t *testing.T) {
	for want, err := range map[int]error{
		exitDone:    nil,
		exitFailed:  errors.New("x"),
		exitUsage:   faults{{Name: "x"}},
		exitRefused: report{{Status: refused}}.Err(),
	} {
		if got := exitCode(err); got != want {
			t.Errorf("exitCode(%v) = %d, want %d", err, got, want)
		}
	}
	if got := exitCode(errors.Join(context.Canceled, errDiffers)); got != exitFailed {
		t.Errorf("differs: %d", got)
	}
}
