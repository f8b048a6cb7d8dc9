package cli

import (
	"slices"
	"strings"
)

// legacyArgs lets the program be called as connect-mirror-maker.sh is:
// "strait mm2.properties --clusters A B" runs the file. The values of
// --clusters follow it with blanks between them, up to a flag or a file.
func legacyArgs(args []string) []string {
	out := slices.Clone(args)
	if len(out) > 0 && strings.HasSuffix(out[0], ".properties") {
		out = slices.Insert(out, 0, "run")
	}
	at := slices.Index(out, "--clusters")
	if at < 0 {
		return out
	}
	end := at + 1
	for end < len(out) && isAlias(out[end]) {
		end++
	}
	if end == at+1 {
		return out // cobra says what is missing
	}
	joined := "--clusters=" + strings.Join(out[at+1:end], ",")
	return slices.Replace(out, at, end, joined)
}

// isAlias reports whether an argument can be the name of a cluster: it is
// neither a flag nor a file.
func isAlias(arg string) bool {
	return !strings.HasPrefix(arg, "-") && !strings.HasSuffix(arg, ".properties") &&
		!strings.HasSuffix(arg, ".hcl") && !strings.Contains(arg, "/")
}
