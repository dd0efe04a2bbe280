package console

import (
	"fmt"
	"strings"
)

// deadLetterCommand is something that a person can do about dead letters, at a shell.
type deadLetterCommand struct{ Label, Line string }

// deadLetterCommands are what there is for those of one reason.
func deadLetterCommands(cfg Config, reason string) []deadLetterCommand {
	if cfg.DeadLetterTopic == "" {
		return nil
	}
	return []deadLetterCommand{{
		"Look at them", fmt.Sprintf(`kcat -C -e -q -b %s -t %s -f '%%T %%p/%%o %%k %%h\n' | grep -F %s`, quoted(cfg.Brokers), quoted(cfg.DeadLetterTopic), quoted("reason="+reason)),
	}}
}

// quoted is a shell's word.
func quoted(word string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.,:=/"
	if special := strings.ContainsFunc(word, func(r rune) bool { return !strings.ContainsRune(plain, r) }); word != "" && !special {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
