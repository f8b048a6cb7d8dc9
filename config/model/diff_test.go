package model_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
)

// topology is a small one, made anew for every test.
func topology() *model.Config {
	a, b := model.NewCluster(field.HCL), model.NewCluster(field.HCL)
	a.Alias, a.BootstrapServers = "A", []string{"a:9092", "a2:9092"}
	a.TLS = &model.TLS{CA: model.NewSecret("-----BEGIN CERTIFICATE-----\nTUlJQg==\n-----END CERTIFICATE-----\n")}
	a.SASL = &model.SASL{Mechanism: "PLAIN", Username: "u", Password: model.NewSecret("hunter2")}
	b.Alias, b.BootstrapServers = "B", []string{"b:9092"}
	f := model.NewFlow(field.HCL)
	f.Name, f.From, f.To = "A->B", "A", "B"
	f.Properties = map[string]model.Property{"producer.acks": {Value: model.NewSecret("all")}}
	return &model.Config{Clusters: []*model.Cluster{a, b}, Flows: []*model.Flow{f}}
}

func TestDiff(t *testing.T) {
	tests := map[string]struct {
		edit func(*model.Config)
		want []string
	}{
		"nothing": {func(*model.Config) {}, nil},
		"places": {func(c *model.Config) {
			c.Flows[0].Range = diag.Range{File: "x"}
			c.Flows[0].Ranges = model.Places{"topics": {}}
		}, nil},
		"order of a list": {func(c *model.Config) {
			c.Clusters[0].BootstrapServers = []string{"a2:9092", "a:9092"}
		}, nil},
		"order of clusters": {func(c *model.Config) { c.Clusters[0], c.Clusters[1] = c.Clusters[1], c.Clusters[0] }, nil},
		"layout of PEM": {func(c *model.Config) {
			c.Clusters[0].TLS.CA = model.NewSecret("the authority:\n-----BEGIN CERTIFICATE-----\nTUlJ\nQg==\n-----END CERTIFICATE-----")
		}, nil},
		"another certificate": {func(c *model.Config) {
			c.Clusters[0].TLS.CA = model.NewSecret("-----BEGIN CERTIFICATE-----\nTUlJQw==\n-----END CERTIFICATE-----\n")
		}, []string{`cluster "A": tls: ca: the secrets differ`}},
		"another password": {func(c *model.Config) { c.Clusters[0].SASL.Password = model.NewSecret("hunter3") }, []string{`cluster "A": sasl: password: the secrets differ`}},
		"no login":         {func(c *model.Config) { c.Clusters[0].SASL = nil }, []string{`cluster "A": sasl: only one of the two has it`}},
		"a list":           {func(c *model.Config) { c.Flows[0].Topics = []string{"x", "y"} }, []string{`flow "A->B": topics: x, y, not .*`}},
		"a duration": {func(c *model.Config) { c.Flows[0].RefreshTopicsInterval = time.Minute }, []string{
			`flow "A->B": refresh_topics_interval: 1m, not 4s`,
		}},
		"a property": {func(c *model.Config) {
			c.Flows[0].Properties = map[string]model.Property{"producer.acks": {Value: model.NewSecret("1")}, "x": {}}
		}, nil},
		"a client": {func(c *model.Config) {
			c.Flows[0].Connections.SourceAdmin = &model.Cluster{Alias: "A"}
		}, []string{`flow "A->B": connections: source_admin: only one of the two has it`}},
		"a deployment": {func(c *model.Config) { c.Deployment = "blue" }, []string{"deployment: blue, not "}},
		"other names": {func(c *model.Config) { c.Clusters[1].Alias, c.Flows = "C", nil }, []string{
			`cluster "B": only the first has it`, `cluster "C": only the second has it`, `flow "A->B": only the first has it`,
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			other := topology()
			tt.edit(other)
			got := model.Diff(topology(), other)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			if strings.Contains(strings.Join(got, ""), "hunter") {
				t.Error("a secret is shown")
			}
		})
	}
}
