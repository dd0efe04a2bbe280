package collector

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Style is how a tree is drawn; its zero value fits everywhere.
type Style struct {
	Width  int  // columns, 60 to 400; 0: 80
	Colour bool // with escape sequences; nothing is said by colour alone
}

// The columns of a line that do not depend on the width: the sign of an error, the kind and the duration, with a space before each.
const (
	signColumns     = 2
	kindColumns     = 9
	durationColumns = 9
	leastWidth      = 60
	mostWidth       = 400
)

// Tree draws the transaction of a correlation ID: all of its traces in the order of time, each with the traces it is linked to and how
// long after them it began, and what was done within: when, for how long, and how it went. It returns nothing if there is no such span.
func Tree(spans []Span, id string, style Style) string {
	trees := transaction(spans, id)
	if len(trees) == 0 {
		return ""
	}
	width := min(max(leastWidth, cmp.Or(style.Width, 80)), mostWidth)
	d := &drawing{id: id, width: width, bar: min(width/5, 40), numbers: map[string]int{}}
	if style.Colour {
		d.bold, d.faint, d.alarm, d.lively = "1", "2", "1;31", "36"
	}
	end := trees[0].end
	for i, t := range trees {
		d.numbers[t.id] = i
		if t.end.After(end) {
			end = t.end
		}
	}
	d.line(d.bold, "%s  %s, %s from the first to the last", printable(id), plural(len(trees), "trace"), brief(end.Sub(trees[0].start)))
	for i, t := range trees {
		d.trace(i, t, trees)
	}
	return d.out.String()
}

// drawing is a tree that is being drawn.
type drawing struct {
	id                         string
	width, bar                 int // columns
	numbers                    map[string]int
	bold, faint, alarm, lively string // of the escape sequences; empty: none
	out                        strings.Builder
}

func (d *drawing) line(ink, format string, args ...any) {
	d.out.WriteString(paint(ink, cut(fmt.Sprintf(format, args...), d.width)) + "\n")
}

func (d *drawing) trace(i int, t *tree, all []*tree) {
	d.out.WriteString("\n")
	d.line(d.bold, "trace %d  %s  %s  %s", i+1, t.id, t.start.Format("2006-01-02 15:04:05.000Z"), brief(t.end.Sub(t.start)))
	if linked := d.links(t, all); linked != "" {
		d.line("", "  linked: %s", linked)
	}
	for _, root := range t.roots {
		d.span(root, t, "", "")
	}
	if t.others > 0 {
		d.line(d.faint, "  %s of other transactions left out", plural(t.others, "span"))
	}
}

// links says which of the traces t is linked to, as what, and how long after them it began. The polls that messages came in, which are
// of all transactions, are no news.
func (d *drawing) links(t *tree, all []*tree) string {
	to, elsewhere := map[int]string{}, 0
	t.each(func(n *node, _ int) {
		for _, l := range n.Links {
			as, _ := l.Attributes[linkAs].(string)
			number, here := d.numbers[l.TraceID]
			switch {
			case as == linkPoll || l.TraceID == t.id:
			case here:
				to[number] = as
			default:
				elsewhere++
			}
		}
	})
	var words []string
	for _, number := range slices.Sorted(maps.Keys(to)) {
		word := fmt.Sprintf("%s after trace %d", brief(t.start.Sub(all[number].start)), number+1)
		if as := to[number]; as != "" {
			word += " (" + printable(as) + ")"
		}
		words = append(words, word)
	}
	if elsewhere > 0 {
		words = append(words, fmt.Sprintf("%d elsewhere", elsewhere))
	}
	return strings.Join(words, ", ")
}

// span draws a span and those within. Before stands before its name, rest before what is below it.
func (d *drawing) span(n *node, t *tree, before, rest string) {
	sign, ink := "", ""
	if n.Status == Error {
		sign, ink = "✗", d.alarm
	}
	columns := d.width - signColumns - kindColumns - durationColumns - 1 - d.bar
	fmt.Fprintf(&d.out, "%s%s%s%*s %s\n", paint(ink, pad(sign, signColumns)), paint(ink, pad(cut(before+printable(n.Name), columns), columns)),
		paint(d.faint, pad(" "+string(n.Kind), kindColumns)), durationColumns, brief(n.End.Sub(n.Start)), paint(d.lively, bar(n.Span, t, d.bar)))
	below, last := "  ", len(n.children)-1
	if last >= 0 {
		below = "│ "
	}
	d.facts(n, rest+below)
	for i, child := range n.children {
		if i < last {
			d.span(child, t, rest+"├─", rest+"│ ")
		} else {
			d.span(child, t, rest+"└─", rest+"  ")
		}
	}
}

// facts draws what matters of a span, on as many lines as it takes.
func (d *drawing) facts(n *node, before string) {
	before = strings.Repeat(" ", signColumns) + cut(before, d.width/2) + "  "
	line := ""
	for _, fact := range d.factsOf(n) {
		if line != "" && utf8.RuneCountInString(before+line+"  "+fact) > d.width {
			d.line(d.faint, "%s%s", before, line)
			line = ""
		}
		if line != "" {
			line += "  "
		}
		line += fact
	}
	if line != "" {
		d.line(d.faint, "%s%s", before, line)
	}
}

func (d *drawing) factsOf(n *node) (facts []string) {
	if n.Status == Error && n.StatusMessage != "" {
		facts = append(facts, "error: "+printable(n.StatusMessage))
	}
	for _, key := range slices.Sorted(maps.Keys(n.Attributes)) {
		value := plain(n.Attributes[key])
		if matters(key) && !strings.HasSuffix(n.Name, " "+value) { // as a topic is said in the name
			facts = append(facts, printable(key)+"="+value)
		}
	}
	if n.orphan {
		facts = append(facts, "its parent "+n.ParentID+" is not here")
	}
	return facts
}

// What a link leads to is said by an attribute.
const (
	linkAs   = "charge.link"
	linkPoll = "poll"
)

// matters says whether an attribute is shown. The correlation ID is the title.
func matters(key string) bool {
	switch key {
	case "http.response.status_code", "error.type", "messaging.kafka.offset":
		return true
	case correlationID:
		return false
	}
	return strings.HasPrefix(key, "charge.") || strings.HasPrefix(key, "messaging.destination.")
}

// bar shows when in its trace a span was; every span has a mark.
func bar(s Span, t *tree, columns int) string {
	whole := max(1, t.end.Sub(t.start))
	place := func(at time.Time) int { return int(float64(at.Sub(t.start)) / float64(whole) * float64(columns)) }
	from := min(max(0, place(s.Start)), columns-1)
	until := min(max(from+1, place(s.End)), columns)
	return strings.Repeat("·", from) + strings.Repeat("━", until-from) + strings.Repeat("·", columns-until)
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func pad(s string, columns int) string {
	return s + strings.Repeat(" ", max(0, columns-utf8.RuneCountInString(s)))
}

func paint(ink, text string) string {
	if ink == "" || strings.TrimSpace(text) == "" {
		return text
	}
	return "\x1b[" + ink + "m" + text + "\x1b[0m"
}
