package konasim

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// ParseScenario reads a scenario file; the package documentation describes it. The error names every fault, each with its line.
func ParseScenario(content []byte) (*Scenario, error) {
	file, err := parser.ParseBytes(content, 0)
	if err != nil {
		return nil, fmt.Errorf("konasim: scenario: %w", err)
	}
	r := reader{scenario: &Scenario{exact: map[string][]named{}}}
	if len(file.Docs) != 1 || file.Docs[0].Body == nil {
		return nil, errors.New("konasim: scenario: want one YAML document with latency, phases or transactions")
	}
	r.file(file.Docs[0].Body)
	if r.unknown {
		r.faults = append(r.faults, errAnswers())
	}
	if len(r.faults) > 0 {
		return nil, fmt.Errorf("konasim: scenario:\n%w", errors.Join(r.faults...))
	}
	return r.scenario, nil
}

// reader walks a file's syntax tree, because only that knows the lines.
type reader struct {
	scenario *Scenario
	faults   []error
	unknown  bool // whether one of them is the name of an answer
}

func (r *reader) fault(at ast.Node, format string, args ...any) {
	r.faults = append(r.faults, fmt.Errorf("line %d: "+format, append([]any{at.GetToken().Position.Line}, args...)...))
}

func (r *reader) file(body ast.Node) {
	for key, value := range r.mapping(body, "the file") {
		switch text(key) {
		case "latency":
			if d, ok := r.duration(value, "latency", 0); ok {
				r.scenario.latency = &d
			}
		case "phases":
			r.phases(value)
		case "transactions":
			r.transactions(value)
		default:
			r.fault(key, "unknown key %q: want latency, phases or transactions", text(key))
		}
	}
}

func (r *reader) phases(node ast.Node) {
	last := time.Duration(0)
	values := r.sequence(node, "phases")
	for i, value := range values {
		p := r.phase(value, last)
		if p.until != forever {
			last = p.until
		} else if i < len(values)-1 {
			r.fault(value, "only the last phase can do without until")
		}
		r.scenario.phases = append(r.scenario.phases, p)
	}
}

// phase reads one phase, which begins at after.
func (r *reader) phase(node ast.Node, after time.Duration) phase {
	p := phase{until: forever, share: 1}
	var share ast.Node
	for key, value := range r.mapping(node, "a phase") {
		switch text(key) {
		case "until":
			p.until, _ = r.duration(value, "until", after+1)
		case "answer":
			p.answer = r.name(value)
		case "share":
			share = value
			part, err := strconv.ParseFloat(text(value), 64)
			if err != nil || !(part > 0 && part <= 1) {
				r.fault(value, "share %q: want a number above 0, at most 1", text(value))
			}
			p.share = part
		default:
			r.fault(key, "unknown key %q: want until, answer or share", text(key))
		}
	}
	if share != nil && p.answer.name == "" {
		r.fault(share, "a share of what? want an answer beside it")
	}
	return p
}

func (r *reader) transactions(node ast.Node) {
	for key, value := range r.mapping(node, "transactions") {
		id, isPrefix := strings.CutSuffix(text(key), "*")
		if n := utf8.RuneCountInString(id); n > maxSequenceID || n == 0 && !isPrefix || strings.Contains(id, "*") {
			r.fault(key, "transaction %q: want a sequence ID of 1 to %d characters, or its beginning and *", text(key), maxSequenceID)
		}
		var answers []named
		for _, name := range r.sequence(value, "the answers of a transaction") {
			answers = append(answers, r.name(name))
		}
		if isPrefix {
			r.scenario.prefixes = append(r.scenario.prefixes, prefix{id, answers})
		} else {
			r.scenario.exact[id] = answers
		}
	}
	slices.SortFunc(r.scenario.prefixes, func(a, b prefix) int { return cmp.Compare(len(b.begins), len(a.begins)) })
}

// name reads the name of an answer. It returns a name even where it found a fault: one fault is enough.
func (r *reader) name(node ast.Node) named {
	n, ok := lookup(text(node))
	if !ok {
		r.fault(node, "unknown answer %q", text(node))
		r.unknown = true
		n.name = text(node) + "?"
	}
	return n
}

// errAnswers names the answers, for whoever named another.
func errAnswers() error {
	words := slices.Sorted(maps.Keys(vocabulary))
	return errors.New("the answers are PENDING-<n>, NOTFOUND-<n>, SLOW-<ms>, DRIP-<ms>, HTTP<status>, HTTP<status>-<seconds>, " + strings.Join(words, ", "))
}

func (r *reader) duration(node ast.Node, what string, least time.Duration) (time.Duration, bool) {
	d, err := time.ParseDuration(text(node))
	switch {
	case err != nil || d < 0:
		r.fault(node, "%s %q: want a duration such as 20ms or 1m30s", what, text(node))
	case d < least:
		r.fault(node, "%s %q: want more than %v", what, text(node), least-1)
	default:
		return d, true
	}
	return max(d, least), false
}

// mapping yields the keys and values of a mapping that has some.
func (r *reader) mapping(node ast.Node, what string) func(yield func(key, value ast.Node) bool) {
	return func(yield func(key, value ast.Node) bool) {
		m, ok := node.(*ast.MappingNode)
		if !ok || len(m.Values) == 0 {
			r.fault(node, "%s: want keys and values", what)
			return
		}
		for _, v := range m.Values {
			if !yield(v.Key, v.Value) {
				return
			}
		}
	}
}

// sequence returns the elements of a sequence that has some.
func (r *reader) sequence(node ast.Node, what string) []ast.Node {
	s, ok := node.(*ast.SequenceNode)
	if !ok || len(s.Values) == 0 {
		r.fault(node, "%s: want a list", what)
		return nil
	}
	return s.Values
}

// text is a scalar as it was written, without its quotes; empty for all else.
func text(node ast.Node) string {
	switch n := node.(type) {
	case *ast.StringNode:
		return n.Value
	case *ast.LiteralNode, *ast.NullNode:
		return ""
	case ast.ScalarNode:
		return n.GetToken().Value
	}
	return ""
}
