//go:build integration

package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chargeresult/chargeresult/deploy/collector"
	"github.com/chargeresult/chargeresult/deploy/testbed"
	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor/inquiry/konasim"
)

// The canaries: each stands for a secret, and must be seen nowhere.
const (
	canaryAccessKey = "canary-access-key-0000000000000000000001" // 40 characters
	canarySecretKey = "canary-secret-key-2"
	canaryToken     = "KMV1:20261122103000000:canary-token-3-0000000000000000000000000000" // of about 66 characters
	canaryRedis     = "canary-redis-password-4"
	canaryCard      = "4111-canary-1111-5"
	canaryOTLP      = "canary-otlp-header-6"
)

func canaries() []string {
	return []string{canaryAccessKey, canarySecretKey, canaryToken, "canary-token-3", canaryRedis, canaryCard, canaryOTLP}
}

// sinks are the places where people and machines look, with all that is to be seen there.
type sinks map[string]string

// check fails the test where a canary is seen.
func (all sinks) check(t *testing.T) {
	t.Helper()
	for _, place := range slices.Sorted(maps.Keys(all)) {
		for _, canary := range canaries() {
			for _, form := range []string{canary, url.QueryEscape(canary), strings.ToUpper(canary)} {
				if i := strings.Index(all[place], form); i >= 0 {
					t.Errorf("%s shows %s: …%s…", place, canary, all[place][max(0, i-80):min(len(all[place]), i+len(form)+40)])
				}
			}
		}
	}
}

// TestCanaries runs a process through every fault that there is, with secrets that would be recognised, and looks for them wherever it says anything:
// the log at its most talkative, spans, metrics, pages, headers, results, and what the other commands print.
func TestCanaries(t *testing.T) {
	t.Parallel()
	for name, credential := range map[string]string{"signer": "CHARGERESULT_INQUIRY_SECRET_KEY=" + canarySecretKey, "static token": "CHARGERESULT_INQUIRY_TRAN_TOKEN=" + canaryToken} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			redis := testbed.StartRedis(t, "--user", "canary", "on", ">"+canaryRedis, "~*", "&*", "+@all")
			withPassword := strings.Replace(redis.URL, "redis://", "redis://canary:"+canaryRedis+"@", 1)
			s := newSite(t, testbed.SharedKafka(t), withPassword, 2, konasim.Config{})
			konaplate := httptest.NewServer(hostile{konasim.New(konasim.Config{Script: misbehave})})
			t.Cleanup(konaplate.Close)
			to := s.observe("OTEL_EXPORTER_OTLP_HEADERS=authorization="+canaryOTLP,
				"CHARGERESULT_INQUIRY_URL="+konaplate.URL, "CHARGERESULT_INQUIRY_ACCESS_KEY="+canaryAccessKey, "CHARGERESULT_LOG_LEVEL=debug",
				"CHARGERESULT_INQUIRY_TIMEOUT=500ms", "CHARGERESULT_BREAKER_OPEN=1s", "CHARGERESULT_GUARD_DEAD_LETTERS=0", "CHARGERESULT_GUARD_REFUSALS=0", credential)
			if strings.Contains(credential, "TRAN_TOKEN") {
				s.extra = append(s.extra, "CHARGERESULT_INQUIRY_SECRET_KEY=")
			}
			p := s.startAndAwait("")
			n := s.faults()
			await(t, "most transactions have ended", 2*eventually, func() bool { s.alive(); return len(s.finalResults()) >= n })
			redis.Kill()
			time.Sleep(time.Second)
			redis.Restart() // empty: the claims are rebuilt
			s.produce(s.requested(), "k", eventJSON(900, "COMPLETED.after"))
			s.flush()
			await(t, "the last one has ended", 2*eventually, func() bool { s.alive(); return len(s.finalResults()) > n })
			seen := s.look(p, to)
			p.stops(soon)
			seen["log"] = p.log.String()
			for place, text := range seen {
				if len(text) < 20 {
					t.Errorf("%s shows nothing: %q", place, text)
				}
			}
			for _, place := range []string{"log", "spans", "page /transactions?id=" + correlationID(0), "inspect", "inspect --json"} {
				if !strings.Contains(seen[place], correlationID(0)) {
					t.Errorf("%s does not show the transaction, so it would not show a canary", place)
				}
			}
			seen.check(t)
		})
	}
}

// hostile quotes in its messages what it was sent, for some transactions; others are the simulator's.
type hostile struct{ *konasim.Simulator }

func (h hostile) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if !strings.Contains(string(body), "QUOTE") {
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		h.Simulator.ServeHTTP(w, r)
		return
	}
	w.Header().Set("X-KM-Correlation-Id", r.Header.Get("X-KM-Correlation-Id"))
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadRequest)
	fmt.Fprintf(w, `{"response":{"code":"007_004","description":"who is %s with %s"}}`, r.Header.Get("X-KM-Access-Key"), r.Header.Get("X-KM-Tran-Token"))
}

