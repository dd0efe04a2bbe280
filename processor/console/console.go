package console

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/chargeresult/chargeresult/processor/replay"
)

// Config is what a console shows, and where it has it from.
type Config struct {
	// Page returns what the process is doing now. It may be called at any time, by several goroutines, and should take milliseconds.
	Page func(context.Context) Page
	// Find returns all there is about the transactions of a correlation ID. It may take seconds, and must end with its context.
	// At most two searches run at a time: they read the topics that the processor works on.
	Find func(ctx context.Context, correlationID string) (replay.Timeline, error)
	// TraceURL is the address of a trace in the trace backend, with {trace_id} in it. Empty: traces are named, not linked.
	TraceURL string
	// Brokers and DeadLetterTopic are what the commands that look at dead letters name; an empty topic: no commands are shown.
	Brokers, DeadLetterTopic string
}

const (
	findTimeout = 30 * time.Second // a search, its wait for a turn included
	findAtOnce  = 2                // searches
	maxID       = 128              // characters of a correlation ID: events has none that is longer
)

// policy lets in what comes from the console itself, and nothing inline.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

//go:embed templates assets
var files embed.FS

type console struct {
	cfg   Config
	pages *template.Template
	turns chan struct{} // holds one for each search under way
}

// New returns the console's pages and their JSON twins:
//
//	/                        the overview      /statusz                  the same as JSON
//	/transactions?id=ID      a search          /transactions.json?id=ID  the same as JSON
//	/assets/...              style sheet, script and icons
//
// It answers GET and HEAD, and changes nothing.
func New(cfg Config) http.Handler {
	c := &console{
		cfg:   cfg,
		pages: template.Must(template.New("console").Funcs(formats()).ParseFS(files, "templates/*.html")),
		turns: make(chan struct{}, findAtOnce),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", c.overview)
	mux.HandleFunc("GET /statusz", c.status)
	mux.HandleFunc("GET /transactions", c.transactions)
	mux.HandleFunc("GET /transactions.json", c.timeline)
	mux.Handle("GET /assets/", assets())
	return guarded(mux)
}

// guarded sets the headers that every answer has, errors included.
func guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer") // trace backends need not learn where they are linked from
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

func (c *console) overview(w http.ResponseWriter, r *http.Request) {
	page := c.cfg.Page(r.Context())
	c.render(w, http.StatusOK, "overview.html", newOverview(page, c.cfg, r.URL.Query().Get("refresh") != "off"))
}

func (c *console) status(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, http.StatusOK, c.cfg.Page(r.Context()))
}

func (c *console) transactions(w http.ResponseWriter, r *http.Request) {
	id := asked(r)
	if id == "" {
		c.render(w, http.StatusOK, "transactions.html", newSearch(c.cfg, time.Now(), "", replay.Timeline{}, nil))
		return
	}
	found, code, err := c.find(r.Context(), id)
	c.render(w, code, "transactions.html", newSearch(c.cfg, time.Now(), id, found, err))
}

func (c *console) timeline(w http.ResponseWriter, r *http.Request) {
	found, code, err := c.find(r.Context(), asked(r))
	if err != nil {
		writeJSON(w, code, map[string]string{"error": err.Error()})
		return
	}
	writeJSON(w, code, found)
}

// asked is the correlation ID of a request; blanks around it come with copying.
func asked(r *http.Request) string { return strings.TrimSpace(r.URL.Query().Get("id")) }

// find looks for an ID, when its turn has come. The code is that of the answer to the browser.
func (c *console) find(ctx context.Context, id string) (found replay.Timeline, code int, err error) {
	if n := len([]rune(id)); n == 0 || n > maxID {
		return found, http.StatusBadRequest, fmt.Errorf("a correlation ID has 1 to %d characters, this one has %d: give it as ?id=", maxID, n)
	}
	ctx, cancel := context.WithTimeout(ctx, findTimeout)
	defer cancel()
	select {
	case c.turns <- struct{}{}:
		defer func() { <-c.turns }()
		found, err = c.cfg.Find(ctx, id)
	case <-ctx.Done():
		err = fmt.Errorf("wait for %d other searches: %w", findAtOnce, ctx.Err())
	}
	switch {
	case err == nil:
		return found, http.StatusOK, nil
	case errors.Is(err, context.DeadlineExceeded):
		return found, http.StatusGatewayTimeout, fmt.Errorf("not finished after %v, try again: %w", findTimeout, err)
	}
	return found, http.StatusBadGateway, err
}

// render writes a page, as a whole or not at all.
func (c *console) render(w http.ResponseWriter, code int, name string, view any) {
	var page bytes.Buffer
	if err := c.pages.ExecuteTemplate(&page, name, view); err != nil {
		http.Error(w, fmt.Sprintf("the console can't show this page, its JSON twin may do: %v", err), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(code)
	_, _ = page.WriteTo(w) // the reader went away: nobody to tell
}

func writeJSON(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(code)
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	_ = e.Encode(v) // the reader went away: nobody to tell
}
