package lint_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/pipeline/lint"
)

// large writes a topology of 1,000 flows between 100 clusters.
func large(language string) string {
	const clusters, flows = 100, 1000
	var b strings.Builder
	if language == "hcl" {
		b.WriteString("locals {\n  topics = [\"orders.*\", \"payments\"]\n}\n")
		for i := range clusters {
			fmt.Fprintf(&b, "cluster \"c%d\" {\n  bootstrap_servers = [\"c%d:9092\"]\n}\n", i, i)
		}
		for i := range flows {
			from, to := i%clusters, (i%clusters+1+i/clusters)%clusters
			fmt.Fprintf(&b, "flow \"c%d->c%d\" {\n  topics             = concat(local.topics, [\"t%d\\\\..*\"])\n  replication_factor = 3\n"+
				"  transform \"filter\" \"own\" {\n    topics_exclude = [\".*-tmp%d\"]\n  }\n}\n", from, to, i, from)
		}
		return b.String()
	}
	b.WriteString("clusters = c0")
	for i := 1; i < clusters; i++ {
		fmt.Fprintf(&b, ", c%d", i)
	}
	b.WriteString("\n")
	for i := range clusters {
		fmt.Fprintf(&b, "c%d.bootstrap.servers = c%d:9092\n", i, i)
	}
	for i := range flows {
		from, to := i%clusters, (i%clusters+1+i/clusters)%clusters
		fmt.Fprintf(&b, "c%[1]d->c%[2]d.enabled = true\nc%[1]d->c%[2]d.topics = orders.*, payments, t%[3]d\\\\..*\nc%[1]d->c%[2]d.replication.factor = 3\n", from, to, i)
	}
	return b.String()
}

// brokenFlows writes 1,000 flows that break many rules.
func brokenFlows() string {
	var out strings.Builder
	for i := range 1001 {
		fmt.Fprintf(&out, "cluster \"c%d\" {\n  bootstrap_servers = [\"c%d:9092\"]\n}\n", i, i)
	}
	for i := range 1000 {
		fmt.Fprintf(&out, "# strait:ignore ST404 a test\nflow \"c%d->c%d\" {\n  topics = [\"orders\", \"t%d.*\", \"a.b\", \"a_b\"]\n  replication_policy = \"identity\"\n}\n", i, (i+1)%1000, i)
	}
	return out.String()
}

// TestThousandFlows lints large files. They may take a second each, which the
// bench measures; a minute says, on the slowest machine and under the race
// detector, that something became quadratic.
func TestThousandFlows(t *testing.T) {
	tests := map[string]struct {
		language, text   string
		errors, warnings int
	}{
		"hcl":        {"hcl", large("hcl"), 0, 0},
		"properties": {"properties", large("properties"), 0, 0},
		"findings":   {"hcl", brokenFlows(), 1001, 1001},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			r := run(t, tt.language, tt.text)
			if took := time.Since(began); took > time.Minute {
				t.Errorf("took %s", took)
			}
			if e, w := r.Count(diag.Error), r.Count(diag.Warning); e != tt.errors || w != tt.warnings {
				t.Errorf("%d errors and %d warnings: %.1000v", e, w, r.List())
			}
		})
	}
}

func BenchmarkThousandFlows(b *testing.B) {
	for name, text := range map[string]string{"flows.hcl": large("hcl"), "flows.properties": large("properties"), "findings.hcl": brokenFlows()} {
		b.Run(name, func(b *testing.B) {
			path := filepath.Join(b.TempDir(), name)
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if _, err := lint.Run(lint.Params{Paths: []string{path}}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
