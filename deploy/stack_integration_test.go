//go:build integration

package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chargeresult/chargeresult/deploy/collector"
	"github.com/chargeresult/chargeresult/processor/telemetry"
)

// stack is docker-compose.yml, run as processes: each service with the file's own command, environment, mounted files and health check, in
// the order of depends_on. The broker and the feeder run from the broker's jars, by the image's own way to read its environment; the test's collector
// stands in for the image's; Jaeger and Grafana, which are nowhere but in images, are left out.
type stack struct {
	t         *testing.T
	project   *types.Project
	places    map[string]*place
	programs  map[string][]string // what an image runs if nothing is said, or before what is said
	collector *collector.Collector
}

const (
	startLimit = time.Minute            // for one service: a broker's machine may be busy
	poll       = 200 * time.Millisecond // between two looks at what should come to be
)

// away are the services that can't be run here.
var away = []string{"jaeger", "grafana", "otel-collector"}

func TestStack(t *testing.T) {
	s := newStack(t, "FEED_RATE=50")
	must(t, s.project.ForEachService(s.project.ServiceNames(), func(_ string, service *types.ServiceConfig) error {
		s.up(*service) // after those that it depends on
		return nil
	}))
	s.eventsBecomeResults()
	s.spansArrive()
	s.metricsAreScraped()
}

func newStack(t *testing.T, environ ...string) *stack {
	p := project(t, environ...)
	s := &stack{t: t, project: p, places: places(t, p), programs: map[string][]string{
		"chargeresult": {program(t, "chargeresult")}, "topics": {program(t, "chargeresult")}, "konasim": {program(t, "konasim")}, "prometheus": {"prometheus"},
	}}
	libs := jars(t)
	s.kafkaHome("kafka", libs)
	s.kafkaHome("feeder", libs)
	s.collector = collector.New(collector.Config{})
	listener, err := net.Listen("tcp", s.places["otel-collector"].addr("otel-collector", "4318"))
	must(t, err)
	server := httptest.NewUnstartedServer(s.collector)
	must(t, server.Listener.Close())
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
	return s
}

// jars is the folder of the broker's jars.
func jars(t *testing.T) string {
	t.Helper()
	must(t, exec.CommandContext(t.Context(), "bash", "kafka/kafka.sh", "fetch").Run())
	help, err := exec.CommandContext(t.Context(), "bash", "kafka/kafka.sh", "help").Output()
	must(t, err)
	found := regexp.MustCompile(`the jars \(default (.*)\)`).FindSubmatch(help)
	if found == nil {
		t.Fatalf("kafka.sh does not say where the jars are:\n%s", help)
	}
	return string(found[1])
}

// kafkaHome makes /opt/kafka of the image, as far as it is used.
func (s *stack) kafkaHome(service, libs string) {
	s.t.Helper()
	w := s.places[service]
	w.add(s.t, "/opt/kafka")
	bin := filepath.Join(w.paths["/opt/kafka"], "bin")
	must(s.t, os.MkdirAll(bin, 0o755))
	for name, class := range map[string]string{
		"kafka-console-producer.sh":    "org.apache.kafka.tools.ConsoleProducer",
		"kafka-broker-api-versions.sh": "org.apache.kafka.tools.BrokerApiVersionsCommand",
	} {
		script := fmt.Sprintf("#!/bin/sh\nexec java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Dorg.slf4j.simpleLogger.defaultLogLevel=error $KAFKA_HEAP_OPTS -cp '%s/*' %s \"$@\"\n", libs, class)
		must(s.t, os.WriteFile(filepath.Join(bin, name), []byte(script), 0o755))
	}
	if service != "kafka" {
		return
	}
	// The image's own order: its wrapper reads the environment, writes the configuration and formats the folder; then the broker starts.
	for _, dir := range []string{"defaults", "mounted", "final"} {
		must(s.t, os.MkdirAll(filepath.Join(w.dir, dir), 0o755))
	}
	for _, file := range []string{"server.properties", "log4j2.yaml", "tools-log4j2.yaml"} {
		must(s.t, os.WriteFile(filepath.Join(w.dir, "defaults", file), nil, 0o644))
	}
	s.programs["kafka"] = []string{"bash", "-c", fmt.Sprintf(`set -e
		CLUSTER_ID=5L6g3nShT-eMCtK--X86sw java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -cp '%[1]s/*' kafka.docker.KafkaDockerWrapper setup -D defaults -M mounted -F final
		exec java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Dorg.slf4j.simpleLogger.defaultLogLevel=warn $KAFKA_HEAP_OPTS -cp '%[1]s/*' kafka.Kafka final/server.properties`, libs)}
}

