package main

import (
	"flag"
	"fmt"
	"io"
	"text/tabwriter"
)

// writeOverview prints the help page of the program.
func writeOverview(w io.Writer, all []command) {
	fmt.Fprint(w, "chargeresult answers, for every prepaid-card top-up and cancellation, how it ended.\n\nUsage: chargeresult COMMAND [flags]\n\nCommands:\n")
	table := newTable(w)
	for _, c := range all {
		fmt.Fprintf(table, "  %s\t%s\n", c.name, c.summary)
	}
	table.Flush()
	fmt.Fprint(w, `
Every setting is a flag, an environment variable or a key of the file given by --config, in that order of precedence:
"chargeresult config --reference" lists them, "chargeresult COMMAND --help" explains a command.

Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 refused for safety.
`)
}

// writeHelp prints the help page of one command.
func writeHelp(w io.Writer, c command) {
	fmt.Fprintf(w, "chargeresult %s: %s\n\nUsage: chargeresult %s", c.name, c.summary, c.name)
	if c.args != "" {
		fmt.Fprintf(w, " %s", c.args)
	}
	fmt.Fprint(w, " [flags]\n")
	if c.flags != nil {
		fmt.Fprint(w, "\nFlags:\n")
		own := flag.NewFlagSet(c.name, flag.ContinueOnError)
		c.flags(own)
		table := newTable(w)
		own.VisitAll(func(f *flag.Flag) {
			value, usage := flag.UnquoteUsage(f)
			fmt.Fprintf(table, "  --%s %s\t%s\n", f.Name, value, usage)
		})
		table.Flush()
	}
	if c.settings {
		fmt.Fprint(w, "\nSettings, as flags or as environment variables (secrets only there, or in files); \"chargeresult config --reference\" tells more:\n")
		table := newTable(w)
		fmt.Fprintf(table, "  --%s\t%s\n", configFile, envName(configFile))
		for s := range new(config).each() {
			fmt.Fprintf(table, "  %s\t%s\t%s\n", s.flag(), envName(s.name), s.def)
		}
		table.Flush()
	}
	fmt.Fprint(w, "\nExamples:\n")
	for _, example := range c.examples {
		fmt.Fprintf(w, "  %s\n", example)
	}
}

// flag is how the setting is given on the command line.
func (s setting) flag() string {
	if s.kind.secret {
		return "--" + s.name + fileSuffix
	}
	return "--" + s.name
}

// newTable aligns cells that are separated by tabs.
func newTable(w io.Writer) *tabwriter.Writer { return tabwriter.NewWriter(w, 0, 0, 2, ' ', 0) }
