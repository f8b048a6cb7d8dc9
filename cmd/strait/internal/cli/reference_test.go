package cli

import (
	"strings"
	"testing"
)

// TestReference has every command and its flags on the page. That the page in the
// repository is this one is checked by `make check`.
func TestReference(t *testing.T) {
	page := string(Reference())
	a := &app{p: withDefaults(Params{})}
	for _, c := range a.newRoot().Commands() {
		if c.IsAvailableCommand() && !strings.Contains(page, "\n## strait "+c.Name()+"\n") {
			t.Errorf("%s is not on the page", c.Name())
		}
	}
	for _, want := range []string{"| `--drain-timeout` | `30s` |", "| 78 | the configuration has errors |", "strait demo --once --records 200\n"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q", want)
		}
	}
}
