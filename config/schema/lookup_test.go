package schema_test

import (
	"strings"
	"testing"

	"github.com/strait-mirror/strait/config/schema"
)

func TestLookup(t *testing.T) {
	tests := map[string]string{
		"deployment":              "deployment",
		"cluster.tls.ca":          "cluster.tls.ca",
		"ca":                      "cluster.tls.ca cluster.sasl.ca",
		"flow.replication_factor": "flow.replication_factor",
		"replication.factor":      "flow.replication_factor sink.replication_factor",
		"transform.rename.prefix": "transform.rename.prefix",
		"":                        "",
	}
	for name, want := range tests {
		var got []string
		found, _ := schema.Lookup(name)
		for _, f := range found {
			got = append(got, f.Name())
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q is %v, want %s", name, got, want)
		}
	}
	if _, near := schema.Lookup("replication_facter"); near != "replication_factor" {
		t.Errorf("near is %q", near)
	}
}

// TestAllNames has a name of its own for every attribute, and something to say of
// each.
func TestAllNames(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range schema.All() {
		if seen[f.Name()] {
			t.Errorf("%s is there twice", f.Name())
		}
		seen[f.Name()] = true
		if text := f.Text(); !strings.HasPrefix(text, f.Name()+"\n\n") || !strings.Contains(text, "- type: ") || strings.Contains(text, "`") {
			t.Errorf("%s", text)
		}
	}
	if len(seen) < 100 {
		t.Errorf("only %d attributes", len(seen))
	}
}
