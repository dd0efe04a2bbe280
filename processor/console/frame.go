package console

import (
	"net/url"
	"strings"
	"time"
)

// frame is what all pages have.
type frame struct {
	Title string
	Icon  string // well, watch, act, or plain
	JSON  string // the address of the JSON twin
	ID    string // the correlation ID that was searched for
	Who   []fact // which process the page is of

	now      time.Time
	traceURL string
}

// fact is a name and what it stands for.
type fact struct{ Name, Value string }

// When is a point in time as seen when the page was made.
func (f frame) When(t time.Time) moment { return when(t, f.now) }

// For is how long something has lasted.
func (f frame) For(since time.Time) span { return lasting(f.now.Sub(since)) }

// link names a trace; its URL is empty if there is no trace backend, and both are if there is no trace.
type link struct{ URL, ID string }

// Trace is the link to a trace.
func (f frame) Trace(id string) link {
	if f.traceURL == "" || id == "" {
		return link{ID: id}
	}
	return link{strings.ReplaceAll(f.traceURL, "{trace_id}", url.QueryEscape(id)), id}
}

// transactionPage is the address of the page of a correlation ID.
func transactionPage(id string) string { return "/transactions?" + url.Values{"id": {id}}.Encode() }
