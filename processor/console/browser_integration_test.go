//go:build integration

package console

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

const loadLimit = time.Second // from the start of a navigation to the page's load event

// TestBrowserLoads: a page of 100 partitions is there within a second, while fifty others have it open.
func TestBrowserLoads(t *testing.T) {
	ctx := browser(t, browserTimeout)
	url, _ := serve(t, troubled(100))
	look(ctx, t, 1280, 1000, "light")
	do(ctx, t, chromedp.Navigate("about:blank")) // starts the browser
	stop := load(t, url)
	var loads []time.Duration
	for range 5 {
		do(ctx, t, chromedp.Navigate(url))
		loads = append(loads, time.Duration(eval[float64](ctx, t, `performance.getEntriesByType("navigation")[0].loadEventEnd`))*time.Millisecond)
	}
	if asked := stop(); asked < 5 {
		t.Errorf("only %d others asked for the page", asked)
	}
	slices.Sort(loads)
	if median := loads[len(loads)/2]; median <= 0 || median > loadLimit {
		t.Errorf("the page took %v to load (all: %v), want at most %v", median, loads, loadLimit)
	}
	t.Logf("loaded in %v", loads)
	if rows := eval[int](ctx, t, `document.querySelectorAll(".parts tbody tr").length`); rows != 100 {
		t.Errorf("%d partitions are on the page, want 100", rows)
	}
}

// TestBrowserWithoutScripts: an ID is searched for by keyboard alone.
func TestBrowserWithoutScripts(t *testing.T) {
	ctx := browser(t, browserTimeout)
	url, _ := serve(t, healthy(100))
	look(ctx, t, 1280, 1000, "light")
	do(ctx, t, chromedp.Navigate(url))
	// The switch takes effect with the next page.
	if _, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	do(ctx, t, chromedp.Navigate(url+"/?refresh=off"))
	if text := eval[string](ctx, t, `document.querySelector("footer").innerText`); !strings.Contains(text, "It does not reload") {
		t.Fatalf("scripts are on: the footer says %q", text)
	}
	// Skip link, brand, search field.
	do(ctx, t, chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(fakeID))
	response, err := chromedp.RunResponse(ctx, chromedp.KeyEvent(kb.Enter))
	if err != nil {
		t.Fatal(err)
	}
	if response.Status != http.StatusOK || !strings.HasSuffix(response.URL, "/transactions?id="+fakeID) {
		t.Errorf("the search went to %s, answered %d", response.URL, response.Status)
	}
	if text := eval[string](ctx, t, `document.querySelector("main").innerText`); !strings.Contains(text, "CHG-20261123-000481") || !strings.Contains(text, "COMPLETED") {
		t.Errorf("the timeline says:\n%s", text)
	}
}

// TestBrowserRefreshes: the page follows the process, and whoever reads it notices nothing else.
func TestBrowserRefreshes(t *testing.T) {
	ctx := browser(t, browserTimeout)
	url, page := serve(t, healthy(100))
	look(ctx, t, 1280, 700, "light")
	do(ctx, t, chromedp.Navigate(url))
	// A folded topic is opened, a link within the part that changes has focus, the page is scrolled, an ID is half typed.
	eval[bool](ctx, t, `document.getElementById("topic-charge-requested-more").open = true`)
	eval[any](ctx, t, `document.querySelector("#slowest").closest("section").querySelectorAll("a[href^='/transactions']")[5].focus(), scrollTo(0, 900), document.getElementById("id").value = "2611", null`)
	next := troubled(100)
	focused := next.InFlight[5]
	next.InFlight = slices.Concat(next.InFlight[5:6], next.InFlight[:5], next.InFlight[6:]) // its row moves up, and loses focus by that
	page.Store(&next)
	do(ctx, t, chromedp.WaitVisible(chromedp.CSS("#headline.l-act")))
	state := eval[struct {
		Title, Icon, Focus, Typed, News string
		Open                            bool
		Scroll                          int
	}](ctx, t, `({title: document.title, icon: document.getElementById("icon").getAttribute("href"), focus: document.activeElement.textContent,
		typed: document.getElementById("id").value, news: document.getElementById("news").textContent,
		open: document.getElementById("topic-charge-requested-more").open, scroll: scrollY})`)
	if !strings.HasPrefix(state.Title, "■ charge-requested/11 is stopped") || !strings.HasSuffix(state.Icon, "/assets/icon-act.svg") || state.News != "charge-requested/11 is stopped" {
		t.Errorf("the tab does not tell: %+v", state)
	}
	if state.Focus != focused.CorrelationID || !state.Open || state.Typed != "2611" || state.Scroll < 700 {
		t.Errorf("the reader lost something: %+v", state)
	}
	if shown, want := eval[string](ctx, t, `document.querySelector("#main").innerHTML.replaceAll(/\s+/g, " ")`), fresh(ctx, t); shown != want {
		t.Errorf("the page that was changed in place is not the page that is served:\n%s\n\n%s", shown, want)
	}
}

// fresh is what a reload would show, with the details open that are open.
func fresh(ctx context.Context, t *testing.T) string {
	return eval[string](ctx, t, `fetch("/").then((r) => r.text()).then((text) => {
		const fresh = new DOMParser().parseFromString(text, "text/html");
		for (const open of document.querySelectorAll("details[open]")) fresh.getElementById(open.id).open = true;
		return fresh.querySelector("#main").innerHTML.replaceAll(/\s+/g, " ");
	})`)
}

