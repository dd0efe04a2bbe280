package collector

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// tree is a trace.
type tree struct {
	id         string
	roots      []*node
	others     int // spans that were left out, because they are of other transactions
	start, end time.Time
}

// node is a span, with those that were made within.
type node struct {
	Span
	orphan   bool // its parent is not here
	children []*node
}

// grow returns the traces, and siblings in them, in the order of their start. A span that was sent twice is there once.
func grow(spans []Span) []*tree {
	sorted := slices.SortedStableFunc(slices.Values(spans), before)
	var order []string
	traces := map[string][]Span{}
	for _, s := range sorted {
		if traces[s.TraceID] == nil {
			order = append(order, s.TraceID)
		}
		traces[s.TraceID] = append(traces[s.TraceID], s)
	}
	var trees []*tree
	for _, id := range order {
		trees = append(trees, growTrace(id, traces[id]))
	}
	return trees
}

// before compares spans by start; those that began at once, by what tells them apart in every run.
func before(a, b Span) int {
	if order := cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.Name, b.Name)); order != 0 {
		return order
	}
	return cmp.Compare(written(a.Attributes), written(b.Attributes))
}

// growTrace makes a tree of the spans of a trace.
func growTrace(id string, spans []Span) *tree {
	t := &tree{id: id}
	var all []*node
	byID, byParent := map[string]*node{}, map[string][]*node{}
	for _, s := range spans {
		if byID[s.SpanID] == nil {
			n := &node{Span: s}
			all, byID[s.SpanID], byParent[s.ParentID] = append(all, n), n, append(byParent[s.ParentID], n)
		}
	}
	placed := map[*node]bool{}
	var place func(n *node)
	place = func(n *node) {
		placed[n] = true
		for _, child := range byParent[n.SpanID] {
			if !placed[child] {
				n.children = append(n.children, child)
				place(child)
			}
		}
	}
	for _, n := range all {
		if byID[n.ParentID] == nil {
			n.orphan = n.ParentID != ""
			t.roots = append(t.roots, n)
			place(n)
		}
	}
	for _, n := range all { // whoever sends a circle of parents sees its spans, too
		if !placed[n] {
			t.roots = append(t.roots, n)
			place(n)
		}
	}
	t.measure()
	return t
}

// measure sets when the trace began and ended.
func (t *tree) measure() {
	t.start, t.end = time.Time{}, time.Time{}
	t.each(func(n *node, _ int) {
		if t.start.IsZero() || n.Start.Before(t.start) {
			t.start = n.Start
		}
		if n.End.After(t.end) {
			t.end = n.End
		}
	})
}

// each visits the spans as they are written, from top to bottom, with their depth.
func (t *tree) each(visit func(n *node, depth int)) {
	var within func(nodes []*node, depth int)
	within = func(nodes []*node, depth int) {
		for _, n := range nodes {
			visit(n, depth)
			within(n.children, depth+1)
		}
	}
	within(t.roots, 0)
}

// transaction returns the traces of a transaction, in the order of their start, without what is of others: many events may have been
// published within one trace.
func transaction(spans []Span, id string) []*tree {
	its := map[string]bool{}
	for _, s := range spans {
		if of, ok := s.Attributes[correlationID].(string); ok && strings.EqualFold(of, id) {
			its[s.TraceID] = true
		}
	}
	trees := grow(slices.DeleteFunc(slices.Clone(spans), func(s Span) bool { return !its[s.TraceID] }))
	for _, t := range trees {
		t.roots = t.prune(t.roots, id)
		t.measure()
	}
	slices.SortStableFunc(trees, func(a, b *tree) int { return a.start.Compare(b.start) })
	return trees
}

// correlationID is the attribute by which the spans of a transaction are known, over all of its traces.
const correlationID = "charge.correlation_id"

// prune leaves out what is of others, with all that is within.
func (t *tree) prune(nodes []*node, id string) (left []*node) {
	for _, n := range nodes {
		if of, ok := n.Attributes[correlationID].(string); ok && !strings.EqualFold(of, id) {
			branch := tree{roots: []*node{n}}
			branch.each(func(*node, int) { t.others++ })
			continue
		}
		n.children = t.prune(n.children, id)
		left = append(left, n)
	}
	return left
}
