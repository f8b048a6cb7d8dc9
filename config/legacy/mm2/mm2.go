// Package mm2 reads the properties file of MirrorMaker 2 into the model, with
// MirrorMaker 2's precedence and its defaults but for the deliberate differences
// declared in config/model: read_committed, and topics listed every 5 s unless
// the file says how often. The syntax of the file is the business of
// config/props, what MirrorMaker 2 computes from it that of package effective;
// what HCL says is read by config/hclfile.
//
// A file MirrorMaker 2 starts with is read without errors as long as every
// Java class in it has an equal here: what Strait does not know or honour is a
// warning.
package mm2

import (
	"bytes"
	"slices"
	"strings"

	"github.com/strait-mirror/strait/config/client"
	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/legacy/mm2/effective"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/config/props"
)

// Params is what Read needs.
type Params struct {
	File     string                            // as shown in diagnostics
	Text     []byte                            // its content
	Env      func(name string) (string, bool)  // required; os.LookupEnv
	ReadFile func(path string) ([]byte, error) // required; os.ReadFile; relative paths start at the working directory, as in Java
	// AllowMissing makes environment variables and files that do not exist
	// warnings, as lint wants.
	AllowMissing bool
	// Unchecked leaves the certificates and other files of connections alone.
	Unchecked bool
	Sources   *diag.Sources // optional; told which spans are secret
}

// Read decodes one properties file. The model is usable only if no diagnostic
// is an Error, but it is as complete as the text allows.
func Read(p Params) (*model.Config, diag.List) {
	if p.Sources == nil {
		p.Sources = &diag.Sources{}
	}
	p.Sources.Add(p.File, p.Text)
	doc, problems := props.Parse(p.File, p.Text, props.Latin1)
	r := newReader(p, doc, problems)
	cfg := &model.Config{}
	if problem, wrong := encoding(p.File, p.Text, doc); wrong {
		r.add(problem)
	} else if !problems.HasErrors() {
		r.fill(cfg)
	}
	r.problems.Sort()
	return cfg, r.problems
}

// encoding reports a file whose bytes Java takes for other text than its author
// wrote, so that MirrorMaker 2 finds no clusters in it.
func encoding(name string, text []byte, doc *props.Document) (diag.Diagnostic, bool) {
	starts := func(mark string) bool { return bytes.HasPrefix(text, []byte(mark)) }
	switch {
	case starts("\xff\xfe"), starts("\xfe\xff"):
		return diag.Errorf(diag.CodeSyntax, diag.Range{File: name}, "the file is encoded in UTF-16").
			WithFix("save it as ASCII or UTF-8 without a byte order mark"), true
	case starts("\xef\xbb\xbf") && !slices.ContainsFunc(doc.Effective(), func(e props.Entry) bool { return e.Key == "clusters" }):
		return diag.Errorf(diag.CodeSyntax, diag.Range{File: name}, "the file starts with a byte order mark, which Java takes for a part of the first key").
			WithFix("save it as UTF-8 without a byte order mark"), true
	}
	return diag.Diagnostic{}, false
}

// reader is the state of one Read.
type reader struct {
	p        Params
	doc      *props.Document
	sorted   []string // every key of doc
	java     *effective.Config
	twice    effective.Map // every key of the file, variables resolved as far as clients see them
	aliases  []string
	problems diag.List
	said     map[diag.Diagnostic]bool // all of problems
	wrong    map[diag.Range]bool      // the places of errors
	used     map[string]bool          // keys that had their effect, or were reported
	unread   map[string]refusal       // by the key of a list of transformations, the one that no stage is the equal of
	rows     []client.Row             // the keys of Java's clients
	table    *client.Table            // of rows

	clients *client.Connections                // those of single clients
	base    map[string]*model.Cluster          // by alias, without any key
	main    map[string]map[string]client.Value // by alias, what the cluster's connection says
}

// newReader returns a reader that has done nothing but hide what is secret.
func newReader(p Params, doc *props.Document, problems diag.List) *reader {
	r := &reader{
		p: p, doc: doc, said: map[diag.Diagnostic]bool{}, wrong: map[diag.Range]bool{},
		used: map[string]bool{}, unread: map[string]refusal{}, rows: client.Rows(), table: client.NewTable(),
		clients: client.NewConnections(client.Params{
			Form: field.Properties, ReadFile: p.ReadFile, AllowMissing: p.AllowMissing, Unchecked: p.Unchecked,
		}),
		base: map[string]*model.Cluster{}, main: map[string]map[string]client.Value{},
	}
	r.add(problems...)
	for _, e := range doc.Effective() {
		r.sorted = append(r.sorted, e.Key)
	}
	slices.Sort(r.sorted)
	for _, e := range doc.Entries {
		if effective.Secret(e.Key) {
			p.Sources.Hide(e.ValueRange)
		}
	}
	return r
}

