package deploy

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

const dashboardFile = "grafana/dashboards/chargeresult.json"

// schema is that of Grafana 12.4's dashboards.
const schema = 42

type source struct{ Type, UID string }

type panel struct {
	ID          int
	Type, Title string
	Datasource  source
	GridPos     struct{ X, Y, W, H int }
	Targets     []struct {
		RefID, Expr string
		Exemplar    bool
		Datasource  source
	}
}

type dashboard struct {
	UID           string
	SchemaVersion int
	Panels        []panel
	Templating    struct {
		List []struct {
			Name       string
			Datasource source
		}
	}
}

func readDashboard(t *testing.T) dashboard {
	t.Helper()
	var d dashboard
	if err := json.Unmarshal([]byte(text(t, dashboardFile)), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// expressions are the dashboard's queries, each with the panel that asks.
func (d dashboard) expressions() map[string]string {
	all := map[string]string{}
	for _, p := range d.Panels {
		for _, q := range p.Targets {
			all[fmt.Sprintf("panel %d (%s) %s", p.ID, p.Title, q.RefID)] = q.Expr
		}
	}
	return all
}

func TestDashboard(t *testing.T) {
	d := readDashboard(t)
	if d.UID != "chargeresult" || d.SchemaVersion != schema {
		t.Errorf("uid %q, schema %d", d.UID, d.SchemaVersion)
	}
	ids := map[int]bool{}
	exemplars := 0
	for i, p := range d.Panels {
		if ids[p.ID] || p.ID == 0 || p.Title == "" {
			t.Errorf("panel %d: no id of its own, or no title", p.ID)
		}
		ids[p.ID] = true
		if p.GridPos.X+p.GridPos.W > 24 || p.GridPos.H == 0 || slices.ContainsFunc(d.Panels[:i], p.covers) {
			t.Errorf("%s lies outside, or on another panel", p.Title)
		}
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("%s asks nothing", p.Title)
		}
		for _, q := range p.Targets {
			if p.Datasource != q.Datasource {
				t.Errorf("%s asks a source that is not its own", p.Title)
			}
			if q.Exemplar {
				exemplars++
			}
		}
	}
	if exemplars == 0 {
		t.Error("no panel leads to traces")
	}
}

func (p panel) covers(q panel) bool {
	a, b := p.GridPos, q.GridPos
	return a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H
}

// Every query asks for metrics that exist, of the processor or recorded by the rules.
func TestDashboardMetrics(t *testing.T) {
	all := exposed(t)
	for _, r := range rules(t) {
		if r.Record != "" {
			all[r.Record] = nil
		}
	}
	for where, expr := range readDashboard(t).expressions() {
		exists(t, where, expr, all)
	}
}

// Every source that is named, by the dashboard or by another source, is provisioned, under a service of docker-compose.yml.
func TestSources(t *testing.T) {
	var provisioned struct {
		Datasources []struct {
			UID, Type, URL string
			JSONData       struct {
				Destinations []struct {
					UID string `yaml:"datasourceUid"`
				} `yaml:"exemplarTraceIdDestinations"`
			} `yaml:"jsonData"`
		}
	}
	if err := yaml.Unmarshal([]byte(text(t, "grafana/provisioning/datasources/datasources.yml")), &provisioned); err != nil {
		t.Fatal(err)
	}
	known := map[string]string{}
	for _, s := range provisioned.Datasources {
		known[s.UID] = s.Type
		host, _, _ := strings.Cut(strings.TrimPrefix(s.URL, "http://"), ":")
		if _, exists := project(t).Services[host]; !exists {
			t.Errorf("%s is at %s, which is no service", s.UID, s.URL)
		}
	}
	for _, s := range provisioned.Datasources {
		for _, to := range s.JSONData.Destinations {
			if known[to.UID] == "" {
				t.Errorf("%s sends exemplars to %q, which is not provisioned", s.UID, to.UID)
			}
		}
	}
	d := readDashboard(t)
	for _, p := range d.Panels {
		if p.Type != "row" && (p.Datasource.Type == "" || known[p.Datasource.UID] != p.Datasource.Type) {
			t.Errorf("%s asks %+v, which is not provisioned", p.Title, p.Datasource)
		}
	}
	for _, v := range d.Templating.List {
		if known[v.Datasource.UID] != v.Datasource.Type {
			t.Errorf("variable %s asks %+v, which is not provisioned", v.Name, v.Datasource)
		}
	}
}
