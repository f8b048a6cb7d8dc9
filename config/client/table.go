package client

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
)

// Handling is what becomes of a key.
type Handling int

// The ways to handle a key; the zero value is invalid.
const (
	Equal        Handling = iota + 1 // has the effect it has in Java
	Approximated                     // has nearly that effect: info
	Informed                         // has no effect and needs none: info
	Warned                           // has no effect, which may surprise: warning
	Refused                          // cannot be honoured, and without it all would be wrong: error
)

// String is the word used in documentation.
func (h Handling) String() string {
	return [...]string{"invalid", "equal", "approximated", "no effect (info)", "no effect (warning)", "refused"}[h]
}

// Row says of one Java key, or of all that start with Key where that ends in
// ".", what becomes of it.
type Row struct {
	Key      string
	Roles    Role     // the clients that have it
	Common   bool     // MirrorMaker 2 hands it to every client of a cluster
	Handling Handling // for values outside quiet
	Doc      string   // what becomes of it; reads after the key unless it is Equal

	def     field.Def // its type, bound to where the value goes; none where it is joined with others
	place   string    // of its value in Places
	inModel bool      // def is declared in config/model
	class   bool      // names Java classes, of which only some are known
	quiet   []string  // values that say what holds anyway, in lower case
	fix     string    // what to do about it
	code    string    // of its note; "": the usual one
}

// Type is what the value must be.
func (r Row) Type() string {
	if r.def.Kind == 0 {
		return field.KindString.String()
	}
	return r.def.Kind.String()
}

// Range returns the bounds of a number, as HCL writes them; ok is false where
// there are none.
func (r Row) Range() (low, high string, ok bool) {
	switch r.def.Kind {
	case field.KindDuration:
		return field.FormatDuration(time.Duration(r.def.Min)), field.FormatDuration(time.Duration(r.def.Max)), true
	case field.KindSize:
		return field.FormatSize(r.def.Min), field.FormatSize(r.def.Max), true
	case field.KindInt:
		return field.FormatSize(r.def.Min), field.FormatSize(r.def.Max), true
	default:
		return "", "", false
	}
}

// Quiet returns the values of which nothing is to be said, but for the empty
// one: they say what holds anyway.
func (r Row) Quiet() []string {
	return slices.DeleteFunc(slices.Clone(r.quiet), func(text string) bool { return text == "" })
}

// Words returns the accepted words, if they are counted.
func (r Row) Words() []string { return r.def.Words }

// Secret reports whether the value must never be shown.
func (r Row) Secret() bool { return r.def.Secret() || r.Key == "sasl.jaas.config" }

// OfRole reports whether a client of role has the key.
func (r Row) OfRole(role Role) bool { return r.Roles&role != 0 }

// OfFlow reports whether the key tunes a flow rather than a connection.
func (r Row) OfFlow() bool {
	return r.inModel && (r.def.Scope == field.ScopeConsumer && r.Key != "client.rack" || r.def.Scope == field.ScopeProducer)
}

// OfConnection reports whether the key says how brokers are reached.
func (r Row) OfConnection() bool { return r.Common || r.inModel && !r.OfFlow() }

// Note returns what is to be said of a key that is set; ok is false where it
// has its effect, or none is needed.
func (r Row) Note(v Value) (d diag.Diagnostic, ok bool) {
	if slices.Contains(r.quiet, strings.ToLower(strings.TrimSpace(v.Text))) {
		return d, false
	}
	switch r.Handling {
	case Approximated, Informed:
		d = diag.Infof(diag.CodeNoEffect, v.At, "%s %s", v.Name, r.Doc)
	case Warned:
		d = diag.Warnf(diag.CodeNoEffect, v.At, "%s %s", v.Name, r.Doc)
	case Refused:
		d = diag.Errorf(diag.CodeJavaClass, v.At, "%s %s", v.Name, r.Doc)
	default:
		return d, false
	}
	d.Fix, d.Code = r.fix, cmp.Or(r.code, d.Code)
	return d, true
}

// Rows returns the table, in the order of the documentation.
func Rows() []Row {
	return rows(targets{cluster: &model.Cluster{}, tls: &model.TLS{}, sasl: &model.SASL{}, flow: &model.Flow{}})
}

// Table finds rows by their keys.
type Table struct {
	exact    map[string][]Row
	prefixes []Row
}

// NewTable returns the whole table.
func NewTable() *Table { return newTable(Rows()) }

func newTable(rows []Row) *Table {
	t := &Table{exact: map[string][]Row{}}
	for _, row := range rows {
		if strings.HasSuffix(row.Key, ".") {
			t.prefixes = append(t.prefixes, row)
		} else {
			t.exact[row.Key] = append(t.exact[row.Key], row)
		}
	}
	return t
}