// up starts a service and waits until it is healthy, or has ended if it is a one-shot.
func (s *stack) up(service types.ServiceConfig) {
	s.t.Helper()
	if slices.Contains(away, service.Name) {
		return
	}
	w := s.places[service.Name]
	var environ []string
	for key, value := range service.Environment {
		environ = append(environ, key+"="+w.local(*value))
	}
	command := slices.Concat(s.programs[service.Name], w.locals(service.Entrypoint), w.locals(service.Command))
	must(s.t, os.MkdirAll(w.dir, 0o755))
	if slices.Contains(oneShots, service.Name) {
		must(s.t, once(s.t.Context(), w, environ, command))
		return
	}
	start(s.t, w, environ, command)
	check := w.locals(service.HealthCheck.Test[1:])
	switch {
	case service.HealthCheck.Test[0] == "CMD-SHELL":
		check = []string{"sh", "-c", strings.ReplaceAll(check[0], "$$", "$")}
	case check[0] == "/chargeresult":
		check[0] = program(s.t, "chargeresult")
	}
	await(s.t, service.Name+" is healthy", time.Duration(*service.HealthCheck.StartInterval), startLimit, func(ctx context.Context) error {
		if strings.HasSuffix(check[0], "wget") { // which a machine need not have
			_, err := get(ctx, check[len(check)-1])
			return err
		}
		return once(ctx, w, environ, check)
	})
}

// eventsBecomeResults reads as subscribers should, until there are results of every kind that is soon to come.
func (s *stack) eventsBecomeResults() {
	s.t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(s.places["kafka"].addr("kafka", "9092")), kgo.ConsumeTopics("charge-result", "charge-result.dlq", "charge-result.duplicates"),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	must(s.t, err)
	defer client.Close()
	seen := map[string]int{}
	wanted := []string{"COMPLETED", "FAILED", "PENDING", "charge-result.dlq", "charge-result.duplicates"}
	await(s.t, "events became results", poll, 30*time.Second, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		client.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
			seen[r.Topic]++
			var value struct{ Result string }
			if r.Topic == "charge-result" && json.Unmarshal(r.Value, &value) == nil {
				seen[value.Result]++
			}
		})
		for _, want := range wanted {
			if seen[want] == 0 {
				return fmt.Errorf("no %s among %v", want, seen)
			}
		}
		return nil
	})
}

// spansArrive waits for a trace that leads to a result.
func (s *stack) spansArrive() {
	s.t.Helper()
	await(s.t, "spans arrived", poll, 15*time.Second, func(context.Context) error {
		for _, span := range s.collector.Spans() {
			if span.Kind == collector.Producer && span.Resource["service.name"] == "chargeresult" {
				return nil
			}
		}
		return fmt.Errorf("none of %d spans is of a result that was sent", len(s.collector.Spans()))
	})
}

// metricsAreScraped waits until Prometheus has every metric of the table and every rule could be evaluated.
func (s *stack) metricsAreScraped() {
	s.t.Helper()
	page, err := get(s.t.Context(), "http://"+s.places["chargeresult"].addr("chargeresult", "9464")+"/metrics")
	must(s.t, err)
	if strings.Contains(string(page), "\n{\"") {
		s.t.Error("Prometheus 3 would be given names in UTF-8, which the rules do not use")
	}
	api := "http://" + s.places["prometheus"].addr("prometheus", "9090") + "/api/v1/"
	await(s.t, "Prometheus has every metric", poll, 30*time.Second, func(ctx context.Context) error {
		var names []string
		if err := query(ctx, api+"label/__name__/values", &names); err != nil {
			return err
		}
		var missing []error
		for _, name := range scraped(s.t) {
			if !slices.Contains(names, name) {
				missing = append(missing, errors.New(name+" is missing"))
			}
		}
		return errors.Join(missing...)
	})
	await(s.t, "every rule is evaluated", poll, 30*time.Second, func(ctx context.Context) error {
		var all struct {
			Groups []struct {
				Rules []struct{ Name, Health, LastError string }
			}
		}
		if err := query(ctx, api+"rules", &all); err != nil {
			return err
		}
		var count int
		var faults []error
		for _, group := range all.Groups {
			for _, r := range group.Rules {
				count++
				if r.Health != "ok" {
					faults = append(faults, fmt.Errorf("%s: %s %s", r.Name, r.Health, r.LastError))
				}
			}
		}
		if want := len(rules(s.t)); count != want {
			faults = append(faults, fmt.Errorf("%d rules are loaded, there are %d", count, want))
		}
		return errors.Join(faults...)
	})
	var up struct{ Result []struct{ Value []any } }
	must(s.t, query(s.t.Context(), api+"query?query="+url.QueryEscape(`sum(up{job="chargeresult"})`), &up))
	if len(up.Result) != 1 || up.Result[0].Value[1] != "1" {
		s.t.Errorf("up is %v", up.Result)
	}
}

// scraped are the series that the metrics of the table have at least.
func scraped(t *testing.T) (names []string) {
	t.Helper()
	for name := range exposed(t) {
		if name != "ALERTS" && !strings.HasSuffix(name, "_bucket") && !strings.HasSuffix(name, "_sum") {
			names = append(names, name)
		}
	}
	if len(names) < len(telemetry.Metrics()) {
		t.Fatalf("only %v", names)
	}
	return names
}

// query reads the data of an answer of Prometheus.
func query(ctx context.Context, url string, data any) error {
	body, err := get(ctx, url)
	if err != nil {
		return err
	}
	return json.Unmarshal(body, &struct{ Data any }{data})
}
