package graph_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/load"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/pipeline/graph"
)

var update = flag.Bool("update", false, "rewrite the goldens")

// read loads a topology from text.
func read(t *testing.T, name, text string) *model.Config {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	cfg, problems := load.Load([]string{path}, load.Options{
		Sources:  &diag.Sources{},
		Env:      func(string) (string, bool) { return "from the environment", true },
		ReadFile: func(string) ([]byte, error) { return []byte(text), nil },
	})
	if problems.HasErrors() {
		t.Fatal(problems.Err())
	}
	return cfg
}

// TestGoldens has a topology and its graph in each file.
func TestGoldens(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			a, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			in, want := a.Files[0], &a.Files[1]
			got := dump(graph.New(read(t, in.Name, string(in.Data)), graph.NewKey()))
			if *update {
				want.Data = []byte(got)
				if err := os.WriteFile(name, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if d := cmp.Diff(string(want.Data), got); d != "" {
				t.Error(d)
			}
		})
	}
}

// dump is a graph as lines.
func dump(g *graph.Graph) string {
	var b strings.Builder
	for _, c := range g.Clusters {
		fmt.Fprintf(&b, "cluster %s %s\n", c.Alias, strings.Join(c.Servers, ","))
	}
	for _, n := range g.Nodes {
		fmt.Fprintf(&b, "node %s: %s, needs %s, in %s, of %s\n", n.ID, n.Text, n.Needs, n.Cluster, strings.Join(n.Flows, " "))
	}
	for _, e := range g.Edges {
		fmt.Fprintf(&b, "edge %s -> %s of %s\n", e.From, e.To, strings.Join(e.Flows, " "))
	}
	for _, p := range g.Paths {
		fmt.Fprintf(&b, "path %s: %s to %s, %v, %s, %s: %v\n", p.Flow, p.From, p.To, p.Enabled, p.Naming, p.Mode, p.Why)
	}
	return b.String()
}

const small = `
cluster "a" {
  bootstrap_servers = ["a:9092"]
  sasl "plain" {
    username = "u"
    password = "hush-hush"
  }
}
cluster "b" { bootstrap_servers = ["b:9092"] }
flow "a->b" {
  topics     = ["orders"]
  rest
}
`

func TestIdentity(t *testing.T) {
	base := strings.Replace(small, "rest", "fetch_max_wait = \"1s\"", 1)
	tests := map[string]struct {
		text string
		// What must be as it was, and whether fingerprints alone show the change.
		clusterA, source, sink, path bool
		open                         bool
	}{
		"places": {text: "\n\n# moved\n" + strings.ReplaceAll(base, "  ", "\t"), clusterA: true, source: true, sink: true, path: true},
		"order of attributes": {
			text:     strings.Replace(strings.Replace(base, `  topics     = ["orders"]`+"\n", "", 1), `"1s"`, `"1s"`+"\n"+`topics = ["orders"]`, 1),
			clusterA: true, source: true, sink: true, path: true,
		},
		"a default, written": {text: strings.Replace(base, `"1s"`, `"1s"`+"\ncoalesce = \"auto\"", 1), clusterA: true, source: true, sink: true, path: true},
		"another spelling":   {text: strings.Replace(base, `"1s"`, `"1000ms"`, 1), clusterA: true, source: true, sink: true, path: true},
		"secret":             {text: strings.Replace(base, "hush-hush", "hush-hash", 1), sink: true, open: true},
		"user":               {text: strings.Replace(base, `"u"`, `"v"`, 1), sink: true},
		"source setting":     {text: strings.Replace(base, `"1s"`, `"2s"`, 1), clusterA: true, sink: true},
		"topics":             {text: strings.Replace(base, `"orders"`, `"orders", "payments"`, 1), clusterA: true, sink: true},
		"sink setting":       {text: strings.Replace(base, `"1s"`, `"1s"`+"\nreplication_factor = 3", 1), clusterA: true, source: true},
		"codec":              {text: strings.Replace(base, `"1s"`, `"1s"`+"\ncompression_type = \"zstd\"", 1), clusterA: true, source: true},
		"of the flow":        {text: strings.Replace(base, `"1s"`, `"1s"`+"\nbuffer_memory = \"128MiB\"", 1), clusterA: true, source: true, sink: true},
		"other cluster":      {text: strings.Replace(base, `"b:9092"`, `"b:9093"`, 1), clusterA: true, source: true},
	}
	key := graph.NewKey()
	was := graph.New(read(t, "x.hcl", base), key)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			now := graph.New(read(t, "x.hcl", tt.text), key)
			for what, pair := range map[string]struct {
				was, now graph.Identity
				same     bool
			}{
				"cluster a": {was.Clusters[0].Identity, now.Clusters[0].Identity, tt.clusterA},
				"source":    {was.Nodes[0].Identity, now.Nodes[0].Identity, tt.source},
				"sink":      {was.Nodes[1].Identity, now.Nodes[1].Identity, tt.sink},
				"path":      {was.Paths[0].Identity, now.Paths[0].Identity, tt.path},
			} {
				if got := pair.was.Same(pair.now); got != pair.same {
					t.Errorf("%s: same is %v", what, got)
				}
				if shown := pair.was.Fingerprint != pair.now.Fingerprint; shown != (!pair.same && !tt.open) {
					t.Errorf("%s: the fingerprint changed: %v", what, shown)
				}
			}
		})
	}
}