// misbehave gives each transaction another fault first, and then an answer.
func misbehave(sequence string, ask int) string {
	kind, _, _ := strings.Cut(sequence, ".")
	if ask > 1 || kind == "" {
		return "COMPLETED"
	}
	return kind
}

// faults sends an event for each fault, and records that are no events; it returns how many of them end in a final result.
func (s *site) faults() (finals int) {
	s.Helper()
	kinds := []string{
		"COMPLETED", "PENDING", "NOTFOUND", "UNCLEAR", "REJECTED", "INVALID", "DOWN", "HTTP401", "HTTP429-1", "HTTP408", "RESULT500", "HANG", "RESET", "TRUNCATED",
		"OVERSIZED", "BOMB", "HTML", "REDIRECT", "FOREIGN", "NOECHO", "DUPKEY", "TRAILING", "MISTYPED", "CONTRADICTION", "ENCRYPTED", "ODD", "QUOTE",
	}
	for i, kind := range kinds {
		s.produce(s.requested(), kind, fmt.Sprintf(`{"correlationId":%q,"sequenceId":"%s.%d","cardNumber":%q}`, correlationID(i), kind, i, canaryCard))
	}
	for _, bad := range []string{
		`{"cardNumber":"` + canaryCard + `"`,                                                                                        // undecodable
		`{"correlationId":"not one","sequenceId":1,"cardNumber":"` + canaryCard + `"}`,                                              // invalid
		fmt.Sprintf(`{"correlationId":%q,"sequenceId":"another","cardNumber":%q}`, correlationID(0), canaryCard),                    // conflict
		fmt.Sprintf(`{"correlationId":%q,"sequenceId":"COMPLETED.0","cardNumber":%q}`, correlationID(0), canaryCard),                // duplicate
		fmt.Sprintf(`{"correlationId":%q,"sequenceId":"large","x":%q}`, correlationID(800), strings.Repeat(canaryCard+" ", 48_000)), // too large
	} {
		s.produce(s.requested(), "bad", bad)
	}
	s.flush()
	return len(kinds)
}

// look gathers what is to be seen of a process.
func (s *site) look(p *program, to *collector.Collector) sinks {
	s.Helper()
	s.awaitSpans(to, func(all []collector.Span) bool { return len(all) > 50 })
	seen := sinks{"spans": fmt.Sprintf("%+v", to.Spans()), "metrics by OTLP": fmt.Sprintf("%+v", to.Metrics())}
	for _, path := range []string{"/", "/statusz", "/metrics", "/livez", "/readyz", "/transactions?id=" + correlationID(0), "/transactions.json?id=" + correlationID(0)} {
		seen["page "+path] = p.page(path) + strings.Repeat(" ", 20)
	}
	for _, command := range []string{"config", "config --json", "preflight", "inspect " + correlationID(0), "inspect --json " + correlationID(0), "reconcile", "topics"} {
		seen[strings.TrimSuffix(command, " "+correlationID(0))] = s.command("", strings.Fields(command)...)
	}
	seen["run without Redis"] = s.command("CHARGERESULT_REDIS_URL=redis://u:"+canaryRedis+"@127.0.0.1:1", "run")
	seen["run with a bad URL"] = s.command("CHARGERESULT_REDIS_URL=redis://u:"+canaryRedis+"@%zz:1", "run")
	seen["run with a long key"] = s.command("CHARGERESULT_INQUIRY_ACCESS_KEY="+canaryAccessKey+"x", "run")
	seen["run with both credentials"] = s.command("CHARGERESULT_INQUIRY_SECRET_KEY="+canarySecretKey, "run", "--inquiry-tran-token", canaryToken)
	seen["preflight without Redis"] = s.command("CHARGERESULT_REDIS_URL=redis://u:"+canaryRedis+"@127.0.0.1:1", "preflight")
	for name, topic := range map[string]string{"results": s.results(), "dead letters": s.letters(), "duplicates": s.topics["TOPIC_DUPLICATES"]} {
		var text strings.Builder
		for _, r := range testbed.Dump(s, s.brokers, topic) {
			fmt.Fprintf(&text, "%s", r.Key)
			if name != "dead letters" { // whose value is the original's
				fmt.Fprintf(&text, " %s", r.Value)
			}
			for _, h := range r.Headers {
				fmt.Fprintf(&text, " %s=%s", h.Key, h.Value)
			}
		}
		seen[name] = text.String()
	}
	reasons := map[string]bool{}
	for _, r := range testbed.Dump(s, s.brokers, s.letters()) {
		reasons[header(r, events.HeaderReason)] = true
	}
	if len(reasons) < 3 {
		s.Errorf("dead letters of %v only", reasons)
	}
	return seen
}

// command runs another command of the program, with the site's environment and one variable more, and returns what it printed.
func (s *site) command(variable string, args ...string) string {
	s.Helper()
	cmd := exec.CommandContext(s.Context(), binary, args...)
	cmd.Env = append(s.environment(""), cmp.Or(variable, "X=1"))
	out, _ := cmd.CombinedOutput() // some are to fail
	return string(out)
}
