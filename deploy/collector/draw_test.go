package collector

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

var update = flag.Bool("update", false, "write the files that tests compare with")

func TestTree(t *testing.T) {
	got := Tree(scene(), someID, Style{})
	same(t, got, goldenFile(t, "tree.txt", got))
}

// What there is to see fits into the width, in any style, and colours change nothing but the colour.
func TestTreeFits(t *testing.T) {
	spans := scene()
	spans[0].Name, spans[1].Attributes["charge.long"] = strings.Repeat("long ", 50), strings.Repeat("longer", 50)
	for range 50 { // deep
		top := spans[len(spans)-1]
		spans = append(spans, span("c", "", "", "deeper", Internal, 3100, 3142, nil))
		deeper := &spans[len(spans)-1]
		deeper.SpanID, deeper.ParentID = top.SpanID+"d", top.SpanID
	}
	for width, want := range map[int]int{0: 80, 10: 60, 60: 60, 80: 80, 100: 100, 300: 300} {
		plain := Tree(spans, someID, Style{Width: width})
		for line := range strings.Lines(plain) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > want {
				t.Errorf("width %d: %d columns: %s", width, n, line)
			}
		}
		painted := Tree(spans, someID, Style{Width: width, Colour: true})
		if strings.Contains(plain, "\x1b") || !strings.Contains(painted, "\x1b[1;31m") {
			t.Errorf("width %d: colours where there should be none, or none where there should", width)
		}
		for _, ink := range []string{"1", "2", "1;31", "36", "0"} {
			painted = strings.ReplaceAll(painted, "\x1b["+ink+"m", "")
		}
		same(t, painted, plain)
	}
}

func TestTreeOf(t *testing.T) {
	for _, c := range []struct {
		name      string
		doctor    func(s []Span) []Span
		says, not string
	}{
		{"an ID in capitals", func(s []Span) []Span {
			for i := range s {
				if s[i].Attributes[correlationID] == someID {
					s[i].Attributes[correlationID] = strings.ToUpper(someID)
				}
			}
			return s
		}, "3 traces", ""},
		{"spans in any order", func(s []Span) []Span { slices.Reverse(s); return s }, "  linked: 3.10 s after trace 1 (first), 2.04 s after trace 2 (previous)\n", "elsewhere"},
		{"spans sent twice", func(s []Span) []Span { return append(s, scene()...) }, "2 spans of other transactions", "4 spans of other"},
		{"a parent that is not here", func(s []Span) []Span { s[0].ParentID = spanID("7"); return s }, "its parent 7777777777777777 is not here", ""},
		{"a circle of parents", func(s []Span) []Span { s[3].ParentID = spanID("2"); return s }, "  process charge-requested", ""},
		{"its own parent", func(s []Span) []Span { s[3].ParentID = spanID("1"); return s }, "  process charge-requested", ""},
		{"a link of another's making", func(s []Span) []Span {
			s[0].Links = []Link{{traceID("c"), spanID("1"), nil}, {traceID("a"), spanID("2"), nil}, {traceID("f"), spanID("1"), nil}}
			s[7].Links = []Link{{traceID("a"), spanID("1"), nil}}
			return s
		}, "1.06 s after trace 1\n", ""},
		{"a link to what is not here", func(s []Span) []Span {
			s[0].Links = []Link{{traceID("f"), spanID("1"), nil}}
			return s
		}, "  linked: 1 elsewhere\n", ""},
		{"control characters", func(s []Span) []Span {
			s[1].Name, s[1].Attributes["charge.x"] = "\x1b[2J", "\a"
			s[1].Status, s[1].StatusMessage = Error, "line\nfeed"
			return s
		}, `error: "line\nfeed"  charge.x="\a"`, "\x1b"},
		{"no time at all", func(s []Span) []Span {
			for i := range s {
				s[i].Start, s[i].End = at(0), at(0)
			}
			return s
		}, "━···", ""},
		{"ends before it starts", func(s []Span) []Span { s[0].End = at(-100); return s }, "━", ""},
		{"an error without words", func(s []Span) []Span { s[0].Status = Error; return s }, "✗   ├─EVALSHA", "error: \n"},
	} {
		got := Tree(c.doctor(scene()), someID, Style{})
		if !strings.Contains(got, c.says) || c.not != "" && strings.Contains(got, c.not) {
			t.Errorf("%s: want %q, and not %q, in\n%s", c.name, c.says, c.not, got)
		}
	}
	if got := Tree(scene(), "of nobody", Style{}); got != "" {
		t.Errorf("of nobody:\n%s", got)
	}
}

// The functions are of the spans alone, and leave them as they are.
func TestSpansAreLeftAlone(t *testing.T) {
	spans := scene()
	Tree(spans, someID, Style{})
	Golden(spans, nil)
	same(t, Golden(spans, nil), Golden(scene(), nil))
	if !slices.EqualFunc(spans, scene(), func(a, b Span) bool { return a.TraceID+a.SpanID == b.TraceID+b.SpanID }) {
		t.Error("the spans are in another order")
	}
}

// goldenFile returns what a file of testdata has; with -update, got is written to it first.
func goldenFile(t *testing.T, name, got string) string {
	t.Helper()
	name = filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(want)
}

// same reports the first line in which two texts differ.
func same(t *testing.T, got, want string) {
	t.Helper()
	if got == want {
		return
	}
	lines, wanted := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i, line := range lines {
		if i >= len(wanted) || line != wanted[i] {
			t.Errorf("differs in line %d: got\n%s", i+1, got)
			return
		}
	}
	t.Errorf("ends too early: got\n%s", got)
}
