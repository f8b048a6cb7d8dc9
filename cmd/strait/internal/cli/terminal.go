package cli

import (
	"io"
	"os"

	"golang.org/x/term"

	"github.com/strait-mirror/strait/cmd/strait/internal/view"
)

// viewParams looks at the two outputs: what a terminal shows may be refreshed
// in place and coloured, unless the user's environment says otherwise.
func viewParams(p Params) view.Params {
	kind, _ := p.Getenv("TERM")
	plain, _ := p.Getenv("NO_COLOR")
	out := view.Params{Out: p.Stdout, Err: p.Stderr}
	out.OutTerminal = isTerminal(p.Stdout) && kind != "dumb"
	out.ErrTerminal = isTerminal(p.Stderr)
	out.Color = out.OutTerminal && plain == ""
	if file, ok := p.Stdout.(*os.File); ok && out.OutTerminal {
		out.Size = func() (int, int) {
			width, height, err := term.GetSize(int(file.Fd()))
			if err != nil || width <= 0 || height <= 0 { // some terminals of programs say they have none
				return 80, 24
			}
			return width, height
		}
	}
	return out
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
