// Package client knows every setting of Kafka's Java clients: one table says of
// each key what becomes of it here, and Read turns the keys of one client into
// a connection of the model, engine settings of a flow, and diagnostics. Where
// a file keeps such keys, and which of several wins, is known by the readers in
// legacy and hclfile; what a store holds, by package keystore.
package client

import (
	"slices"
	"strings"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
)

// Role is the kind of a Kafka client.
type Role int

// The roles; they can be joined.
const (
	Consumer Role = 1 << iota
	Producer
	Admin

	Any = Consumer | Producer | Admin
)

// String is how a role is called in messages and documentation.
func (r Role) String() string {
	var words []string
	for i, word := range []string{"consumer", "producer", "admin"} {
		if r&(1<<i) != 0 {
			words = append(words, word)
		}
	}
	return strings.Join(words, ", ")
}

// Value is what a file says for one key.
type Value struct {
	Name      string // the key as the file has it, with its prefixes; for messages
	Text      string
	Sensitive bool       // never quoted
	Missing   bool       // its variables could not be replaced, which was reported
	At        diag.Range // of the value
	Dir       string     // where a relative path starts; "" is the working directory, as in Java
}

// Params is what Read needs.
type Params struct {
	Role  Role
	Keys  map[string]Value // by Java's names, without prefixes
	Alias string           // of the cluster, for messages
	Form  field.Form       // of the file: what it does not know is an error in HCL

	Cluster  *model.Cluster                    // filled; default: a new one
	Flow     *model.Flow                       // optional: gets the engine settings
	ReadFile func(path string) ([]byte, error) // required; os.ReadFile
	// AllowMissing makes files that cannot be read warnings, as lint wants.
	AllowMissing bool
	// Unchecked leaves certificates and other files alone: they are elsewhere.
	Unchecked bool
}

// Read returns the connection of one client, and problems at their places. What
// a key says in vain is reported; a key that is not Java's is, too.
func Read(p Params) (*model.Cluster, diag.List) {
	if p.Cluster == nil {
		p.Cluster = model.NewCluster(p.Form)
		p.Cluster.Alias = p.Alias
	}
	if p.Cluster.Ranges == nil {
		p.Cluster.Ranges = model.Places{}
	}
	t := targets{cluster: p.Cluster, tls: &model.TLS{}, sasl: &model.SASL{}, flow: p.Flow}
	if t.flow == nil {
		t.flow = model.NewFlow(p.Form) // forgotten
	}
	r := &reader{p: p, targets: t}
	r.protocol()
	r.table = newTable(r.rows)
	for _, key := range sortedKeys(p.Keys) {
		r.key(key, p.Keys[key])
	}
	r.servers()
	r.security()
	return p.Cluster, r.problems
}

// reader is the state of one Read.
type reader struct {
	p Params
	targets
	rows     []Row
	table    *Table
	problems diag.List
	useTLS   bool // security.protocol says so
	useSASL  bool
}

// get returns a key that has a value.
func (r *reader) get(key string) (Value, bool) {
	v, ok := r.p.Keys[key]
	return v, ok && !v.Missing
}

func sortedKeys(m map[string]Value) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// key handles one key by its row.
func (r *reader) key(key string, v Value) {
	row, ok := r.table.Find(key, r.p.Role)
	switch {
	case !ok:
		r.unknown(key, v)
	case v.Missing && r.p.AllowMissing:
	case strings.HasPrefix(key, "ssl.") && !r.useTLS, strings.HasPrefix(key, "sasl.") && !r.useSASL:
		r.off(key, v)
	case row.Roles&r.p.Role == 0:
		r.foreign(row, v)
	case r.set(row, v):
		r.note(row, v)
	}
}

// foreign handles a key of another kind of client.
func (r *reader) foreign(row Row, v Value) {
	d := diag.Warnf(diag.CodeNoEffect, v.At, "is a setting of a %s, not of a %s", row.Roles, r.p.Role)
	if r.p.Form == field.HCL {
		d.Severity = diag.Error
	}
	r.add(d, v)
}

