// Package diag is how problems in a user's text are reported: with a stable
// code, a place, and what to do about it. It renders, it never decides.
package diag

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Pos is a place in a file. Line and Column count from 1, Column in
// characters; Byte counts from 0.
type Pos struct {
	Line, Column, Byte int
}

// Range is a span of one file. The zero Range means "no place".
type Range struct {
	File       string
	Start, End Pos
}

// String is "file:line:column", "file" where no line is known, or "".
func (r Range) String() string {
	if r.Start.Line == 0 {
		return r.File
	}
	return fmt.Sprintf("%s:%d:%d", r.File, r.Start.Line, r.Start.Column)
}

// IsZero reports whether the range names no place at all.
func (r Range) IsZero() bool { return r == Range{} }

// Within is the place of a line and a column, both from 1, of text, which is the
// literal at r: r itself where escapes in the literal keep that from being known.
func (r Range) Within(text string, line, column int) Range {
	at := r
	switch {
	case r.Start.Line == 0 || line < 1 || column < 1:
		return r
	case r.End.Line == r.Start.Line && line == 1 && r.End.Byte-r.Start.Byte == len(text)+2:
		at.Start.Column += column
		at.Start.Byte += column
	case r.End.Line > r.Start.Line: // a heredoc: its first line is behind the marker's
		at.Start.Line += line
		at.Start.Column = column
	default:
		return r
	}
	at.End = at.Start
	return at
}

// Severity says whether a problem stops anything.
type Severity int

// The severities; the zero value is invalid.
const (
	Error Severity = iota + 1
	Warning
	Info
)

// String is the word printed in front of a summary.
func (s Severity) String() string {
	switch s {
	case Error:
		return "error"
	case Warning:
		return "warning"
	case Info:
		return "info"
	}
	return "invalid"
}

// Diagnostic is one problem. Summary and Fix never contain a secret value.
type Diagnostic struct {
	Severity Severity
	Code     string // stable, "STnnn"; see the Code constants
	Summary  string // one line, lower case, no full stop
	Fix      string // what to do about it; may be empty
	Subject  Range  // where
}

// String is the one-line form "file:line:column: error: summary (STnnn)".
func (d Diagnostic) String() string {
	text := fmt.Sprintf("%s: %s (%s)", d.Severity, d.Summary, d.Code)
	if at := d.Subject.String(); at != "" {
		return at + ": " + text
	}
	return text
}

// WithFix returns d with its fix set.
func (d Diagnostic) WithFix(format string, args ...any) Diagnostic {
	d.Fix = fmt.Sprintf(format, args...)
	return d
}

// At returns d placed at r.
func (d Diagnostic) At(r Range) Diagnostic {
	d.Subject = r
	return d
}

// Errorf makes a diagnostic that stops the file from being used.
func Errorf(code string, at Range, format string, args ...any) Diagnostic {
	return Diagnostic{Severity: Error, Code: code, Summary: fmt.Sprintf(format, args...), Subject: at}
}

// Warnf makes a diagnostic about something that probably surprises the user.
func Warnf(code string, at Range, format string, args ...any) Diagnostic {
	return Diagnostic{Severity: Warning, Code: code, Summary: fmt.Sprintf(format, args...), Subject: at}
}

// Infof makes a diagnostic that only informs.
func Infof(code string, at Range, format string, args ...any) Diagnostic {
	return Diagnostic{Severity: Info, Code: code, Summary: fmt.Sprintf(format, args...), Subject: at}
}

// List is any number of problems, in the order found.
type List []Diagnostic

// Add appends ds to the list.
func (l *List) Add(ds ...Diagnostic) { *l = append(*l, ds...) }

// HasErrors reports whether any diagnostic is an Error.
func (l List) HasErrors() bool { return l.Count(Error) > 0 }

// Count returns how many diagnostics have the severity s.
func (l List) Count(s Severity) int {
	n := 0
	for _, d := range l {
		if d.Severity == s {
			n++
		}
	}
	return n
}

// Sort orders the list by file, place, severity and code; equal ones keep the
// order they were found in.
func (l List) Sort() {
	slices.SortStableFunc(l, func(a, b Diagnostic) int {
		return cmp.Or(
			cmp.Compare(a.Subject.File, b.Subject.File),
			cmp.Compare(a.Subject.Start.Line, b.Subject.Start.Line),
			cmp.Compare(a.Subject.Start.Column, b.Subject.Start.Column),
			cmp.Compare(a.Severity, b.Severity),
			cmp.Compare(a.Code, b.Code),
		)
	})
}

// Once returns the list without repetitions of the same problem at the same
// place.
func (l List) Once() List {
	seen := make(map[Diagnostic]bool, len(l))
	var out List
	for _, d := range l {
		if !seen[d] {
			seen[d] = true
			out = append(out, d)
		}
	}
	return out
}

// Err is the list as an error for callers that can only pass one on, or nil
// when it holds no Error. Ask for the list back with errors.AsType[*Failure].
func (l List) Err() error {
	if !l.HasErrors() {
		return nil
	}
	return &Failure{List: l}
}

// Failure is a List with at least one Error, as an error value.
type Failure struct {
	List List // every diagnostic, warnings too
}

// Error joins the one-line forms of the errors, without warnings.
func (f *Failure) Error() string {
	var lines []string
	for _, d := range f.List {
		if d.Severity == Error {
			lines = append(lines, d.String())
		}
	}
	return strings.Join(lines, "\n")
}
