package console

import (
	"encoding/xml"
	"errors"
	"flag"
	"html"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/chargeresult/chargeresult/processor/replay"
)

var update = flag.Bool("update", false, "write the golden files, and the screenshot")

// element is an element of a page that is being read.
type element struct {
	name  string
	attrs map[string]string
}

// elements reads a page, as strictly as HTML can be read without a library: what is opened is closed.
func elements(t *testing.T, page string) []element {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(page))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	var all []element
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("the page can't be read: %v", err)
		}
		if start, ok := token.(xml.StartElement); ok {
			e := element{start.Name.Local, map[string]string{}}
			for _, a := range start.Attr {
				e.attrs[a.Name.Local] = a.Value
			}
			all = append(all, e)
		}
	}
}

// wellMade checks what holds of every page: references resolve, tables and fields are labelled, headings go down by one, nothing is inline.
func wellMade(t *testing.T, page string) {
	t.Helper()
	ids, labelled, count, heading := map[string]bool{}, map[string]bool{}, map[string]int{}, 0
	all := elements(t, page)
	for _, e := range all {
		count[e.name]++
		labelled[e.attrs["for"]] = true
		if id := e.attrs["id"]; id != "" && e.name != "use" {
			if ids[id] {
				t.Errorf("the ID %q occurs twice", id)
			}
			ids[id] = true
		}
	}
	for _, e := range all {
		for name, value := range e.attrs {
			switch {
			case name == "style", strings.HasPrefix(name, "on"):
				t.Errorf("<%s> has an inline %s: the policy forbids it", e.name, name)
			case name == "aria-labelledby" && !ids[value], name == "for" && !ids[value]:
				t.Errorf("<%s> names %q, which does not exist", e.name, value)
			case name == "href" && strings.HasPrefix(value, "#") && !ids[value[1:]]:
				t.Errorf("<%s> goes to %q, which does not exist", e.name, value)
			case name == "href" && strings.HasPrefix(strings.ToLower(value), "javascript"), value == "#ZgotmplZ":
				t.Errorf("<%s> goes to %q", e.name, value)
			}
		}
		switch {
		case e.name == "input" && !labelled[e.attrs["id"]]:
			t.Error("a field has no label")
		case e.name == "th" && e.attrs["scope"] == "":
			t.Error("a header cell has no scope")
		case e.name == "style", e.name == "script" && e.attrs["src"] != "/assets/console.js", e.name == "iframe", e.name == "img":
			t.Errorf("there is a <%s> %v", e.name, e.attrs)
		case len(e.name) == 2 && e.name[0] == 'h' && e.name[1] >= '1' && e.name[1] <= '6':
			now := int(e.name[1] - '0')
			if now > heading+1 {
				t.Errorf("a heading of level %d follows one of level %d", now, heading)
			}
			heading = now
		}
	}
	if count["caption"] != count["table"] || count["h1"] != 1 || count["main"] != 1 || count["header"] != 1 || count["footer"] != 1 {
		t.Errorf("the page has %v", count)
	}
}

func TestPagesAreWellMade(t *testing.T) {
	incomplete := told()
	incomplete.Complete, incomplete.Unread = false, []string{"charge-requested[3] from offset 4 to 9: no leader"}
	for name, test := range map[string]struct {
		page  Page
		line  replay.Timeline
		err   error
		paths []string
	}{
		"nothing known": {page: Page{At: at}, paths: []string{"/", "/transactions", "/transactions?id=x"}},
		"healthy":       {page: healthy(100), line: told(), paths: []string{"/", "/?refresh=off", "/transactions?id=x"}},
		"troubled":      {page: troubled(100), line: incomplete, paths: []string{"/", "/transactions?id=x"}},
		"down":          {page: down(500), err: errors.New("no broker"), paths: []string{"/", "/transactions?id=x"}},
	} {
		h := showing(test.page, test.line, test.err)
		for _, path := range test.paths {
			t.Run(name+" "+path, func(t *testing.T) { wellMade(t, body(t, get(t, h, http.MethodGet, path))) })
		}
	}
}

const hostile = `"><script>alert(1)</script><img src=x onerror=alert(2)>' onfocus=alert(3) {{.}} javascript:alert(4)`

