// Package mm2 reads the properties file of MirrorMaker 2 into the model, with
// MirrorMaker 2's precedence and its defaults but for the deliberate differences
// declared in config/model: read_committed, and topics listed every 5 s unless
// the file says how often. The syntax of the file is the business of
// config/props; what HCL says is read by config/hclfile.
//
// A file MirrorMaker 2 starts with is read without errors as long as every
// Java class in it has an equal here: what Strait does not know or honour is a
// warning. Pairs of clusters that MirrorMaker 2 would only send heartbeats for
// give no flow.
package mm2

import (
	"slices"
	"strings"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/field"
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
	Sources      *diag.Sources // optional; told which spans are secret
}

// Read decodes one properties file. The model is usable only if no diagnostic
// is an Error, but it is as complete as the text allows.
func Read(p Params) (*model.Config, diag.List) {
	if p.Sources == nil {
		p.Sources = &diag.Sources{}
	}
	p.Sources.Add(p.File, p.Text)
	doc, problems := props.Parse(p.File, p.Text, props.Latin1)
	r := &reader{p: p, doc: doc, problems: problems, used: map[string]bool{}, resolved: map[string]value{}}
	for _, e := range doc.Entries {
		if isSecretKey(e.Key) {
			p.Sources.Hide(e.ValueRange)
		}
	}
	cfg := &model.Config{}
	if !problems.HasErrors() {
		r.declareProviders()
		r.aliases = r.clusterNames()
		pairs := r.pairs()
		for _, alias := range r.aliases {
			cfg.Clusters = append(cfg.Clusters, r.cluster(alias, roleOf(alias, pairs)))
		}
		for _, pair := range pairs {
			cfg.Flows = append(cfg.Flows, r.flow(pair))
		}
		r.reportUnused()
	}
	r.problems.Sort()
	return cfg, r.problems
}

// reader is the state of one Read.
type reader struct {
	p         Params
	doc       *props.Document
	problems  diag.List
	used      map[string]bool  // keys that had their effect, or were reported
	resolved  map[string]value // by key, so that problems come once
	providers map[string]provider
	aliases   []string
}

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
		e, written := r.doc.Get(key)
		if !written {
			continue
		}
		r.used[key] = true
		if !ok {
			found, ok = r.resolve(e), true
		}
	}
	return found, ok
}

// clusterNames reads the required list of aliases.
func (r *reader) clusterNames() []string {
	v, ok := r.lookup("clusters")
	if !ok {
		r.problems.Add(diag.Errorf(diag.CodeMissing, diag.Range{File: r.p.File}, "clusters is not set").
			WithFix("write clusters = A, B with the names of your clusters"))
		return nil
	}
	var names []string
	for _, name := range field.SplitList(v.text) {
		switch {
		case name == "":
			r.problems.Add(diag.Errorf(diag.CodeBadValue, v.at, "clusters: must not contain an empty element"))
		case slices.Contains(names, name):
			r.problems.Add(diag.Warnf(diag.CodeDuplicateKey, v.at, "clusters names the same cluster twice"))
		default:
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		r.problems.Add(diag.Errorf(diag.CodeMissing, v.at, "clusters names no cluster"))
	}
	return names
}

// pair is an ordered pair of clusters with a flow.
type pair struct {
	from, to string
	enabled  bool
	at       diag.Range // first key of the flow; zero if there is none
	order    int        // position of that key
}

func (p pair) name() string { return p.from + "->" + p.to }

func (p pair) prefix() string { return p.name() + "." }

// pairs returns the pairs that are enabled or have a key of their own, in the
// order the file first mentions them.
func (r *reader) pairs() []pair {
	var list []pair
	for _, from := range r.aliases {
		for _, to := range r.aliases {
			if from == to {
				continue
			}
			p := pair{from: from, to: to, order: len(r.doc.Entries)}
			for i, e := range r.doc.Entries {
				if strings.HasPrefix(e.Key, p.prefix()) {
					p.at, p.order = e.KeyRange, i
					break
				}
			}
			p.enabled = r.enabled(p)
			if p.enabled || !p.at.IsZero() {
				list = append(list, p)
			}
		}
	}
	slices.SortStableFunc(list, func(a, b pair) int { return a.order - b.order })
	return list
}

// enabled says whether MirrorMaker 2 would run the source connector of p: the
// pair exists if its own "enabled" or the heartbeats are on, both read without
// trimming, and the connector reads "enabled" trimmed, from the flow or the
// top level.
func (r *reader) enabled(p pair) bool {
	own, written := r.lookup(p.prefix() + "enabled")
	exists := written && parseBoolean(own.text)
	if !exists {
		beats, ok := r.lookup(p.prefix()+"emit.heartbeats.enabled", "emit.heartbeats.enabled")
		exists = !ok || parseBoolean(beats.text)
	}
	if !written {
		if own, written = r.lookup("enabled"); !written {
			return false
		}
	}
	on := false
	if problem := field.Bool(&on, "enabled", "").Set(field.Properties, field.Value{Text: own.text, Sensitive: own.sensitive}); problem != nil {
		r.place(*problem, own)
	}
	if on && !exists {
		r.problems.Add(diag.Warnf(diag.CodeBadValue, own.at,
			"%s has a blank around \"true\", which MirrorMaker 2 reads as false", own.key).WithFix("remove the blank at the end of the line"))
	}
	return on && exists
}

// parseBoolean is java.lang.Boolean.parseBoolean.
func parseBoolean(s string) bool { return strings.EqualFold(s, "true") }

// place adds a problem with the value of a key in front of it.
func (r *reader) place(d diag.Diagnostic, v value) {
	d.Summary = v.key + ": " + d.Summary
	r.problems.Add(d.At(v.at))
}