// TestBrowserPauses: a paused page stays as it is, and one whose process is gone says so.
func TestBrowserPauses(t *testing.T) {
	ctx := browser(t, browserTimeout)
	url, page := serve(t, healthy(100))
	look(ctx, t, 1280, 1000, "light")
	do(ctx, t, chromedp.Navigate(url))
	do(ctx, t, chromedp.Focus(chromedp.CSS("#pause")), chromedp.KeyEvent(kb.Enter))
	if label := eval[string](ctx, t, `document.getElementById("pause").textContent`); label != "Resume refresh" {
		t.Fatalf("the button says %q", label)
	}
	next := troubled(100)
	page.Store(&next)
	do(ctx, t, chromedp.Sleep(7*time.Second)) // longer than the page waits between two looks
	if title := eval[string](ctx, t, `document.title`); !strings.HasPrefix(title, "✓") {
		t.Errorf("a paused page was changed: %q", title)
	}
	do(ctx, t, chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible(chromedp.CSS("#headline.l-act")))
	eval[any](ctx, t, `window.fetch = () => Promise.reject(new Error("gone")), null`)
	do(ctx, t, chromedp.WaitVisible(chromedp.CSS("html.gone")))
	if title, news := eval[string](ctx, t, `document.title`), eval[string](ctx, t, `document.getElementById("news").textContent`); !strings.HasPrefix(title, "? no answer") || !strings.Contains(news, "No answer") {
		t.Errorf("the process is gone, and the tab says %q, the page %q", title, news)
	}
}

// views are what has to be accessible, in both colours, wide and narrow.
func views(t *testing.T) map[string]string {
	well, _ := serve(t, healthy(30)) // axe takes its time with more
	bad, _ := serve(t, troubled(30))
	return map[string]string{"well": well, "troubled": bad, "timeline": well + "/transactions?id=" + fakeID, "search": well + "/transactions"}
}

// TestBrowserAccessible: axe finds no violation of level A or AA, with all details open too.
func TestBrowserAccessible(t *testing.T) {
	ctx, axe := browser(t, axeTimeout), axeSource(t)
	for name, url := range views(t) {
		for _, scheme := range []string{"light", "dark"} {
			for _, width := range []int64{1280, 320} {
				t.Run(fmt.Sprintf("%s, %s, %d", name, scheme, width), func(t *testing.T) {
					look(ctx, t, width, 900, scheme)
					do(ctx, t, chromedp.Navigate(url))
					eval[any](ctx, t, axe+`; for (const d of document.querySelectorAll("details")) d.open = true; null`)
					wantNoViolations(ctx, t)
					// What is cut off by a box around it is lost, too.
					if cut := eval[[]string](ctx, t, tooFarRight); len(cut) > 0 {
						t.Errorf("%d elements reach out of the page, such as %s", len(cut), cut[0])
					}
					if over := eval[int](ctx, t, `document.documentElement.scrollWidth - document.documentElement.clientWidth`); over > 0 {
						t.Errorf("the page is %d pixels too wide, and scrolls sideways", over)
					}
				})
			}
		}
	}
}

// tooFarRight are the elements that reach beyond the right edge of the window, those for screen readers alone excepted.
const tooFarRight = `[...document.querySelectorAll("body *")].filter((e) => !e.closest(".unseen, .skip, thead, svg") &&
	e.getBoundingClientRect().right > document.documentElement.clientWidth + 1).map((e) => e.outerHTML.slice(0, 200))`

func wantNoViolations(ctx context.Context, t *testing.T) {
	t.Helper()
	found := eval[string](ctx, t, `axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], resultTypes: ["violations"]}).then((r) => JSON.stringify(
		{passed: r.passes.length, violations: r.violations.map((v) => ({id: v.id, help: v.help, nodes: v.nodes.slice(0, 3).map((n) => n.html + " " + n.failureSummary)}))}))`)
	var report struct {
		Passed     int
		Violations []struct {
			ID, Help string
			Nodes    []string
		}
	}
	if err := json.Unmarshal([]byte(found), &report); err != nil {
		t.Fatal(err)
	}
	for _, v := range report.Violations {
		t.Errorf("%s: %s\n%s", v.ID, v.Help, strings.Join(v.Nodes, "\n"))
	}
	if report.Passed < 10 {
		t.Errorf("axe checked %d rules only: it did not look at the page", report.Passed)
	}
}

// TestScreenshot takes the picture that README.md shows; -update keeps it.
func TestScreenshot(t *testing.T) {
	ctx := browser(t, browserTimeout)
	url, _ := serve(t, troubled(100))
	look(ctx, t, 1280, 1204, "light")
	do(ctx, t, chromedp.Navigate(url))
	picture, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "screenshot.png")
	if *update {
		file = "screenshot.png"
	}
	if err := os.WriteFile(file, picture, 0o644); err != nil {
		t.Fatal(err)
	}
	if kB := len(picture) / 1000; kB < 50 || kB > 300 {
		t.Errorf("the screenshot has %d kB: 50 to 300 are sensible", kB)
	}
}
