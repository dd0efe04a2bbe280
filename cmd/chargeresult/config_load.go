package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
)

const (
	envPrefix  = "CHARGERESULT_"
	configFile = "config" // names the configuration file: not a setting itself
	fileSuffix = "-file"  // after a secret's name: the path of the file that holds it
)

// raw is one value as it was given.
type raw struct {
	text string
	from string // which flag, variable, or line of the file
}

// layer holds what one source gives, by setting, or by setting and fileSuffix.
type layer map[string]raw

// effective is a setting with its value and where that came from.
type effective struct {
	setting
	group string
	from  string // default, --flag, CHARGERESULT_VARIABLE, or file:line
}

// load reads the settings: a flag before the environment, that before the configuration file, and that before the default.
// An empty value counts as none. needs are the groups whose required settings must be there. Every fault is found, not the first.
func load(flags layer, environ, needs []string) (config, []effective, faults) {
	var c config
	env, wrong := readEnviron(environ, knownNames())
	file := layer{}
	if path, ok := first(configFile, flags, env); ok {
		var more faults
		file, more = readFile(path.text, knownNames())
		wrong = append(wrong, more...)
	}
	var rows []effective
	for _, g := range c.groups() {
		for _, s := range g.settings {
			value, ok, more := find(s, flags, env, file)
			wrong = append(wrong, more...)
			switch {
			case ok:
				wrong = append(wrong, s.set(value)...)
			case len(more) == 0 && s.kind.required && slices.Contains(needs, g.name):
				wrong = append(wrong, fault{Name: envName(s.name), Problem: "missing: expected " + s.kind.form})
			}
			rows = append(rows, effective{setting: s, group: g.name, from: value.from})
		}
	}
	if path, ok := first("kafka-sasl-token"+fileSuffix, flags, env, file); ok {
		c.KafkaSASLTokenFile = path.text
	}
	return c, rows, append(wrong, c.conflicts(needs)...)
}

// find returns what the highest of the layers gives for s, else its default. The faults are about files of secrets.
func find(s setting, layers ...layer) (value raw, ok bool, wrong faults) {
	for _, l := range layers {
		direct, isDirect := l[s.name]
		path, isFile := l[s.name+fileSuffix]
		switch {
		case !s.kind.secret || !isFile:
			if isDirect {
				return direct, true, nil
			}
		case isDirect:
			return direct, true, faults{{Name: path.from, Problem: "given beside " + direct.from + ": expected one of them"}}
		default:
			return readSecret(path)
		}
	}
	return raw{text: s.def, from: "default"}, s.def != "", nil
}

func readSecret(path raw) (raw, bool, faults) {
	text, err := os.ReadFile(path.text)
	if err != nil {
		return raw{from: path.from}, false, faults{{Name: path.from, Value: path.text, Problem: "cannot be read: " + err.Error()}}
	}
	return raw{text: strings.TrimRight(string(text), "\r\n"), from: path.from}, true, nil
}

// set stores the value, or the default in its place if it is not of the form, so that no conflict is reported for a value that never was.
func (s setting) set(value raw) faults {
	shown := value.text
	if s.kind.hide != nil {
		shown = s.kind.hide(value.text)
	}
	if !s.kind.store(value.text) {
		s.kind.store(s.def)
		return faults{{Name: value.from, Value: shown, Problem: "expected " + s.kind.form}}
	}
	if shown != value.text && value.from == "--"+s.name {
		return faults{{Name: value.from, Value: shown, Problem: "every process can see a password in a flag: use " + envName(s.name)}}
	}
	return nil
}

func first(name string, layers ...layer) (raw, bool) {
	for _, l := range layers {
		if value, ok := l[name]; ok {
			return value, true
		}
	}
	return raw{}, false
}

// knownNames are all names that a source may use.
func knownNames() []string {
	known := []string{configFile}
	for s := range new(config).each() {
		known = append(known, s.name)
		if s.kind.secret {
			known = append(known, s.name+fileSuffix)
		}
	}
	return known
}

func envName(name string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// serviceLink matches what Kubernetes puts into the environment of every pod beside a Service named chargeresult, or chargeresult-something.
var serviceLink = regexp.MustCompile(`^CHARGERESULT_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$`)

func readEnviron(environ, known []string) (layer, faults) {
	variables := make([]string, len(known))
	for i, name := range known {
		variables[i] = envName(name)
	}
	found := layer{}
	var wrong faults
	for _, pair := range environ {
		variable, text, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(variable, envPrefix) || serviceLink.MatchString(variable) {
			continue
		}
		i := slices.Index(variables, variable)
		switch {
		case i < 0:
			wrong = append(wrong, fault{Name: variable, Problem: "unknown variable" + suggest(variable, variables)})
		case text == "":
			delete(found, known[i])
		default:
			found[known[i]] = raw{text: text, from: variable}
		}
	}
	return found, wrong
}
