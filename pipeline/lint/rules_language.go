package lint

import (
	"bytes"
	"path/filepath"
	"strings"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/hclfile"
)

// languageRules are about names, values and references.
func languageRules() []Rule {
	return []Rule{
		{
			ID: diag.CodeUnformatted, Severity: diag.Info, Title: "a file that is not formatted",
			Why:   "Files in one form show in a comparison what was changed, and nothing else.",
			Fix:   "Run strait fmt -w on the file.",
			Bad:   Example{HCL: "flow \"dc1->dc2\" {\n  topics=[\"orders\"]\n}"},
			Good:  Example{HCL: "flow \"dc1->dc2\" {\n  topics = [\"orders\"]\n}"},
			check: checkFormatted,
		},
		{
			ID: diag.CodeTemplate, Severity: diag.Error, Title: "${1} in a string interpolates",
			Why:   "HCL computes what is between ${ and }; a group of a regular expression is meant as $1.",
			Fix:   "Write $1, or $${1} for the text ${1}.",
			Bad:   Example{HCL: "flow \"dc1->dc2\" {\n  topics = [\"(orders|parts)-${1}\"]\n}"},
			Good:  Example{HCL: "flow \"dc1->dc2\" {\n  topics = [\"(orders|parts)-.*\"]\n}"},
			check: checkTemplates,
		},
		{
			ID: diag.CodeUnused, Severity: diag.Warning, Title: "a cluster no flow uses",
			Why: "It may be left over, or a flow was forgotten or misspelt.",
			Fix: "Remove it, or add the flow.",
			Bad: Example{
				HCL:        "cluster \"dr\" {\n  bootstrap_servers = [\"dr:9092\"]\n}",
				Properties: "clusters = dc1, dc2, dr\ndr.bootstrap.servers = dr:9092",
			},
			Good: Example{
				HCL:        "cluster \"dr\" {\n  bootstrap_servers = [\"dr:9092\"]\n}\nflow \"dc1->dr\" {\n  topics = [\"orders\"]\n}\nflow \"dc1->dc2\" {\n  topics = [\"orders\"]\n}",
				Properties: "clusters = dc1, dc2, dr\ndr.bootstrap.servers = dr:9092\ndc1->dr.enabled = true\ndc1->dr.topics = orders",
			},
			check: checkUnused,
		},
		{
			ID: diag.CodeUndefined, Severity: diag.Error, Title: "a reference to something that is not declared",
			Why:  "A flow, an expression or a property names a cluster, variable or local that does not exist.",
			Fix:  "Take the name that is suggested, or declare it.",
			Bad:  Example{HCL: "flow \"dc1->dc2\" {\n  topics = local.topics\n}", Properties: "dc1->dc3.topics = payments"},
			Good: Example{HCL: "locals {\n  topics = [\"orders\"]\n}\nflow \"dc1->dc2\" {\n  topics = local.topics\n}", Properties: "dc1->dc2.topics = orders"},
		},
		{
			ID: diag.CodeMissingValue, Severity: diag.Warning, Title: "an environment variable or file is missing",
			Why:  "run refuses to start without it. Here it is a warning, since a check rarely has the secrets.",
			Fix:  "Set it where the topology runs.",
			Bad:  Example{HCL: "cluster \"dc1\" {\n  bootstrap_servers = split(\",\", env(\"NO_SUCH_VARIABLE\"))\n}"},
			Good: Example{HCL: "cluster \"dc1\" {\n  bootstrap_servers = split(\",\", env(\"DC1_BROKERS\"))\n}"},
		},
		{
			ID: diag.CodeIgnoredPrefix, Severity: diag.Warning, Title: "a property where MirrorMaker 2 does not read it",
			Why:  "MirrorMaker 2 reads each property behind certain prefixes only and ignores it behind others, silently.",
			Fix:  "Write it as the fix says.",
			Bad:  Example{Properties: "consumer.isolation.level = read_uncommitted"},
			Good: Example{Properties: "dc1.consumer.isolation.level = read_uncommitted"},
		},
		{
			ID: diag.CodeBadValue, Severity: diag.Error, Title: "a value of the wrong type or not among the accepted ones",
			Why:  "MirrorMaker 2 rejects such a file, too, or reads the value as something else.",
			Fix:  "Write one of the values that are named.",
			Bad:  Example{HCL: "flow \"dc1->dc2\" {\n  topics = [\"orders\"]\n  start  = \"earlyest\"\n}", Properties: "dc1->dc2.use.defaults.from = sauce"},
			Good: Example{HCL: "flow \"dc1->dc2\" {\n  topics = [\"orders\"]\n  start  = \"earliest\"\n}", Properties: "dc1->dc2.use.defaults.from = source"},
		},
		{
			ID: diag.CodeDuplicateName, Severity: diag.Error, Title: "two clusters, flows, variables or locals of one name",
			Why:  "Which of the two is meant cannot be told.",
			Fix:  "Rename one, or remove it.",
			Bad:  Example{HCL: "flow \"dc1->dc2\" {\n  topics = [\"orders\"]\n}\nflow \"dc1->dc2\" {\n  topics = [\"payments\"]\n}"},
			Good: Example{HCL: "flow \"dc1->dc2\" {\n  topics = [\"orders\", \"payments\"]\n}"},
		},
	}
}

// checkTemplates finds numbers that are interpolated.
func checkTemplates(t *topology, r *reporter) {
	for _, name := range t.src.Files() {
		if filepath.Ext(name) != ".hcl" {
			continue
		}
		text, _ := t.src.Text(name)
		if !bytes.Contains(text, []byte("${")) {
			continue
		}
		for _, at := range hclfile.NumberTemplates(name, text) {
			what := string(text[at.Start.Byte:at.End.Byte])
			r.add(at, "write $"+strings.Trim(what, "${} \t")+" for a group, $"+what+" for the text itself",
				"%s is computed by HCL and gives the number", what)
		}
	}
}

// checkFormatted finds files that fmt would change.
func checkFormatted(t *topology, r *reporter) {
	for _, name := range t.src.Files() {
		text, _ := t.src.Text(name)
		if filepath.Ext(name) != ".hcl" || t.broken && hclfile.Syntax(hclfile.File{Name: name, Text: text}, &diag.Sources{}).HasErrors() {
			continue
		}
		formatted := hclfile.Canonical(text)
		if bytes.Equal(text, formatted) {
			continue
		}
		same := text[:common(text, formatted)]
		at := diag.Pos{Line: 1 + bytes.Count(same, []byte("\n")), Column: 1, Byte: bytes.LastIndexByte(same, '\n') + 1}
		r.add(diag.Range{File: name, Start: at, End: at}, "run strait fmt -w "+name, "the file is not formatted from here on")
	}
}

// common is how many bytes two texts begin with together.
func common(a, b []byte) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// checkUnused finds clusters that neither an enabled nor a disabled flow names.
// In a file without enabled flows nothing is used, which is another rule's
// matter.
func checkUnused(t *topology, r *reporter) {
	if len(t.enabled) == 0 {
		return
	}
	used := map[string]bool{}
	for _, f := range t.cfg.Flows {
		if f.HeartbeatsOnly && f.Range.Start.Line == 0 {
			continue // MirrorMaker 2 sends heartbeats between any two clusters
		}
		used[f.From], used[f.To] = true, true
	}
	for _, c := range t.cfg.Clusters {
		if !used[c.Alias] {
			r.add(c.Range, "remove it, or add a flow from or to it", "no flow uses the cluster %q", c.Alias)
		}
	}
}
