package format

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/pipeline/lint"
)

// GitHub writes workflow commands, which GitHub Actions shows beside the lines
// of a pull request.
func GitHub(w io.Writer, r *lint.Report) error {
	command := map[diag.Severity]string{diag.Error: "error", diag.Warning: "warning", diag.Info: "notice"}
	// The escapes of the runner: a value of a property must not hold the
	// characters that end it, either.
	data := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	b := bufio.NewWriter(w)
	for _, f := range r.Findings {
		var props []string
		at := f.Subject
		if at.File != "" {
			props = append(props, "file="+property.Replace(slashed(at.File)))
		}
		if at.Start.Line > 0 {
			props = append(props, fmt.Sprintf("line=%d", at.Start.Line))
			if at.End.Line > at.Start.Line {
				props = append(props, fmt.Sprintf("endLine=%d", at.End.Line))
			} else { // columns count within one line only
				props = append(props, fmt.Sprintf("col=%d,endColumn=%d", at.Start.Column, max(at.Start.Column, at.End.Column)))
			}
		}
		props = append(props, "title="+property.Replace(f.Code))
		fmt.Fprintf(b, "::%s %s::%s\n", command[f.Severity], strings.Join(props, ","), data.Replace(message(f)))
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("writing workflow commands: %w", err)
	}
	return nil
}
