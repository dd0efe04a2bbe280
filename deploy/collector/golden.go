package collector

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Golden writes spans down such that what was done in the same order gives the same text: traces and siblings in the order of their
// start; name, kind and status; attributes by key; events; links by what they lead to. No IDs of traces and spans, and no times, occur.
// The values of the attributes that volatile names are replaced by what it says; what else differs from run to run, as a topic's name
// within a span's, is for the caller to replace in the text.
func Golden(spans []Span, volatile map[string]string) string {
	g := golden{volatile: volatile, places: map[string]string{}}
	trees := grow(spans)
	for i, t := range trees {
		t.each(func(n *node, _ int) {
			g.places[t.id+n.SpanID] = fmt.Sprintf("%s of trace %d", printable(n.Name), i+1)
		})
	}
	for i, t := range trees {
		fmt.Fprintf(&g.out, "trace %d\n", i+1)
		t.each(g.span)
	}
	return g.out.String()
}

type golden struct {
	volatile map[string]string
	places   map[string]string // of spans, by the IDs of trace and span
	out      strings.Builder
}

func (g *golden) span(n *node, depth int) {
	indent := strings.Repeat("  ", depth+1)
	fmt.Fprintf(&g.out, "%s%s [%s]", indent, printable(n.Name), n.Kind)
	if n.Status != Unset {
		fmt.Fprintf(&g.out, " %s", n.Status)
	}
	if n.StatusMessage != "" {
		fmt.Fprintf(&g.out, ": %s", printable(n.StatusMessage))
	}
	if n.orphan {
		g.out.WriteString(" (parent elsewhere)")
	}
	g.out.WriteString("\n")
	indent += "    "
	g.attributes(n.Attributes, indent)
	for _, e := range n.Events {
		fmt.Fprintf(&g.out, "%sevent: %s\n", indent, printable(e.Name))
		g.attributes(e.Attributes, indent+"  ")
	}
	for _, l := range n.Links {
		place, here := g.places[l.TraceID+l.SpanID]
		if !here {
			place = "elsewhere"
		}
		fmt.Fprintf(&g.out, "%slink: %s\n", indent, place)
		g.attributes(l.Attributes, indent+"  ")
	}
}

func (g *golden) attributes(attributes map[string]any, indent string) {
	for _, key := range slices.Sorted(maps.Keys(attributes)) {
		value, replaced := g.volatile[key]
		if !replaced {
			value = written(attributes[key])
		}
		fmt.Fprintf(&g.out, "%s%s = %s\n", indent, printable(key), value)
	}
}
