package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/chargeresult/chargeresult/deploy/collector"
)

// How often progress is shown.
const (
	frameInterval = 100 * time.Millisecond // on a terminal
	lineInterval  = 2 * time.Second        // elsewhere
)

// screen is where progress is shown: one block that is drawn over itself on a terminal, lines elsewhere.
type screen struct {
	out      io.Writer
	terminal bool
	palette  palette
	columns  int // 0: not known
	drawn    int // lines of the block; owned by who draws
}

func newScreen(stdout io.Writer, getenv func(string) string) *screen {
	s := &screen{out: stdout}
	s.columns, _ = strconv.Atoi(getenv("COLUMNS"))
	if file, ok := stdout.(*os.File); ok && getenv("TERM") != "dumb" {
		info, err := file.Stat()
		s.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	if s.terminal && getenv("NO_COLOR") == "" { // https://no-color.org
		s.palette = colours
	}
	return s
}

// style is how traces are drawn on it.
func (s *screen) style() collector.Style {
	return collector.Style{Width: s.columns, Colour: s.palette != palette{}}
}

// show shows views until ctx ends, and the last one then.
func (s *screen) show(ctx context.Context, look func() view) {
	interval := lineInterval
	if s.terminal {
		interval = frameInterval
	}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			s.draw(look())
			return
		case <-tick.C:
			s.draw(look())
		}
	}
}

func (s *screen) draw(v view) {
	if !s.terminal {
		fmt.Fprintln(s.out, v.line())
		return
	}
	lines := v.frame(s.palette)
	var block strings.Builder
	block.WriteString("\x1b[?7l") // a narrow terminal cuts lines rather than wraps them, or the next frame would miss its place
	if s.drawn > 0 {
		fmt.Fprintf(&block, "\r\x1b[%dA", s.drawn)
	}
	for _, l := range lines {
		block.WriteString(l + "\x1b[K\n")
	}
	block.WriteString("\x1b[?7h")
	s.drawn = len(lines)
	_, _ = io.WriteString(s.out, block.String()) // in one write, so that no half frame is seen
}
