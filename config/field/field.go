// Package field owns the declaration of one property: its names in HCL and in
// a MirrorMaker 2 file, its type, range, default, documentation, secrecy and
// what a change of it costs. A Def is bound by pointer to the model it fills,
// so that both readers derive from one line. Which properties exist is declared
// next to the model in config/model.
package field

import (
	"maps"
	"slices"
	"strings"

	"github.com/strait-mirror/strait/config/diag"
)

// Kind is the type of a property.
type Kind int

// The kinds; the zero value is invalid.
const (
	KindBool Kind = iota + 1
	KindInt
	KindString
	KindDuration
	KindSize
	KindEnum
	KindList
	KindSecret
	KindMap
	KindFloat
)

// String is how the kind is called in messages and documentation.
func (k Kind) String() string {
	switch k {
	case KindBool:
		return "true or false"
	case KindInt:
		return "a whole number"
	case KindString, KindSecret:
		return "a string"
	case KindDuration:
		return `a duration such as "30s"`
	case KindSize:
		return `a size in bytes such as "8MiB"`
	case KindEnum:
		return "one of a few words"
	case KindList:
		return "a list of strings"
	case KindMap:
		return "a map of strings"
	case KindFloat:
		return "a number"
	}
	return "invalid"
}

// Reload says what a change of a property costs while Strait runs.
type Reload int

// The reload classes, cheapest first; the zero value means RestartFlow.
const (
	RestartFlow   Reload = iota // the flow stops and starts at its position
	Live                        // applied without stopping anything
	BatchBoundary               // per partition, at an anchored batch boundary
	RestartStage                // the stage or client is replaced, the flow runs on
	Destructive                 // renames or re-reads live data: needs permission
)

// String is the word used in plans and documentation.
func (r Reload) String() string {
	switch r {
	case RestartFlow:
		return "restart flow"
	case Live:
		return "live"
	case BatchBoundary:
		return "batch boundary"
	case RestartStage:
		return "restart stage"
	case Destructive:
		return "destructive"
	}
	return "invalid"
}

// Scope says where MirrorMaker 2 reads a property.
type Scope int

// The scopes; ScopeNone means MirrorMaker 2 has no such property.
const (
	ScopeNone     Scope = iota
	ScopeFlow           // S->T.key, else top-level key
	ScopeFlowOnly       // S->T.key
	ScopeCluster        // A.key and its role forms, else top-level key
	ScopeConsumer       // S->T.source.consumer.key, S.consumer.key, S->T.consumer.key
	ScopeProducer       // S->T.producer.override.key, T.producer.key
	ScopeAlias          // A.key only
	ScopeWorker         // T.key, the settings of the Connect worker; some at the top level, too
	ScopeClient         // A.consumer.key, A.producer.key, A.admin.key
)

// Form is one of the two kinds of file a property may come from.
type Form int

// The forms.
const (
	HCL Form = iota + 1
	Properties
)

// Value is what a reader found for a property. The zero List with a Text is a
// scalar; a properties file always gives Text.
type Value struct {
	Text      string
	List      []string
	IsList    bool
	Map       map[string]string
	IsMap     bool
	Sensitive bool // came from env(), file() or a provider: never quoted
}

// Def declares one property and is bound to the variable that holds it.
type Def struct {
	Name    string // HCL attribute
	Doc     string // one sentence
	Kind    Kind
	Key     string   // MirrorMaker 2 key without prefix; "" for none
	Scope   Scope    // where Key is read
	Reload  Reload   // what a change costs
	Min     int64    // least value of an int or size; nanoseconds for a duration
	Max     int64    // greatest value
	Words   []string // accepted words of an enum
	OrFile  bool     // HCL also accepts <Name>_file with a path
	Path    bool     // a path; HCL starts a relative one at the directory of the file
	Pattern bool     // a list of Java regular expressions
	Pending bool     // read and checked, but without effect so far: readers say so

	Other   string // what else than Words HCL accepts, in words; "": nothing
	OtherAs string // a regular expression for that

	already  string                    // text of the one value that holds while the property is pending
	defaults [Properties + 1]byDefault // by form
	unit     int64                     // of one in a properties file: nanoseconds or bytes
	words    map[string]string         // properties word to enum word
	set      func(parsed)
	get      func() parsed
	low      float64 // least value of a float
	high     float64
	path     *string // of the file that holds the value
	other    func(text string) error
}

// byDefault is a default as HCL writes it, where there is one.
type byDefault struct {
	text string
	is   bool
}

// parsed is a checked value of any kind.
type parsed struct {
	text  string
	num   int64
	float float64
	flag  bool
	list  []string
	dict  map[string]string
}

// Default sets the default of both forms, written as in HCL; lists are joined
// by commas.
func (d Def) Default(text string) Def {
	return d.DefaultIn(HCL, text).DefaultIn(Properties, text)
}

