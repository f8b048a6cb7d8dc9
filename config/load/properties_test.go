package load_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/load"
	"github.com/strait-mirror/strait/config/model"
)

// user is who logs in over a connection; "" for nobody.
func user(c *model.Cluster) string {
	if c == nil || c.SASL == nil {
		return ""
	}
	return c.SASL.Username
}

// TestProperties gives properties = {} the meaning that attributes and blocks of
// the same kind have.
func TestProperties(t *testing.T) {
	as := func(name string) string {
		return `"org.apache.kafka.common.security.plain.PlainLoginModule required username=\"` + name + `\" password=\"p\";"`
	}
	tests := map[string]struct {
		a, b, flow string // what is in the blocks
		get        func(*model.Config) any
		want       any
	}{
		"a login": {
			a:    `properties = { "security.protocol" = "SASL_PLAINTEXT", "sasl.mechanism" = "PLAIN", "sasl.jaas.config" = ` + as("ann") + ` }`,
			get:  func(c *model.Config) any { return []any{user(c.Clusters[0]), c.Flows[0].Connections} },
			want: []any{"ann", model.Connections{}},
		},
		"a client of the cluster": {
			a: `sasl "plain" {
				username = "ann"
				password = "p"
			}
			properties = { "admin.sasl.jaas.config" = ` + as("adm") + ` }`,
			get: func(c *model.Config) any {
				own := c.Flows[0].Connections
				return []any{user(c.Clusters[0]), own.SourceConsumer == nil, user(own.SourceAdmin), own.TargetAdmin == nil}
			},
			want: []any{"ann", true, "adm", true},
		},
		"a client of the flow": {
			a:    `properties = { "security.protocol" = "SASL_PLAINTEXT", "sasl.mechanism" = "PLAIN", "sasl.jaas.config" = ` + as("ann") + `, "consumer.sasl.jaas.config" = ` + as("con") + ` }`,
			flow: `properties = { "source.consumer.sasl.jaas.config" = ` + as("flo") + `, "target.admin.retry.backoff.ms" = 7 }`,
			get: func(c *model.Config) any {
				own := c.Flows[0].Connections
				return []any{user(own.SourceConsumer), user(own.SourceAdmin), own.TargetAdmin.Connection.RetryBackoff, own.TargetProducer == nil}
			},
			want: []any{"flo", "", 7 * time.Millisecond, true},
		},
		"tuning": {
			a:    `properties = { "consumer.fetch.min.bytes" = 5, "fetch.max.wait.ms" = 70, "consumer.max.partition.fetch.bytes" = 900, "connections.max.idle.ms" = 60000 }`,
			b:    `properties = { "producer.request.timeout.ms" = 4000 }`,
			flow: "max_partition_fetch_bytes = 800\n properties = { \"fetch.min.bytes\" = 6, \"max.request.size\" = 2048 }",
			get: func(c *model.Config) any {
				f := c.Flows[0]
				return []any{f.FetchMinBytes, f.FetchMaxWait, f.MaxPartitionFetchBytes, f.MaxRequestSize, f.RequestTimeout, c.Clusters[0].Connection.MaxIdle, f.Connections}
			},
			want: []any{int32(6), 70 * time.Millisecond, int32(800), int32(2048), 4 * time.Second, time.Minute, model.Connections{}},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			cfg, problems := loadHCL(t, tt.a, tt.b, tt.flow)
			if problems.HasErrors() {
				t.Fatal(problems)
			}
			if diff := cmp.Diff(tt.want, tt.get(cfg)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// loadHCL loads two clusters and a flow with these contents.
func loadHCL(t *testing.T, a, b, flow string) (*model.Config, diag.List) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "t.hcl")
	text := "cluster \"A\" {\n bootstrap_servers = [\"a:1\"]\n" + a + "\n}\ncluster \"B\" {\n bootstrap_servers = [\"b:1\"]\n" + b + "\n}\nflow \"A->B\" {\n" + flow + "\n}\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return load.Load([]string{path}, load.Options{Env: env})
}

// TestPropertiesShareConnections: flows that say the same have one connection.
func TestPropertiesShareConnections(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.hcl")
	text := `cluster "A" {
  bootstrap_servers = ["a:1"]
  properties        = { "admin.retry.backoff.ms" = 7 }
}
cluster "B" { bootstrap_servers = ["b:1"] }
cluster "C" { bootstrap_servers = ["c:1"] }
flow "A->B" {}
flow "A->C" {}
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, problems := load.Load([]string{path}, load.Options{Env: env})
	if problems.HasErrors() {
		t.Fatal(problems)
	}
	one, two := cfg.Flows[0].Connections.SourceAdmin, cfg.Flows[1].Connections.SourceAdmin
	if one == nil || one != two {
		t.Errorf("two connections: %p and %p", one, two)
	}
}
