package hclfile

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/strait-mirror/strait/config/model"
)

// texts shows properties as "value @line", or "(secret) value" where sensitive.
func texts(properties map[string]model.Property) map[string]string {
	shown := map[string]string{}
	for key, p := range properties {
		text := p.Value.Reveal()
		if p.Sensitive {
			text = "(secret) " + text
		}
		shown[key] = fmt.Sprintf("%s @%d", text, p.Range.Start.Line)
	}
	return shown
}

func TestProperties(t *testing.T) {
	cfg, problems := read(clusters + `
locals { more = { "producer.linger.ms" = 5 } }
cluster "C" {
  for_each          = { x = "pw-x" }
  bootstrap_servers = ["c:9092"]
  properties = {
    "consumer.max.partition.fetch.bytes" = 4194304
    "consumer.check.crcs"                = true
    "security.providers"                 = ["a", "b"]
    "ssl.keystore.password"              = each.value
    "client.dns.lookup"                  = null
    "x.${each.key}"                      = env("SECRET")
  }
}
flow "A->B" { properties = merge(local.more, { "consumer.fetch.min.bytes" = "7" }) }`)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	want := map[string]string{
		"consumer.max.partition.fetch.bytes": "4194304 @10", "consumer.check.crcs": "true @11",
		"security.providers": "a,b @12", "ssl.keystore.password": "(secret) pw-x @13", "x.x": "(secret) hunter2 @15",
	}
	if diff := cmp.Diff(want, texts(cfg.Clusters[2].Properties)); diff != "" {
		t.Error(diff)
	}
	want = map[string]string{"producer.linger.ms": "5 @18", "consumer.fetch.min.bytes": "7 @18"}
	if diff := cmp.Diff(want, texts(cfg.Flows[0].Properties)); diff != "" {
		t.Error(diff)
	}
	if s := fmt.Sprintf("%+v", cfg.Clusters[2].Properties); s == "" || cmp.Equal(s, "hunter2") {
		t.Error(s)
	}
}

func TestVersions(t *testing.T) {
	tests := []struct {
		conditions, version string
		fits, ok            bool
	}{
		{">= 0.3", "v0.3.0", true, true},
		{">= 0.3", "0.2.9", false, true},
		{">= 0.3, < 2.0", "v1.9.9", true, true},
		{">= 0.3, < 2.0", "v2.0.0", false, true},
		{"~> 1.2", "v1.9.0", true, true},
		{"~> 1.2", "v2.0.0", false, true},
		{"~> 1.2.3", "v1.3.0", false, true},
		{"~> 1.2.3", "v1.2.4", true, true},
		{"~> 1", "v1.7.0", true, true},
		{"1.2.3", "v1.2.3", true, true},
		{"= 1.2", "v1.2.1", false, true},
		{"!= 1.2.0", "v1.2.0", false, true},
		{"<= 1.2", "v1.2.0", true, true},
		{"> 1.2", "v1.2.0", false, true},
		{">= 0.4", "v0.4.0-rc.1", true, true},
		{">= 9", "devel", true, true},
		{">= 9", "devel-0123456789ab+changes", true, true},
		{">= 9", "v0.0.0-20261122101010-0123456789ab", true, true},
		{">= 9", "", true, true},
		{"", "v1.0.0", false, false},
		{">= x", "v1.0.0", false, false},
		{">= 1,", "v1.0.0", false, false},
		{">= 1.2.3.4", "v1.0.0", false, false},
		{">= 99999999999999999999", "v1.0.0", false, false},
	}
	for _, tt := range tests {
		if fits, ok := allowsVersion(tt.conditions, tt.version); fits != tt.fits || ok != tt.ok {
			t.Errorf("%q with %q: got %v, %v", tt.conditions, tt.version, fits, ok)
		}
	}
}
