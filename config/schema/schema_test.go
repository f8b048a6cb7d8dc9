package schema_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/strait-mirror/strait/config/client"
	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/load"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/config/schema"
)

// read loads a topology from text.
func read(t *testing.T, name, text string) (*model.Config, diag.List) {
	t.Helper()
	return load.Load([]string{name}, load.Options{
		Env:      func(string) (string, bool) { return "x", true },
		ReadFile: func(string) ([]byte, error) { return []byte(text), nil },
	})
}

// TestAttributesExist writes every attribute and block of the description into a
// file: the reader knows them all.
func TestAttributesExist(t *testing.T) {
	outside := schema.Block{Attributes: schema.HCL().Attributes}
	for _, b := range append(schema.HCL().Blocks, outside) {
		var text strings.Builder
		write(&text, b)
		_, problems := read(t, "x.hcl", text.String())
		for _, p := range problems {
			if p.Code == diag.CodeUnknownKey || p.Code == diag.CodeSyntax {
				t.Errorf("%s\n%s", p, text.String())
			}
		}
	}
}

// write writes a block with all its attributes.
func write(w *strings.Builder, b schema.Block) {
	if b.Type == "" {
		for _, a := range b.Attributes {
			fmt.Fprintf(w, "%s = null\n", a.Name)
		}
		return
	}
	w.WriteString(b.Type)
	for i := range b.Labels {
		if label := b.Kind; i == 0 && label != "" {
			fmt.Fprintf(w, " %q", label)
			continue
		}
		w.WriteString(` "x"`)
	}
	w.WriteString(" {\n")
	for _, a := range b.Attributes {
		value := "null"
		if a.Name == "type" {
			value = "string"
		}
		fmt.Fprintf(w, "%s = %s\n", a.Name, value)
		if a.File != "" {
			fmt.Fprintf(w, "%s = null\n", a.File)
		}
	}
	for _, inner := range b.Blocks {
		write(w, inner)
	}
	w.WriteString("}\n")
}

// TestDeclarationsAreDescribed has every declared attribute in the description,
// documented, and with the default that a reader applies.
func TestDeclarationsAreDescribed(t *testing.T) {
	for _, b := range schema.HCL().Blocks {
		var defs []field.Def
		switch b.Type {
		case "cluster":
			defs = model.ClusterFields(&model.Cluster{})
		case "flow":
			defs = model.FlowFields(model.NewFlow(field.HCL))
		case "source":
			defs, _ = model.EndFields(model.FlowFields(model.NewFlow(field.HCL)))
		case "sink":
			_, defs = model.EndFields(model.FlowFields(model.NewFlow(field.HCL)))
		case "transform":
			defs = model.StageFields(model.NewStage(model.StageKind(b.Kind)))
		default:
			continue
		}
		described := map[string]schema.Attribute{}
		for _, a := range b.Attributes {
			described[a.Name] = a
		}
		for _, d := range defs {
			a, ok := described[d.Name]
			if !ok || a.Doc == "" || a.Type == "" || a.Key != d.Key || a.Reload == "" {
				t.Errorf("%s: %+v", d.Name, a)
			}
			if strings.HasPrefix(a.Type, "kind") || a.Key != "" && a.Scope == "" {
				t.Errorf("%s: %+v", d.Name, a)
			}
		}
	}
}

func TestJSON(t *testing.T) {
	text, err := json.Marshal(schema.HCL())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"format_version":1`, `"name":"topics_exclude"`, `"default":"-1"`, `"type":"map"`, `"kind":"rename"`, `"name":"for_each"`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s", want)
		}
	}
	if strings.Contains(string(text), ":null") {
		t.Error("a list is null")
	}
}

// TestDifferences reads a properties file with and without the line that
// restores each difference: the attribute is another then.
func TestDifferences(t *testing.T) {
	const base = "clusters = A, B\nA.bootstrap.servers = a:9092\nB.bootstrap.servers = b:9092\nA->B.enabled = true\n"
	value := func(text, name string) string {
		cfg, problems := read(t, "x.properties", text)
		if problems.HasErrors() {
			t.Fatal(problems.Err())
		}
		for _, d := range model.FlowFields(cfg.Flows[0]) {
			if d.Name == name {
				return d.Text()
			}
		}
		t.Fatalf("no attribute %q", name)
		return ""
	}
	names := map[string]bool{"": true}
	for _, d := range schema.Differences() {
		if names[d.Name] {
			t.Errorf("%q has no name of its own: %q", d.Strait, d.Name)
		}
		names[d.Name] = true
		if (d.Attribute == "") != (d.Restore == "") {
			t.Errorf("%s: restored by %q", d.Attribute, d.Restore)
		}
		if d.Restore == "" {
			continue
		}
		if was, is := value(base, d.Attribute), value(base+d.Restore+"\n", d.Attribute); was == is {
			t.Errorf("%s is %s with %q and without", d.Attribute, is, d.Restore)
		}
	}
}

func TestPages(t *testing.T) {
	names := map[string]bool{}
	for _, p := range schema.Pages() {
		if names[p.Name] {
			t.Errorf("two pages %s", p.Name)
		}
		names[p.Name] = true
		if !strings.HasPrefix(p.Text, "<!-- Generated") || strings.Contains(p.Text, "\n\n\n") || !strings.HasSuffix(p.Text, "\n") {
			t.Errorf("%s is not a page:\n%.200s", p.Name, p.Text)
		}
	}
	for _, want := range []string{"cluster.md", "flow.md", "transform.md", "source.md", "sink.md", "topology.md", "strait.md", "mm2-keys.md"} {
		if !names[want] {
			t.Errorf("no page %s", want)
		}
	}
}

// TestClientSettings has every setting of Java's clients on its page, and each
// part of the page has some.
func TestClientSettings(t *testing.T) {
	i := slices.IndexFunc(schema.Pages(), func(p schema.Page) bool { return p.Name == "client-settings.md" })
	if i < 0 {
		t.Fatal("no page")
	}
	page := schema.Pages()[i].Text
	for _, row := range client.Rows() {
		if !strings.Contains(page, "| `"+row.Key+"` | ") {
			t.Errorf("%s is not on the page", row.Key)
		}
	}
	if strings.Contains(page, "|---|---|---|---|\n\n") {
		t.Error("a part of the page is empty")
	}
}