// poison sets every text within v, in lists and maps too.
func poison(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		poison(v.Elem())
	case reflect.String:
		v.SetString(hostile)
	case reflect.Slice:
		for i := range v.Len() {
			poison(v.Index(i))
		}
	case reflect.Map:
		if v.Len() > 0 {
			v.SetMapIndex(reflect.ValueOf(hostile), reflect.ValueOf(int64(7)))
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				poison(v.Field(i))
			}
		}
	}
}

func TestHostileTextIsText(t *testing.T) {
	page, line := troubled(100), told()
	page.Engine = down(0).Engine
	page.Cluster.Partitions = page.Cluster.Partitions[:1]
	page.Cluster.Transactions = page.Cluster.Transactions[1:]
	page.InFlight = page.InFlight[:1]
	line.Complete, line.Unread = false, []string{"x"}
	line.Transactions = line.Transactions[:1]
	poison(reflect.ValueOf(&page))
	poison(reflect.ValueOf(&line))
	for name, h := range map[string]http.Handler{"found": showing(page, line, nil), "failed": showing(page, line, errors.New(hostile))} {
		for _, path := range []string{"/", "/transactions?id=%22%3E%3Cscript%3Ealert(1)%3C/script%3E"} {
			t.Run(name+path, func(t *testing.T) {
				text := body(t, get(t, h, http.MethodGet, path))
				wellMade(t, text)
				if !strings.Contains(html.UnescapeString(text), "<script>alert(1)</script>") {
					t.Error("the hostile text is not shown at all")
				}
				if strings.Contains(text, "<script>alert") || strings.Contains(text, "<img") {
					t.Error("the hostile text is not escaped")
				}
			})
		}
	}
}

func TestTabSaysTheState(t *testing.T) {
	for want, page := range map[string]Page{
		"✓ All is well · charge-result · chargeresult|well":                                                healthy(100),
		"▲ Konaplate is down, so intake is held: the breaker is open · charge-result · chargeresult|watch": down(100),
		"■ charge-requested/11 is stopped (and 4 more) · charge-result · chargeresult|act":                 troubled(100),
	} {
		title, icon, _ := strings.Cut(want, "|")
		text := body(t, get(t, showing(page, told(), nil), http.MethodGet, "/"))
		if !strings.Contains(text, "<title>"+title+"</title>") || !strings.Contains(text, `href="/assets/icon-`+icon+`.svg"`) {
			t.Errorf("want the title %q and the icon %s in:\n%.700s", title, icon, text)
		}
	}
}

func TestRefreshWithoutScripts(t *testing.T) {
	h := showing(healthy(100), told(), nil)
	const reload = `<noscript><meta http-equiv="refresh" content="30"></noscript>`
	if text := body(t, get(t, h, http.MethodGet, "/")); !strings.Contains(text, reload) || !strings.Contains(text, `<a href="/?refresh=off">`) {
		t.Error("the page does not reload itself, or can't be told not to")
	}
	if text := body(t, get(t, h, http.MethodGet, "/?refresh=off")); strings.Contains(text, reload) || !strings.Contains(text, `<a href="/">Resume`) {
		t.Error("the page reloads all the same, or can't be told to again")
	}
}

func TestTracesAreLinked(t *testing.T) {
	f := frame{traceURL: "https://jaeger.example/trace/{trace_id}?uiFind={trace_id}"}
	if got := f.Trace("a/b"); got != (link{"https://jaeger.example/trace/a%2Fb?uiFind=a%2Fb", "a/b"}) {
		t.Errorf("got %+v", got)
	}
	if got := (frame{}).Trace("ab"); got != (link{"", "ab"}) {
		t.Errorf("got %+v without a backend", got)
	}
	if got := f.Trace(""); got != (link{}) {
		t.Errorf("got %+v without a trace", got)
	}
}

// TestGolden compares whole pages of little data; -update writes them.
func TestGolden(t *testing.T) {
	small := troubled(100)
	small.Cluster.Partitions = append(small.Cluster.Partitions[11:14:14], small.Cluster.Partitions[64:66]...)
	small.InFlight = small.InFlight[:2]
	for name, path := range map[string]string{"overview.html": "/", "statusz.json": "/statusz", "transactions.json": "/transactions.json?id=" + fakeID} {
		got := body(t, get(t, showing(small, told(), nil), http.MethodGet, path))
		file := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s differs from testdata/%s; look at the difference, and if it is meant: go test ./processor/console -run TestGolden -update", path, name)
		}
	}
}
