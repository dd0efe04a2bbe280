package main

import (
	"errors"
	"flag"
	"io"
	"strings"
)

// commandLine is what was given to a command.
type commandLine struct {
	settings layer
	args     []string
	help     bool
}

// flagSet holds the command's own flags and those of the settings, whose values go into given. Secrets have no flags.
func (c command) flagSet(given layer) *flag.FlagSet {
	fs := flag.NewFlagSet(c.name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	if c.flags != nil {
		c.flags(fs)
	}
	if !c.settings {
		return fs
	}
	keep := func(name string) (string, string, func(string) error) {
		return name, "", func(text string) error {
			given[name] = raw{text: text, from: "--" + name}
			return nil
		}
	}
	fs.Func(keep(configFile))
	for s := range new(config).each() {
		switch {
		case s.kind.secret:
			fs.Func(keep(s.name + fileSuffix))
		case s.kind.boolean:
			fs.BoolFunc(keep(s.name))
		default:
			fs.Func(keep(s.name))
		}
	}
	return fs
}

// parse reads flags and arguments in any order, and goes on after a fault.
func (c command) parse(args []string) (commandLine, faults) {
	line := commandLine{settings: layer{}}
	fs := c.flagSet(line.settings)
	var wrong faults
	for len(args) > 0 {
		err := fs.Parse(args)
		rest := fs.Args()
		last := "" // the last argument that was read: the one at fault, if err is not nil
		if read := len(args) - len(rest); read > 0 {
			last = args[read-1]
		}
		switch {
		case errors.Is(err, flag.ErrHelp):
			return commandLine{help: true}, nil
		case err != nil && strings.HasPrefix(last, "-") && fs.Lookup(flagName(last)) == nil:
			wrong = append(wrong, unknownFlag("--"+flagName(last), fs))
			if !strings.Contains(last, "=") && len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
				rest = rest[1:] // most likely the value of the unknown flag
			}
		case err != nil:
			wrong = append(wrong, fault{Name: c.name, Problem: err.Error()})
		case last == "--":
			line.args, rest = append(line.args, rest...), nil
		case len(rest) > 0:
			line.args, rest = append(line.args, rest[0]), rest[1:]
		}
		args = rest
	}
	if c.args == "" && len(line.args) > 0 {
		wrong = append(wrong, fault{Name: c.name, Value: strings.Join(line.args, " "), Problem: "takes no arguments"})
	}
	return line, wrong
}

// unknownFlag is the fault of a flag that fs does not have. It never repeats the flag's value, which may be a secret.
func unknownFlag(name string, fs *flag.FlagSet) fault {
	if file := name + fileSuffix; fs.Lookup(strings.TrimPrefix(file, "--")) != nil {
		return fault{Name: name, Problem: "every process can see a secret in a flag: use " + envName(strings.TrimPrefix(name, "--")) + ", or " + file}
	}
	return fault{Name: name, Problem: "unknown flag" + suggest(name, flagNames(fs))}
}

// flagName is the name in a flag as it was given: -name, --name or --name=value.
func flagName(arg string) string {
	name, _, _ := strings.Cut(strings.TrimLeft(arg, "-"), "=")
	return name
}

func flagNames(fs *flag.FlagSet) []string {
	var names []string
	fs.VisitAll(func(f *flag.Flag) { names = append(names, "--"+f.Name) })
	return names
}
