package main

import (
	"context"
	"fmt"
	"io"
	"strings"
)

func completionCommand() command {
	return command{
		name:    "completion",
		args:    "bash|zsh|fish",
		summary: "print a completion script for a shell",
		examples: []string{
			"source <(chargeresult completion bash)",
			"source <(chargeresult completion zsh)",
			"chargeresult completion fish > ~/.config/fish/completions/chargeresult.fish",
		},
		run: func(_ context.Context, in invocation) error {
			scripts := map[string]func(io.Writer, []command){"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}
			if len(in.args) != 1 || scripts[in.args[0]] == nil {
				return faults{{Name: "completion", Value: strings.Join(in.args, " "), Problem: "expected bash, zsh or fish"}}
			}
			scripts[in.args[0]](in.stdout, commands())
			return nil
		},
	}
}

// words are what can follow the command's name.
func (c command) words() []string {
	words := append(flagNames(c.flagSet(layer{})), "--help")
	if c.args != "" {
		words = append(words, strings.Split(c.args, "|")...)
	}
	return words
}

func bashCompletion(w io.Writer, all []command) {
	fmt.Fprintf(w, `_chargeresult() {
  local words
  if [ "$COMP_CWORD" -eq 1 ]; then
    words=%q
  else
    case "${COMP_WORDS[1]}" in
`, strings.Join(names(all), " "))
	for _, c := range all {
		fmt.Fprintf(w, "    %s) words=%q ;;\n", c.name, strings.Join(c.words(), " "))
	}
	fmt.Fprint(w, `    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _chargeresult chargeresult
`)
}

// zshCompletion lets zsh read the script for bash, as zsh itself offers to.
func zshCompletion(w io.Writer, all []command) {
	fmt.Fprint(w, "autoload -Uz compinit bashcompinit && compinit && bashcompinit\n")
	bashCompletion(w, all)
}

func fishCompletion(w io.Writer, all []command) {
	for _, c := range all {
		fmt.Fprintf(w, "complete -c chargeresult -f -n __fish_use_subcommand -a %s -d %q\n", c.name, c.summary)
		for _, word := range c.words() {
			option := "-a " + word
			if long, ok := strings.CutPrefix(word, "--"); ok {
				option = "-l " + long
			}
			fmt.Fprintf(w, "complete -c chargeresult -n '__fish_seen_subcommand_from %s' %s\n", c.name, option)
		}
	}
}
