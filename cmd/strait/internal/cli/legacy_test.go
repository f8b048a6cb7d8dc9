package cli

import (
	"slices"
	"strings"
	"testing"
)

func TestLegacyArgs(t *testing.T) {
	tests := map[string]struct{ args, want string }{
		"none":           {"", ""},
		"a command":      {"run x.hcl", "run x.hcl"},
		"a file":         {"mm2.properties", "run mm2.properties"},
		"not HCL":        {"x.hcl", "x.hcl"},
		"clusters":       {"mm2.properties --clusters A B", "run mm2.properties --clusters=A,B"},
		"and a flag":     {"mm2.properties --clusters A --once", "run mm2.properties --clusters=A --once"},
		"in front":       {"run --clusters A B mm2.properties", "run --clusters=A,B mm2.properties"},
		"a path":         {"run --clusters A ./conf", "run --clusters=A ./conf"},
		"without values": {"run mm2.properties --clusters", "run mm2.properties --clusters"},
		"with equals":    {"run mm2.properties --clusters=A,B", "run mm2.properties --clusters=A,B"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			args := strings.Fields(tt.args)
			before := slices.Clone(args)
			if got := strings.Join(legacyArgs(args), " "); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if !slices.Equal(args, before) {
				t.Error("the arguments were changed")
			}
		})
	}
}
