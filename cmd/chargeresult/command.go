package main

import (
	"context"
	"flag"
	"io"
	"slices"
	"strings"
)

// command is one row of the command table.
type command struct {
	name     string
	args     string // what its arguments are, for the help page; empty: it takes none
	summary  string
	examples []string
	settings bool                // whether it takes the settings, and their flags
	needs    []string            // groups of settings that it cannot do without
	tolerant bool                // whether it runs although the settings have faults
	flags    func(*flag.FlagSet) // registers its own flags; nil: it has none
	run      func(context.Context, invocation) error
}

// invocation is what a command is run with.
type invocation struct {
	cfg            config
	effective      []effective // every setting with its value and where that came from
	faults         faults      // of the settings; empty unless the command is tolerant
	args           []string
	stdout, stderr io.Writer
}

// dispatch finds the command, reads its flags and the settings, and runs it. The faults of all of these are reported at once.
func dispatch(ctx context.Context, args, environ []string, stdout, stderr io.Writer) error {
	all := commands()
	if len(args) == 0 {
		args = []string{""}
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		writeOverview(stdout, all)
		return nil
	}
	i := slices.IndexFunc(all, func(c command) bool { return c.name == args[0] })
	if i < 0 {
		return faults{{Name: "command", Value: args[0], Problem: "expected " + strings.Join(names(all), ", ") + suggest(args[0], names(all))}}
	}
	c := all[i]
	given, wrong := c.parse(args[1:])
	if given.help {
		writeHelp(stdout, c)
		return nil
	}
	in := invocation{args: given.args, stdout: stdout, stderr: stderr}
	if c.settings {
		in.cfg, in.effective, in.faults = load(given.settings, environ, c.needs)
	}
	if !c.tolerant || len(wrong) > 0 {
		wrong = append(wrong, in.faults...)
	}
	if len(wrong) > 0 {
		return wrong
	}
	return c.run(ctx, in)
}

func names(all []command) []string {
	var names []string
	for _, c := range all {
		names = append(names, c.name)
	}
	return names
}
