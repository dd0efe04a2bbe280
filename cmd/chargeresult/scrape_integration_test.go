//go:build integration

package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chargeresult/chargeresult/deploy/testbed"
	"github.com/chargeresult/chargeresult/processor/inquiry/konasim"
)

// TestPrometheus: a real Prometheus scrapes a process that has something to tell, and has every metric of the documented table, with its kind, and an exemplar.
func TestPrometheus(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("prometheus"); err != nil {
		t.Fatal("prometheus is missing: apt-get install prometheus")
	}
	s := newSite(t, testbed.SharedKafka(t), testbed.SharedRedis(t), 4, konasim.Config{})
	s.observe()
	p := s.startAndAwait("")
	var all sending
	s.sendAs(&all, 0, 200, 0.1, func(i int) string { return fmt.Sprintf("%s-%d", []string{"COMPLETED", "FAILED", "PENDING-1"}[i%3], i) })
	s.awaitFinished(&all, all.records)
	prometheus := startPrometheus(t, p.admin())
	missing := map[string]bool{}
	for name := range documented(t) {
		missing[name] = true
	}
	await(t, "Prometheus has every documented metric", eventually, func() bool {
		s.alive()
		for name := range missing {
			if len(query(t, prometheus, name)) > 0 || len(query(t, prometheus, name+"_bucket")) > 0 {
				delete(missing, name)
			}
		}
		return len(missing) == 0 || t.Failed()
	})
	if n := query(t, prometheus, `up{job="chargeresult"}`); n != "1" {
		t.Errorf("up is %q", n)
	}
	if n := query(t, prometheus, `sum(chargeresult_results_total{result="COMPLETED"})`); n == "" || n == "0" {
		t.Errorf("results: %q", n)
	}
	var exemplars struct {
		Data []struct {
			Exemplars []struct{ Labels map[string]string }
		}
	}
	getJSON(t, prometheus+"/api/v1/query_exemplars?start=0&end=9999999999&query="+url.QueryEscape("messaging_process_duration_seconds_bucket"), &exemplars)
	if len(exemplars.Data) == 0 || exemplars.Data[0].Exemplars[0].Labels["trace_id"] == "" {
		t.Errorf("exemplars: %+v", exemplars)
	}
}

// startPrometheus starts one that scrapes a target twice a second, and returns its address.
func startPrometheus(t *testing.T, target string) string {
	t.Helper()
	dir := t.TempDir()
	config := fmt.Sprintf("global: {scrape_interval: 500ms, scrape_timeout: 500ms}\nscrape_configs:\n  - job_name: chargeresult\n    static_configs: [{targets: [%q]}]\n", target)
	file := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := free.Addr().String()
	_ = free.Close()
	cmd := exec.Command("prometheus", "--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+addr, "--enable-feature=exemplar-storage")
	log := &logBuffer{}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("Prometheus:\n%s", log)
		}
	})
	at := "http://" + addr
	await(t, "Prometheus is ready", eventually, func() bool {
		r, err := http.Get(at + "/-/ready")
		if err != nil {
			return false
		}
		defer r.Body.Close()
		return r.StatusCode == http.StatusOK
	})
	return at
}

// query returns the value of an expression's first series; empty if it has none.
func query(t *testing.T, prometheus, expression string) string {
	t.Helper()
	var answer struct {
		Data struct{ Result []struct{ Value [2]any } }
	}
	getJSON(t, prometheus+"/api/v1/query?query="+url.QueryEscape(expression), &answer)
	if len(answer.Data.Result) == 0 {
		return ""
	}
	return strings.TrimSpace(fmt.Sprint(answer.Data.Result[0].Value[1]))
}

func getJSON(t *testing.T, address string, into any) {
	t.Helper()
	r, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if err := json.NewDecoder(r.Body).Decode(into); err != nil {
		t.Fatal(err)
	}
}