// off handles a key of a protocol that is off: Java does not mind it, and in HCL
// it was written for what it says.
func (r *reader) off(key string, v Value) {
	if r.p.Form != field.HCL {
		return
	}
	what := "does not use TLS"
	if strings.HasPrefix(key, "sasl.") {
		what = "does not log in"
	}
	r.add(diag.Errorf(diag.CodeNoEffect, v.At, "has no effect: the connection %s", what).
		WithFix(`add "security.protocol" = "SASL_SSL", or what the cluster speaks`), v)
}

// set stores the value of a key and reports whether it could.
func (r *reader) set(row Row, v Value) bool {
	if row.def.Kind == 0 {
		return true // joined with others in security
	}
	if row.class && strings.TrimSpace(v.Text) == "" {
		return true // as if it were not set
	}
	if row.def.Path {
		v.Text = v.path(v.Text)
	}
	if row.Key == resetKey {
		text, note := OffsetReset(v.Text)
		if v.Text = text; note != "" {
			r.problems.Add(diag.Warnf(diag.CodeNoEffect, v.At, "%s %s", v.Name, note))
		}
	}
	problem := row.def.Set(field.Properties, field.Value{Text: v.Text, Sensitive: v.Sensitive || row.Secret()})
	if problem == nil {
		r.p.Cluster.Ranges[row.place] = v.At
		return true
	}
	switch {
	case row.class:
		problem.Code, problem.Fix = diag.CodeJavaClass, row.fix
		problem.Summary = "a Java class cannot run here"
	case problem.Code == diag.CodeOutOfRange && r.p.Form == field.Properties && row.inModel:
		problem.Severity = diag.Warning
		if text, ok := row.def.DefaultOf(r.p.Form); ok {
			problem.Summary += "; the default " + text + " is used"
		}
	}
	r.add(*problem, v)
	return false
}

// note says what becomes of a key that has no equal here.
func (r *reader) note(row Row, v Value) {
	if d, ok := row.Note(v); ok {
		idempotent, _ := r.get("enable.idempotence")
		r.problems.Add(BesideIdempotence(d, v.Name, idempotent.Text, r.p.Form))
	}
}

// BesideIdempotence says more of weak acks, which d is about, where their client
// has enable.idempotence, too: Java's producers refuse both together.
func BesideIdempotence(d diag.Diagnostic, name, idempotence string, form field.Form) diag.Diagnostic {
	if d.Code != diag.CodeWeakAcks || !strings.EqualFold(strings.TrimSpace(idempotence), "true") {
		return d
	}
	d.Code, d.Fix = diag.CodeAcksConflict, "remove "+name
	d.Summary = name + " must be all where enable.idempotence is true: Java's producers refuse anything else"
	if form == field.HCL {
		d.Severity = diag.Error // MirrorMaker 2 starts with such a file
	}
	return d
}

// add reports a problem with the name of its key in front.
func (r *reader) add(d diag.Diagnostic, v Value) {
	d.Summary = v.Name + ": " + d.Summary
	r.problems.Add(d.At(v.At))
}

// unknown reports a key that no client has.
func (r *reader) unknown(key string, v Value) {
	d := diag.Warnf(diag.CodeUnknownKey, v.At, "no property %q; it has no effect", v.Name)
	if r.p.Form == field.HCL {
		d = diag.Errorf(diag.CodeUnknownKey, v.At, "Kafka's clients have no property %q", v.Name)
	}
	if near := field.Suggest(key, Names(Any)); near != "" {
		d = d.WithFix("did you mean %q?", strings.TrimSuffix(v.Name, key)+near)
	}
	r.problems.Add(d)
}

// servers checks the brokers, if there are any.
func (r *reader) servers() {
	v, ok := r.get("bootstrap.servers")
	if !ok {
		return
	}
	bad := false
	for i, s := range r.p.Cluster.BootstrapServers {
		server, ok := model.ParseServer(s)
		bad = bad || !ok
		r.p.Cluster.BootstrapServers[i] = server
	}
	if bad {
		r.add(diag.Errorf(diag.CodeBadValue, v.At, "every element must be host:port").WithFix("write host:9092"), v)
	}
}
