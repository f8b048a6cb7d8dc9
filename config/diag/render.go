package diag

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// Render writes every diagnostic to w: its one-line form, the source line with
// a caret under the place where src has the file, and the fix. src may be nil.
func Render(w io.Writer, l List, src *Sources) error {
	return RenderAs(w, l, src, Diagnostic.String)
}

// RenderAs is Render with another first line per diagnostic, made by head.
func RenderAs(w io.Writer, l List, src *Sources, head func(Diagnostic) string) error {
	if src == nil {
		src = &Sources{}
	}
	b := bufio.NewWriter(w)
	for _, d := range l {
		fmt.Fprintln(b, head(d))
		if sn, ok := src.excerpt(d.Subject); ok {
			fmt.Fprintf(b, "  %s\n", strings.TrimRight(sn.text, " "))
			fmt.Fprintf(b, "  %s%s\n", strings.Repeat(" ", sn.from), strings.Repeat("^", max(1, sn.to-sn.from)))
		}
		if d.Fix != "" {
			fmt.Fprintf(b, "  fix: %s\n", d.Fix)
		}
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("rendering diagnostics: %w", err)
	}
	return nil
}
