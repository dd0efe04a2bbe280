package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// readFile reads the configuration file: YAML, one key a setting, each a value or a list of values. Values are taken as they are
// written, so that 007 stays 007.
func readFile(path string, known []string) (layer, faults) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, faults{{Name: "--" + configFile + " or " + envName(configFile), Value: path, Problem: "cannot be read: " + err.Error()}}
	}
	return parseFile(path, text, slices.DeleteFunc(slices.Clone(known), func(name string) bool { return name == configFile }))
}

func parseFile(path string, text []byte, known []string) (layer, faults) {
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		// Its message without the lines around it, which may hold secrets.
		message := "not YAML"
		if at, ok := errors.AsType[yaml.Error](err); ok {
			path = fmt.Sprintf("%s:%d", path, at.GetToken().Position.Line)
			message = at.GetMessage()
		}
		return nil, faults{{Name: path, Problem: message}}
	}
	found := layer{}
	var wrong faults
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		mapping, ok := doc.Body.(*ast.MappingNode)
		if !ok || len(file.Docs) > 1 {
			return nil, faults{{Name: path, Problem: "expected one document of the form `setting: value`"}}
		}
		for _, entry := range mapping.Values {
			key := entry.Key.GetToken().Value
			at := fmt.Sprintf("%s:%d: %s", path, entry.Key.GetToken().Position.Line, key)
			value, ok := scalars(entry.Value)
			switch {
			case !slices.Contains(known, key):
				wrong = append(wrong, fault{Name: at, Problem: "unknown key" + suggest(key, known)})
			case !ok:
				wrong = append(wrong, fault{Name: at, Problem: "expected a value or a list of values"})
			case value != "":
				found[key] = raw{text: value, from: at}
			}
		}
	}
	return found, wrong
}

// scalars is the text of a value, or of a list of them separated by commas.
func scalars(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.NullNode:
		return "", true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.StringNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return n.GetToken().Value, true
	case *ast.SequenceNode:
		items := make([]string, len(n.Values))
		for i, item := range n.Values {
			var ok bool
			if items[i], ok = scalars(item); !ok {
				return "", false
			}
		}
		return strings.Join(items, ","), true
	}
	return "", false
}