// Find returns the row of a key: of several the one that a client of role has.
func (t *Table) Find(key string, role Role) (Row, bool) {
	for _, row := range t.exact[key] {
		if row.OfRole(role) {
			return row, true
		}
	}
	for _, row := range t.prefixes {
		if strings.HasPrefix(key, row.Key) && row.OfRole(role) {
			return row, true
		}
	}
	if rows := t.exact[key]; len(rows) > 0 {
		return rows[0], true
	}
	i := slices.IndexFunc(t.prefixes, func(row Row) bool { return strings.HasPrefix(key, row.Key) })
	if i < 0 {
		return Row{}, false
	}
	return t.prefixes[i], true
}

// Unset returns the text that says what holds where a file of a form does not
// have the key.
func (r Row) Unset(form field.Form) string {
	switch r.Key {
	case "security.protocol":
		return "PLAINTEXT"
	case "ssl.endpoint.identification.algorithm":
		return "https"
	case "ssl.protocol":
		return "TLS"
	}
	if r.inModel && r.def.Key != "" {
		text, _ := r.def.DefaultOf(form)
		if span, err := time.ParseDuration(text); err == nil && r.def.Kind == field.KindDuration {
			return strconv.FormatInt(span.Milliseconds(), 10)
		}
		return text
	}
	return ""
}

// Place returns where Read notes the value in Cluster.Ranges, by the attribute
// of the same meaning.
func (r Row) Place() string { return r.place }

// CommonNames returns the keys that MirrorMaker 2 hands to every client of a
// cluster.
func CommonNames() []string {
	var names []string
	for _, row := range Rows() {
		if row.Common && !strings.HasSuffix(row.Key, ".") {
			names = append(names, row.Key)
		}
	}
	return names
}

// Names returns the keys of some clients, for suggestions.
func Names(roles Role) []string {
	var names []string
	for _, row := range Rows() {
		if row.Roles&roles != 0 && !strings.HasSuffix(row.Key, ".") {
			names = append(names, row.Key)
		}
	}
	return names
}

// targets is what the rows are bound to.
type targets struct {
	cluster *model.Cluster
	tls     *model.TLS
	sasl    *model.SASL
	flow    *model.Flow
}

// rows returns the table bound to t.
func rows(t targets) []Row {
	var list []Row
	for _, part := range [][]Row{connectionRows(t), tlsRows(t), saslRows(t), consumerRows(t), producerRows(t), otherRows()} {
		list = append(list, part...)
	}
	return list
}

// bound is the row of a property of the model.
func bound(d field.Def, roles Role) Row {
	return Row{
		Key: d.Key, Roles: roles, Handling: Equal, Doc: d.Doc, def: d, place: d.Name, inModel: true,
		Common: d.Scope == field.ScopeCluster,
	}
}

// as returns the row with another way to handle it.
func (r Row) as(h Handling, doc string) Row {
	r.Handling, r.Doc = h, doc
	return r
}

// unless returns the row without a note for values that say what holds anyway.
func (r Row) unless(values ...string) Row {
	r.quiet = values
	return r
}

// noted returns the row with a code of its own for its note.
func (r Row) noted(code string) Row {
	r.code = code
	return r
}

func (r Row) withFix(fix string) Row {
	r.fix = fix
	return r
}

// The following make rows whose value goes nowhere: it is only checked, since
// Java's clients refuse what is not of the type.

func row(d field.Def, key string, roles Role, h Handling, doc string) Row {
	return Row{Key: key, Roles: roles, Handling: h, Doc: doc, def: d, place: key}
}

func text(key string, roles Role, h Handling, doc string) Row {
	return row(field.String(new(string), key, doc), key, roles, h, doc)
}

func boolean(key string, roles Role, h Handling, doc string) Row {
	return row(field.Bool(new(bool), key, doc), key, roles, h, doc)
}

func number(key string, low int64, roles Role, h Handling, doc string) Row {
	return row(field.Int(new(int64), key, low, math.MaxInt64, doc), key, roles, h, doc)
}

func span(key string, roles Role, h Handling, doc string) Row {
	return row(field.Duration(new(time.Duration), key, -time.Millisecond, field.MaxDuration, doc), key, roles, h, doc)
}

func list(key string, roles Role, h Handling, doc string) Row {
	return row(field.List(new([]string), key, doc), key, roles, h, doc)
}

// class is a row that names one Java class, of which only known ones have an
// equal here.
func class(key string, roles Role, doc, fix string, known ...string) Row {
	r := row(field.Enum(new(string), key, known, doc), key, roles, Equal, doc)
	r.class, r.fix = true, fix
	return r
}
