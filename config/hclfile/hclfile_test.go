package hclfile

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/keystore/storetest"
	"github.com/strait-mirror/strait/config/model"
)

func read(text string) (*model.Config, diag.List) { return readWithin(maxComputed, text) }

// readWithin reads a text whose expressions may compute so much.
func readWithin(computed int64, text string) (*model.Config, diag.List) {
	return Read(Params{
		computed: computed,
		Files:    []File{{Name: "f.hcl", Text: []byte(text)}},
		Env:      func(name string) (string, bool) { return "hunter2", name == "SECRET" },
		ReadFile: func(string) ([]byte, error) { return nil, errors.New("no such file") },
	})
}

const clusters = `
cluster "A" { bootstrap_servers = ["a:9092"] }
cluster "B" { bootstrap_servers = ["b:9092"] }
`

// TestFlowOfEveryAttribute sets everything there is.
func TestFlowOfEveryAttribute(t *testing.T) {
	cfg, problems := read(clusters + `
flow "x" {
  from                         = cluster.A
  to                           = cluster["B"]
  enabled                      = false
  topics                       = ["a.*", format("b%d", 1)]
  topics_exclude               = ["c", "__.*"]
  replication_policy           = "identity"
  replication_policy_separator = "-"
  replication_factor           = 3
  config_properties_exclude    = ["x"]
  use_defaults_from            = "source"
  start                        = "latest"
  isolation_level              = "read_uncommitted"
  refresh_topics_interval      = "10m"
  buffer_memory                = "1GiB"
  fetch_max_bytes              = 1048576
  max_partition_fetch_bytes    = "512KiB"
  fetch_max_wait               = "1s"
  max_request_size             = "2MiB"
  request_timeout              = "1m"
  coalesce                     = "off"
  errors_tolerance             = "all"
  owns_offsets                 = true
  loop_guard                   = "off"
}`)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	got := *cfg.Flows[0]
	if at := got.Ranges.Of("topics[1]").String(); at != "f.hcl:9:42" {
		t.Errorf("topics[1] is at %s", at)
	}
	if at := got.Ranges.Of("topics_exclude[3]").String(); at != "f.hcl:10:35" {
		t.Errorf("topics_exclude[3] is at %s", at)
	}
	got.Range, got.Ranges = diag.Range{}, nil
	want := model.Flow{
		Name: "x", From: "A", To: "B", Topics: []string{"a.*", "b1"},
		TopicsExclude:     []string{`mm2.*\.internal`, `.*\.replica`, "__.*", "c"},
		ReplicationPolicy: model.PolicyIdentity, ReplicationPolicySeparator: "-", ReplicationFactor: 3,
		ConfigPropertiesExclude: []string{"x"}, UseDefaultsFrom: "source", Start: model.StartLatest,
		IsolationLevel: model.ReadUncommitted, RefreshTopicsInterval: 10 * time.Minute, BufferMemory: 1 << 30,
		FetchMaxBytes: 1 << 20, MaxPartitionFetchBytes: 512 << 10, FetchMinBytes: 1, FetchMaxWait: time.Second, MaxRequestSize: 2 << 20,
		RequestTimeout: time.Minute, CompressionType: model.CompressionProducer, Coalesce: "off", ErrorsTolerance: "all", OwnsOffsets: model.OwnsYes, LoopGuard: model.LoopGuardOff, Delivery: model.ExactlyOnce, TransactionInterval: time.Second, OnUnproven: model.UnprovenContinue, OnGap: model.GapContinue, OnRecreate: model.RecreateAnew, DefaultExcludes: true,
		Control: model.NewFlow(field.HCL).Control,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDefaultExcludes(t *testing.T) {
	for text, want := range map[string][]string{
		"":                         model.DefaultTopicsExclude(),
		"topics_exclude = [\"x\"]": append(model.DefaultTopicsExclude(), "x"),
		"default_excludes = false": nil,
		"default_excludes = false\ntopics_exclude = [\"x\"]": {"x"},
	} {
		cfg, problems := read(clusters + "flow \"A->B\" {\n" + text + "\n}")
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		if diff := cmp.Diff(want, cfg.Flows[0].TopicsExclude); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
}

func TestClusterOfEveryAttribute(t *testing.T) {
	pair := storetest.New(t, 365*24*time.Hour)
	cfg, problems := Read(Params{
		Files: []File{{Name: "dir/f.hcl", Text: []byte(`
cluster "A" {
  bootstrap_servers = ["a:9092"]
  client_id         = "me"
  client_rack       = "r1"
  tls {
    ca_file     = "ca.pem"
    keystore    = "/abs/own.p12"
    keystore_password = "${env("SECRET")}"
    server_name = "kafka"
    min_version = "TLSv1.3"
  }
  sasl "scram-sha-256" {
    username = "u"
    password = "x${env("SECRET")}"
  }
}`)}},
		Env: func(name string) (string, bool) { return storetest.Password, name == "SECRET" },
		ReadFile: func(path string) ([]byte, error) {
			if path == "/abs/own.p12" {
				return pair.PKCS12(t), nil
			}
			return pair.CAPEM(), nil
		},
	})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	got := *cfg.Clusters[0]
	got.Range, got.Ranges, got.Connection = diag.Range{}, nil, model.Connection{}
	want := model.Cluster{
		Alias: "A", BootstrapServers: []string{"a:9092"}, ClientID: "me", Rack: "r1",
		TLS: &model.TLS{
			CAFile: "dir/ca.pem", Keystore: "/abs/own.p12", KeystorePassword: model.NewSecret(storetest.Password),
			ServerName: "kafka", MinVersion: "TLSv1.3",
		},
		SASL: &model.SASL{Mechanism: "SCRAM-SHA-256", Username: "u", Password: model.NewSecret("x" + storetest.Password)},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestBoundsKeepTheParserSafe(t *testing.T) {
	const mib, many = 1 << 20, 20_000
	tests := map[string]struct{ text, want string }{
		"10 MB of brackets":     {"a = " + strings.Repeat("(", 10*mib), "words and punctuation marks"},
		"200 KB of brackets":    {"a = " + strings.Repeat("(", 200_000), "nested more than 250"},
		"square brackets":       {"a = " + strings.Repeat("[", many), "nested more than 250"},
		"braces":                {"a = " + strings.Repeat("{a=", many), "nested more than 250"},
		"100,000 nested blocks": {strings.Repeat("a {\n", 100_000) + strings.Repeat("}\n", 100_000), "nested more than 250"},
		"templates":             {"a = " + strings.Repeat(`"${`, many), "nested more than 250"},
		"heredocs":              {"a = " + strings.Repeat("<<E\n${", many), "nested more than 250"},
		"directives":            {"a = \"" + strings.Repeat(`%{if true}`, many) + `"`, "nested more than 250"},
		"loops":                 {"a = \"" + strings.Repeat(`%{ for x in y }`, many) + `"`, "nested more than 250"},
		"not not not":           {"a = " + strings.Repeat("!", many) + "true", "nested more than 250"},
		"minus minus minus":     {"a = " + strings.Repeat("- ", many) + "1", "nested more than 250"},
		"not over brackets":     {"a = " + strings.Repeat("!(", many), "nested more than 250"},
		"conditions":            {"a = " + strings.Repeat("b ? c : ", many/4) + "d", "operators in one expression"},
		"sum":                   {"a = 1" + strings.Repeat("+1", many), "operators in one expression"},
		"index of index":        {"a = b" + strings.Repeat("[c]", many), "operators in one expression"},
		"splat of splat":        {"a = b" + strings.Repeat(".*", many), "operators in one expression"},
		"closing what is open":  {"a = " + strings.Repeat("(}", many), "nested more than 250"},
		"17 MiB":                {strings.Repeat(" ", 17*mib), "more than 16 MiB"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, problems := read(tt.text)
			if len(problems) != 1 || !strings.Contains(problems[0].Summary, tt.want) || problems[0].Code != diag.CodeTooBig {
				t.Errorf("got %.300v", problems)
			}
		})
	}
}

func TestBoundsAllowWhatPeopleWrite(t *testing.T) {
	var list strings.Builder
	for range 5_000 {
		list.WriteString("\"orders.eu\", # -(comment)\n")
	}
	for name, text := range map[string]string{
		"long list":        "locals {\n a = [\n" + list.String() + "]\n}",
		"249 brackets":     "locals { a = " + strings.Repeat("(", 248) + "1" + strings.Repeat(")", 248) + " }",
		"many negations":   "locals { a = [" + strings.Repeat("!true, -1, ", 1000) + "0] }",
		"comments":         strings.Repeat("# (((( {{{{ !!!!\n/* [[[[ */\n", 1000),
		"brackets in text": "locals { a = \"" + strings.Repeat("([{ $${ %%{ ", 1000) + "\" }",
		"templates":        "locals { a = \"" + strings.Repeat("${1}%{ if true }x%{ endif }", 1000) + "\" }",
	} {
		if _, problems := read(text); len(problems) > 0 {
			t.Errorf("%s: %.300v", name, problems)
		}
	}
}

// TestSecretsInSnippets renders every way a secret may stand next to a problem.
func TestSecretsInSnippets(t *testing.T) {
	for name, text := range map[string]string{
		"misspelt block":     `cluster "A" { sals "plain" { password = "hunter2" } }`,
		"misspelt attribute": `cluster "A" { sasl "plain" { pasword = "hunter2" } }`,
		"syntax":             "cluster \"A\" {\n sasl \"plain\" {\n password = \"hunter2\n }\n}",
		"one line":           `cluster "A" { sasl "plain" { password = "hunter2" username = "u" } }`,
		"local":              "locals { a = \"hunter2\", }\ncluster \"A\" { sasl \"plain\" { password = local.a } }",
		"local of local":     "locals {\n a = { x = \"hunter2\" }\n b = local.a.y\n}\ncluster \"A\" {\n sasl \"plain\" {\n password = local.b\n}\n}",
		"variable":           "variable \"v\" { default = [\"hunter2\"] }\ncluster \"A\" {\n sasl \"plain\" {\n password = var.v\n}\n}",
		"variable of a type": "variable \"v\" {\n type = number\n default = \"hunter2\"\n}\ncluster \"A\" {\n sasl \"plain\" {\n password = var.v\n}\n}",
		"private key":        "cluster \"A\" {\n tls {\n key = <<E\n-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\nE E\n}\n}",
		"too deep":           `cluster "A" { sasl "plain" { password = "hunter2" } } ` + strings.Repeat("(", 300),
		"env in a word":      clusters + "flow \"A->B\" {\n start = env(\"SECRET\")\n topics = [env(\"SECRET\"), env(\"SECRET\")]\n}",
		"function":           "cluster \"A\" {\n sasl \"plain\" {\n password = format(\"%d\", \"hunter2\")\n}\n}",
	} {
		t.Run(name, func(t *testing.T) {
			src := &diag.Sources{}
			_, problems := Read(Params{
				Files:    []File{{Name: "f.hcl", Text: []byte(text)}},
				Env:      func(string) (string, bool) { return "hunter2", true },
				ReadFile: func(string) ([]byte, error) { return nil, errors.New("no such file") },
				Sources:  src,
			})
			var out strings.Builder
			if err := diag.Render(&out, problems, src); err != nil {
				t.Fatal(err)
			}
			if len(problems) == 0 || strings.Contains(out.String(), "hunter2") {
				t.Errorf("got:\n%s", out.String())
			}
		})
	}
}

// FuzzHCL holds for any text: reading ends, every problem has a code, and the
// bounds count at least the depth of brackets the parser will see.
func FuzzHCL(f *testing.F) {
	f.Add(clusters + `flow "A->B" { topics = ["a.*"] }`)
	f.Add("locals {\n a = \"${local.b[0]}%{ if true }x%{ endif }\"\n b = [1, -2, !true]\n}")
	f.Add("variable \"x\" {\n type = list(string)\n default = []\n}\ncluster \"A\" {\n tls {}\n sasl \"plain\" { username = <<-E\n  x\n  E\n}\n}")
	f.Add(`a = "${"`)
	f.Add("flow \"A->A\" {\n from = cluster.A\n to = cluster[\"A\"]\n enabled = var.x ? true : null\n}")
	f.Fuzz(func(t *testing.T, text string) {
		_, problems := read(text)
		for _, d := range problems {
			if d.Code == "" || d.Severity == 0 || d.Summary == "" || strings.Contains(d.Summary, "\n") {
				t.Fatalf("%#v", d)
			}
		}
		tokens, _ := hclsyntax.LexConfig([]byte(text), "f.hcl", hcl.InitialPos)
		if open := unclosed(tokens); open > MaxDepth && !problems.HasErrors() {
			t.Fatalf("%d brackets are open", open)
		}
	})
}

// unclosed is the greatest number of brackets open at once.
func unclosed(tokens hclsyntax.Tokens) int {
	open, most := 0, 0
	for _, tok := range tokens {
		switch tok.Type {
		case hclsyntax.TokenOParen, hclsyntax.TokenOBrack, hclsyntax.TokenOBrace:
			open++
		case hclsyntax.TokenCParen, hclsyntax.TokenCBrack, hclsyntax.TokenCBrace:
			open--
		default:
		}
		most = max(most, open)
	}
	return most
}
