// Package view owns everything the program prints: results on stdout, talk on
// stderr, and the status table that stays at the foot of a terminal while lines
// scroll above it. It decides nothing.
package view

import (
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/strait-mirror/strait/config/diag"
)

// Params is what New needs.
type Params struct {
	Out, Err    io.Writer // required
	OutTerminal bool      // Out shows a terminal that understands escape sequences
	ErrTerminal bool      // Err shows on a terminal, in the case of both the same one
	Color       bool
	Size        func() (width, height int) // of the terminal; default 80 by 24
}

// View prints. Its methods are safe for concurrent use.
type View struct {
	p Params

	mu    sync.Mutex // guards the outputs and the rest
	table []string   // the lines at the foot of the terminal
}

// New returns a view; it prints nothing.
func New(p Params) *View {
	if p.Size == nil {
		p.Size = func() (int, int) { return maxWidth, 24 }
	}
	return &View{p: p}
}

// Print writes one line of a command's result.
func (v *View) Print(format string, args ...any) {
	v.write(v.p.Out, v.p.OutTerminal, fmt.Sprintf(format, args...)+"\n")
}

// Lines writes lines of a command's result.
func (v *View) Lines(lines []string) {
	for _, line := range lines {
		v.Print("%s", line)
	}
}

// Raw writes a command's result as it is.
func (v *View) Raw(text []byte) { v.write(v.p.Out, v.p.OutTerminal, string(text)) }

// Note says on stderr what the program is doing.
func (v *View) Note(format string, args ...any) {
	v.write(v.p.Err, v.p.ErrTerminal, "strait: "+fmt.Sprintf(format, args...)+"\n")
}

// Error says on stderr why a command failed.
func (v *View) Error(err error) {
	v.write(v.p.Err, v.p.ErrTerminal, "strait: "+v.paint(red, "error")+": "+err.Error()+"\n")
}

// Hint says on stderr what to do about an error.
func (v *View) Hint(format string, args ...any) {
	v.write(v.p.Err, v.p.ErrTerminal, "  fix: "+fmt.Sprintf(format, args...)+"\n")
}

// Diagnostics says on stderr what is wrong with the user's text, which src has.
func (v *View) Diagnostics(problems diag.List, src *diag.Sources) {
	if len(problems) == 0 {
		return
	}
	var b strings.Builder
	if err := diag.Render(&b, problems, src); err != nil {
		v.Error(err) // a strings.Builder takes everything, so this cannot be
		return
	}
	v.write(v.p.Err, v.p.ErrTerminal, b.String())
}

// LogWriter returns a writer to stderr whose lines scroll above a status table.
func (v *View) LogWriter() io.Writer { return logWriter{v} }

type logWriter struct{ v *View }

func (w logWriter) Write(b []byte) (int, error) {
	w.v.write(w.v.p.Err, w.v.p.ErrTerminal, string(b))
	return len(b), nil
}

// write puts text above the table. Nothing can be done about an output that
// cannot be written, so its error ends here.
func (v *View) write(to io.Writer, terminal bool, text string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !terminal || len(v.table) == 0 {
		_, _ = io.WriteString(to, text)
		return
	}
	_, _ = io.WriteString(v.p.Out, eraseLines(len(v.table)))
	_, _ = io.WriteString(to, text)
	_, _ = io.WriteString(v.p.Out, strings.Join(v.table, "\n")+"\n")
}

// redraw replaces the table at the foot of the terminal.
func (v *View) redraw(lines []string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	_, _ = io.WriteString(v.p.Out, eraseLines(len(v.table))+strings.Join(lines, "\n")+"\n")
	v.table = lines
}

// release leaves the table where it is and lets lines follow it.
func (v *View) release() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.table = nil
}

// eraseLines goes up n lines and clears from there to the end of the screen.
func eraseLines(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("\x1b[%dA\x1b[J", n)
}

type color string

const (
	red    color = "31"
	green  color = "32"
	yellow color = "33"
	dim    color = "2"
	bold   color = "1"
)

func (v *View) paint(c color, text string) string {
	if !v.p.Color {
		return text
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}

// Good paints text as good news.
func (v *View) Good(text string) string { return v.paint(green, text) }

// Bad paints text as bad news.
func (v *View) Bad(text string) string { return v.paint(red, text) }

// Strong paints text that is to be found at a glance.
func (v *View) Strong(text string) string { return v.paint(bold, text) }

// Faint paints text that may be skipped.
func (v *View) Faint(text string) string { return v.paint(dim, text) }