// TestSecretsStayInside looks for what a graph could let out: the fingerprint is
// the same whatever the secret is, and the seal under another key is another.
func TestSecretsStayInside(t *testing.T) {
	text := strings.Replace(small, "rest", "", 1)
	g, other := graph.New(read(t, "x.hcl", text), graph.NewKey()), graph.New(read(t, "x.hcl", text), graph.NewKey())
	if g.Clusters[0].Fingerprint != other.Clusters[0].Fingerprint {
		t.Error("the fingerprint depends on the key")
	}
	if g.Clusters[0].Same(other.Clusters[0].Identity) {
		t.Error("the seal does not depend on the key")
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%x", "%s", "%q", "%d"} {
		if text := fmt.Sprintf(verb, *g); strings.Contains(text, "hush") || strings.Contains(text, fmt.Sprintf("%x", "hush")) {
			t.Errorf("%s shows the password", verb)
		}
	}
}

// TestPropertiesFile gives both readers a file of equal meaning.
func TestPropertiesFile(t *testing.T) {
	h := graph.New(read(t, "x.hcl", strings.Replace(small, "rest", "replication_factor = 2", 1)), graph.Key{})
	p := graph.New(read(t, "x.properties", strings.Join([]string{
		"clusters = a, b", "a.bootstrap.servers = a:9092", "b.bootstrap.servers = b:9092",
		"a.security.protocol = SASL_PLAINTEXT", "a.sasl.mechanism = PLAIN",
		`a.sasl.jaas.config = org.apache.kafka.common.security.plain.PlainLoginModule required username="u" password="hush-hush";`,
		"a->b.enabled = true", "a->b.topics = orders",
	}, "\n")), graph.Key{})
	if !h.Nodes[0].Same(p.Nodes[0].Identity) || !h.Clusters[0].Same(p.Clusters[0].Identity) {
		t.Errorf("the sources differ:\n%s\n%s", dump(h), dump(p))
	}
}

// TestFingerprint holds for every process and version: members of a group
// compare what they have.
func TestFingerprint(t *testing.T) {
	cfg := &model.Config{Clusters: []*model.Cluster{{
		Alias: "a", BootstrapServers: []string{"a:9092"}, SASL: &model.SASL{Username: "u", Password: model.NewSecret("hush")},
		Properties: map[string]model.Property{
			"x": {Value: model.NewSecret("1")}, "y": {Value: model.NewSecret("2")}, "z": {Value: model.NewSecret("3"), Sensitive: true},
		},
	}}}
	const want = "e942d3701d555584aa5541d5bfb33f5e"
	fingerprint := func() string { return graph.New(cfg, graph.NewKey()).Clusters[0].Fingerprint.String() }
	if got := fingerprint(); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	set := func(name, value string) {
		p := cfg.Clusters[0].Properties[name]
		p.Value = model.NewSecret(value)
		cfg.Clusters[0].Properties[name] = p
	}
	if set("z", "4"); fingerprint() != want {
		t.Error("a sensitive property changes it")
	}
	if set("y", "4"); fingerprint() == want {
		t.Error("an open property does not change it")
	}
}

