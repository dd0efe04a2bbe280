package main

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// progress shows how far a run has come: a bar that is drawn over itself on a terminal, one line a run elsewhere.
type progress struct {
	out      io.Writer
	line     string
	terminal bool
}

func newProgress(out io.Writer, line string) *progress {
	p := &progress{out: out, line: line}
	if file, ok := out.(*os.File); ok {
		info, err := file.Stat()
		p.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	if !p.terminal {
		fmt.Fprintln(out, line)
	}
	return p
}

const barWidth = 30

func (p *progress) show(seen, of int) {
	if p.terminal {
		done := seen * barWidth / of
		fmt.Fprintf(p.out, "\r%s%s %3d %%  %s\x1b[K", strings.Repeat("█", done), strings.Repeat("░", barWidth-done), seen*100/of, p.line)
	}
}

// end leaves a line with what the run measured.
func (p *progress) end(f figures) {
	if p.terminal {
		fmt.Fprint(p.out, "\r\x1b[K", p.line, "\n")
	}
	fmt.Fprintf(p.out, "    %.0f events/s, %.0f µs, %.0f MiB", throughput(f), cpu(f), memory(f))
	if f.P50 > 0 {
		fmt.Fprintf(p.out, ", p50 %.1f ms, p99 %.1f ms", p50(f), p99(f))
	}
	fmt.Fprintln(p.out)
}