// DefaultIn sets the default of one form, written as in HCL.
func (d Def) DefaultIn(form Form, text string) Def {
	d.defaults[form] = byDefault{text, true}
	return d
}

// DefaultOf returns the default of a form as written in HCL; ok is false where
// there is none.
func (d Def) DefaultOf(form Form) (text string, ok bool) {
	return d.defaults[form].text, d.defaults[form].is
}

// Legacy names the MirrorMaker 2 key and where it is read.
func (d Def) Legacy(key string, scope Scope) Def {
	d.Key, d.Scope = key, scope
	return d
}

// LegacyUnit says what one means in the MirrorMaker 2 key, in nanoseconds for
// a duration: int64(time.Second) for a key in seconds.
func (d Def) LegacyUnit(unit int64) Def {
	d.unit = unit
	return d
}

// LegacyWords maps what the MirrorMaker 2 key may say to words of the enum.
// Without it both accept the same words.
func (d Def) LegacyWords(words map[string]string) Def {
	d.words = words
	return d
}

// Or has HCL accept other texts than the words: those that match the regular
// expression as and that check has nothing against. described completes "must be ...".
func (d Def) Or(as, described string, check func(text string) error) Def {
	d.Other, d.OtherAs, d.other = described, as, check
	return d
}

// Changes sets the reload class.
func (d Def) Changes(r Reload) Def {
	d.Reload = r
	return d
}

// File lets HCL give the value as <Name>_file, the path of a file that holds it
// and is read whenever the value is needed; path receives it.
func (d Def) File(path *string) Def {
	d.OrFile, d.path = true, path
	return d
}

// SetFile stores the path of the file that holds the value.
func (d Def) SetFile(path string) { *d.path = path }

// FilePath returns the path of the file that holds the value; "" for none.
func (d Def) FilePath() string {
	if d.path == nil {
		return ""
	}
	return *d.path
}

// AsPath marks a string as the path of a file.
func (d Def) AsPath() Def {
	d.Path = true
	return d
}

// Patterns marks a list as Java regular expressions that must match in full.
func (d Def) Patterns() Def {
	d.Pattern = true
	return d
}

// Later marks a property that is read and checked but has no effect so far.
// already is the text of a value that holds all the same, such as "false" of a
// switch for what does not exist yet; "" for none.
func (d Def) Later(already string) Def {
	d.Pending, d.already = true, already
	return d
}

// InVain reports whether the present value asks for something that has no
// effect so far: a default asks for nothing.
func (d Def) InVain() bool {
	text := d.Text()
	if !d.Pending || (d.already != "" && text == d.already) {
		return false
	}
	return !slices.ContainsFunc(d.defaults[:], func(by byDefault) bool {
		return by.is && (text == by.text || text == strings.Join(splitList(by.text), ", "))
	})
}

// Vain says what a value set without effect deserves: a warning where something
// was asked for, an info where it only would be tuned.
func (d Def) Vain() diag.Severity {
	switch d.Kind {
	case KindBool, KindList, KindEnum:
		return diag.Warning
	default:
		return diag.Info
	}
}

// Secret reports whether the value must never be shown.
func (d Def) Secret() bool { return d.Kind == KindSecret }

// ApplyDefault stores the default of the form, if there is one. A default that
// does not parse is a programmer's mistake and panics.
func (d Def) ApplyDefault(form Form) {
	text, ok := d.DefaultOf(form)
	if !ok {
		return
	}
	v := Value{Text: text}
	if d.Kind == KindList {
		v = Value{List: splitList(text), IsList: true}
	}
	if p := d.Set(HCL, v); p != nil {
		panic("field: default of " + d.Name + ": " + p.Summary)
	}
}

// Set parses v as the form writes it, checks it and stores it. A problem comes
// back without a place and with name or key left to the caller: its summary
// reads after "<name>: ".
func (d Def) Set(form Form, v Value) *diag.Diagnostic {
	p, problem := d.parse(form, v)
	if problem != nil {
		return problem
	}
	d.set(p)
	return nil
}

// Take stores what another binding of the same property holds.
func (d Def) Take(from Def) {
	d.set(from.get())
	if d.path != nil {
		*d.path = *from.path
	}
}

// Text is the current value as HCL would write it, without quotes; lists are
// joined by ", " and secrets are "(secret)".
func (d Def) Text() string { return d.format(d.get()) }

// Get is the current value as HCL would write it. A secret comes with its text
// and is marked sensitive.
func (d Def) Get() Value {
	v := d.get()
	switch d.Kind {
	case KindList:
		return Value{List: slices.Clone(v.list), IsList: true}
	case KindMap:
		return Value{Map: maps.Clone(v.dict), IsMap: true}
	case KindSecret:
		return Value{Text: v.text, Sensitive: true}
	default:
		return Value{Text: d.format(v)}
	}
}