// TestSharedNodes has what several paths have in common once, and apart what
// only has one name.
func TestSharedNodes(t *testing.T) {
	flow := func(name, to string, path ...string) *model.Flow {
		return &model.Flow{Name: name, From: "a", To: to, Topics: []string{"orders"}, Path: path, Enabled: true}
	}
	other := flow("4", "b", "in", "out-b")
	other.Topics = []string{"payments"}
	g := graph.New(&model.Config{Flows: []*model.Flow{
		flow("1", "b", "in", "out-b"), flow("2", "c", "in", "out-c"), flow("3", "b", "more", "out-b"), other,
	}}, graph.Key{})
	want := `
node source.in: topics orders, needs names, in a, of 1 2
node sink.out-c: named a<topic>, needs header, in c, of 2
node source.more: topics orders, needs names, in a, of 3
node source.in@4: topics payments, needs names, in a, of 4
node sink.out-b: named a<topic>, needs header, in b, of 1 3 4
edge source.in -> sink.out-b of 1
edge source.in -> sink.out-c of 2
edge source.more -> sink.out-b of 3
edge source.in@4 -> sink.out-b of 4
`
	got, _, _ := strings.Cut("\n"+dump(g), "path")
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestDecode has a flow whose records go where their keys name.
func TestDecode(t *testing.T) {
	f := &model.Flow{Name: "m", From: "a", To: "b", MirrorMaker1: &model.MirrorMaker1{Group: "g"}}
	g := graph.New(&model.Config{Flows: []*model.Flow{f}}, graph.Key{})
	p, _ := g.Path("m")
	want := []graph.Reason{{Node: "flow.m.partition", Text: `partition "by key" needs the records`}}
	if d := cmp.Diff(want, p.Why); d != "" || p.Mode != graph.Decode || len(p.Nodes) != 3 {
		t.Errorf("%s, %v: %s", p.Mode, p.Nodes, d)
	}
	f.MirrorMaker1.KeepPartitions = true
	if p := graph.New(&model.Config{Flows: []*model.Flow{f}}, graph.Key{}).Paths[0]; p.Mode != graph.PassThrough {
		t.Errorf("with kept partitions: %s", p.Mode)
	}
}

// TestWindowNeeds has stages that headers are enough for, and one that records are
// asked of, since no header tells the earliest timestamp.
func TestWindowNeeds(t *testing.T) {
	for _, c := range []struct {
		window model.WindowStage
		mode   graph.Mode
		why    graph.Reason
	}{
		{model.WindowStage{Until: "1000"}, graph.PassThrough, graph.Reason{Text: "only names and headers are needed"}},
		{model.WindowStage{From: "1000"}, graph.Decode, graph.Reason{Node: "flow.m.transform.window.time", Text: `window "time" needs the records`}},
	} {
		s := model.NewStage(model.StageWindow)
		s.Name, s.Window = "time", &c.window
		g := graph.New(&model.Config{Flows: []*model.Flow{{Name: "m", From: "a", To: "b", Stages: []*model.Stage{s}}}}, graph.Key{})
		if p := g.Paths[0]; p.Mode != c.mode || len(p.Why) != 1 || p.Why[0] != c.why {
			t.Errorf("%+v: %s because of %+v", c.window, p.Mode, p.Why)
		}
	}
}

// TestManyFlows has a node for each end, found by its id, in linear time: it
// takes minutes where that is not so.
func TestManyFlows(t *testing.T) {
	cfg := &model.Config{}
	for i := range 20_000 {
		cfg.Flows = append(cfg.Flows, &model.Flow{Name: fmt.Sprint("f", i), From: "a", To: "b"})
	}
	g := graph.New(cfg, graph.Key{})
	if len(g.Nodes) != 40_000 || len(g.Edges) != 20_000 {
		t.Fatalf("%d nodes, %d edges", len(g.Nodes), len(g.Edges))
	}
	for _, p := range g.Paths {
		if n, ok := g.Node(p.Nodes[0]); !ok || !slices.Equal(n.Flows, []string{p.Flow}) {
			t.Fatalf("source of %s: %v, %v", p.Flow, n, ok)
		}
	}
	if _, ok := g.Path("none"); ok {
		t.Error("a path that is not there was found")
	}
}
