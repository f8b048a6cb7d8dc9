package encode_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/hclfile/encode"
	"github.com/strait-mirror/strait/config/load"
	"github.com/strait-mirror/strait/config/model"
)

var update = flag.Bool("update", false, "rewrite the HCL of the golden files")

// read reads one HCL text.
func read(t *testing.T, text []byte) *model.Config {
	t.Helper()
	opts := load.Options{
		Env:      func(name string) (string, bool) { return "value of " + name, true },
		ReadFile: func(string) ([]byte, error) { return text, nil },
	}
	cfg, problems := load.Load([]string{"x.hcl"}, opts)
	if problems.HasErrors() {
		t.Fatalf("%v\n%s", problems, text)
	}
	return cfg
}

// TestRoundTrip reads HCL, writes it and reads that again: it means the same,
// and it is the text a person would write.
func TestRoundTrip(t *testing.T) {
	ar, err := txtar.ParseFile("testdata/encode.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(ar.Files); i += 2 {
		in, want := ar.Files[i], &ar.Files[i+1]
		t.Run(in.Name, func(t *testing.T) {
			cfg := read(t, in.Data)
			got := encode.Encode(encode.Params{
				Config: cfg,
				Expr: func(a encode.Attribute, v field.Value) (string, string, bool) {
					name := strings.TrimPrefix(v.Text, "value of ")
					return a.Name[strings.LastIndex(a.Name, ".")+1:], "env(" + encode.Quote(name) + ")", v.Sensitive
				},
			})
			for _, d := range model.Diff(cfg, read(t, got.Text)) {
				t.Error(d)
			}
			if *update {
				want.Data = got.Text
			} else if diff := cmp.Diff(string(want.Data), string(got.Text)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
	if *update {
		if err := os.WriteFile("testdata/encode.txtar", txtar.Format(ar), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestNoSecret writes a topology whose caller does not say where secrets come
// from.
func TestNoSecret(t *testing.T) {
	c := model.NewCluster(field.HCL)
	c.Alias, c.SASL = "A", &model.SASL{Mechanism: "PLAIN", Username: "u", Password: model.NewSecret("hunter2")}
	c.Properties = map[string]model.Property{"ssl.key.password": {Value: model.NewSecret("hunter2"), Sensitive: true}}
	got := encode.Encode(encode.Params{Config: &model.Config{Clusters: []*model.Cluster{c}}})
	if strings.Contains(string(got.Text), "hunter2") || !strings.Contains(string(got.Text), "password = \"\"") {
		t.Errorf("%s", got.Text)
	}
}