// fill reads the file into cfg.
func (r *reader) fill(cfg *model.Config) {
	java, problems := effective.Read(effective.Params{
		Doc: r.doc, Env: r.p.Env, ReadFile: r.p.ReadFile,
	})
	r.java, r.aliases = java, java.Aliases()
	for _, d := range problems {
		if d.Code != diag.CodeNoFlow { // package load says it of the whole topology
			r.add(r.excused(d))
		}
	}
	r.twice = java.Resolved()
	r.markProviders(r.twice)
	r.used["clusters"] = true
	r.checkClusters()
	pairs := r.pairs()
	for _, alias := range r.aliases {
		cfg.Clusters = append(cfg.Clusters, r.cluster(alias, roleOf(alias, pairs)))
	}
	for _, pair := range pairs {
		cfg.Flows = append(cfg.Flows, r.flow(pair))
	}
	for _, enabled := range []bool{true, false} { // the errors before the warnings of the same
		for i, pair := range pairs {
			if pair.enabled == enabled {
				r.connections(cfg.Flows[i], pair, cfg)
			}
		}
	}
	r.reportUnused()
}

// excused makes a value that is missing a warning where that is allowed.
func (r *reader) excused(d diag.Diagnostic) diag.Diagnostic {
	if d.Code == diag.CodeMissingValue && r.p.AllowMissing {
		d.Severity = diag.Warning
	}
	return d
}

// add adds problems that have not been said: a top-level key is read for every
// flow.
func (r *reader) add(problems ...diag.Diagnostic) {
	for _, d := range problems {
		if r.said[d] {
			continue
		}
		r.said[d] = true
		if d.Severity == diag.Error {
			r.wrong[d.Subject] = true
		}
		r.problems.Add(d)
	}
}

// once adds a problem unless the same one is there.
func (r *reader) once(d diag.Diagnostic) { r.add(d) }

// value is what a key says after its ${provider:...} variables are replaced.
type value struct {
	key       string
	text      string
	sensitive bool // never quoted
	missing   bool // a variable could not be replaced; reported
	at        diag.Range
	lost      diag.Range // first backslash Java drops
}

// lookup returns the first of keys that is written, resolved, and marks every
// written one as used: the others are overridden.
func (r *reader) lookup(keys ...string) (value, bool) {
	var found value
	ok := false
	for _, key := range keys {
		v, written := r.twice[key]
		if !written {
			continue
		}
		r.used[key] = true
		if !ok {
			found, ok = r.value(v), true
		}
	}
	return found, ok
}

// value reports what became of the variables of v.
func (r *reader) value(v effective.Value) value {
	out := value{key: v.Key, text: v.Text, sensitive: v.Sensitive, at: v.At, lost: v.Lost, missing: v.Unresolved != ""}
	if v.Undeclared != "" {
		r.once(diag.Warnf(diag.CodeProvider, v.At, "%s: no config provider %q is declared; the variable is kept as text", v.Key, v.Undeclared).
			WithFix("add it to config.providers and set config.providers.%s.class", v.Undeclared))
	}
	if v.Unresolved != "" {
		r.once(r.excused(diag.Errorf(diag.CodeMissingValue, v.At, "%s: %s", v.Key, v.Unresolved)))
	}
	return out
}

// markProviders marks the keys that declare config providers, at the top level
// and behind clusters and flows: package effective has read them.
func (r *reader) markProviders(keys effective.Map) {
	for key := range keys {
		if strings.HasPrefix(key, "config.providers") || strings.Contains(key, ".config.providers") {
			r.used[key] = true
		}
	}
}

// checkClusters reports a list without clusters, and one that is named twice.
func (r *reader) checkClusters() {
	v, ok := r.java.Typed()["clusters"]
	switch {
	case !ok || r.wrong[v.At]: // said
	case len(r.aliases) == 0:
		r.add(diag.Errorf(diag.CodeMissing, v.At, "clusters names no cluster"))
	case len(field.SplitList(v.Text)) > len(r.aliases):
		r.add(diag.Warnf(diag.CodeDuplicateKey, v.At, "clusters names the same cluster twice"))
	}
}

// place adds a problem with the value of a key in front of it.
func (r *reader) place(d diag.Diagnostic, v value) {
	d.Summary = v.key + ": " + d.Summary
	r.once(d.At(v.at))
}

// placeOnce is place.
func (r *reader) placeOnce(d diag.Diagnostic, v value) { r.place(d, v) }
