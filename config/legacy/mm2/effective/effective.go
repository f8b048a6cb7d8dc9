// Package effective computes what MirrorMaker 2 4.2.0 makes of a properties
// file: which pairs of clusters run, and the configuration of every connector,
// worker and client of a pair, each value with the place it was written at. It
// is MirrorMakerConfig, MirrorConnectorConfig and Connect's Worker as pure
// functions; integration/parity compares it with those classes. What the values
// mean to Strait is the business of config/legacy/mm2.
package effective

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/props"
)

// MaxPairs bounds the pairs of clusters of one file. MirrorMaker 2 starts
// threads and clients for each: no machine runs as many.
const MaxPairs = 1 << 20

// Params is what Read needs.
type Params struct {
	Doc      *props.Document                   // required
	Env      func(name string) (string, bool)  // required
	ReadFile func(path string) ([]byte, error) // required
	Exists   func(path string) bool            // default: os.Stat finds it
}

// Value is one setting.
type Value struct {
	Text      string
	Key       string     // as the file has it; "" for what MirrorMaker 2 adds itself
	At        diag.Range // of the value in the file; zero for what MirrorMaker 2 adds
	Lost      diag.Range // of the first backslash that Java drops; zero for none
	Sensitive bool       // never shown: secret by its key, or from a config provider
	// Unresolved is why a ${provider:...} variable stands in Text as it was
	// written, "" if none does.
	Unresolved string
	// Undeclared is the name of the provider in a variable that config.providers
	// does not declare, "" if there is none.
	Undeclared string
}

// Written reports whether the file says the value.
func (v Value) Written() bool { return v.Key != "" }

// Map is one configuration under Java's keys.
type Map map[string]Value

// with returns the entries whose key begins with prefix, which it takes off.
func (m Map) with(prefix string) Map {
	out := Map{}
	for k, v := range m {
		if rest, ok := strings.CutPrefix(k, prefix); ok && rest != "" {
			out[rest] = v
		}
	}
	return out
}

// put adds all of from, which wins.
func (m Map) put(from Map) { maps.Copy(m, from) }

// absent adds a value MirrorMaker 2 makes itself unless the key is there.
func (m Map) absent(key, text string) {
	if _, ok := m[key]; !ok {
		m[key] = Value{Text: text}
	}
}

// text is the value of key as AbstractConfig.getString gives it.
func (m Map) text(key string) string { return trim(m[key].Text) }

// Pair is an ordered pair of clusters that MirrorMaker 2 runs a herder for.
type Pair struct {
	Source, Target string
	// Enabled says that its own "enabled" made the pair; otherwise the pair
	// is there for its heartbeats. The connectors read the key once more.
	Enabled bool
}

// Name is the pair as MirrorMaker 2 writes it.
func (p Pair) Name() string { return p.Source + "->" + p.Target }

// Config is one file.
type Config struct {
	p        Params
	defs     *definitions
	raw      Map // as written
	typed    Map // raw with the variables resolved that config.providers declares
	aliases  []string
	pairs    []Pair
	sorted   []string // keys of raw
	files    map[string]fileText
	provided providerSet // of typed, for workers
}

// Plain returns the keys of a file that is one configuration, such as that of a
// Java client, with its variables resolved as Kafka's AbstractConfig does.
func Plain(p Params) (Map, diag.List) {
	c, problems := open(p)
	return c.typed, problems
}

// open does what the constructor of AbstractConfig does before it checks.
func open(p Params) (*Config, diag.List) {
	if p.Exists == nil {
		p.Exists = func(path string) bool {
			_, err := os.Stat(path)
			return !errors.Is(err, fs.ErrNotExist)
		}
	}
	c := &Config{p: p, defs: newDefinitions(), raw: Map{}, files: map[string]fileText{}}
	for _, e := range p.Doc.Effective() {
		c.raw[e.Key] = Value{Text: e.Value, Key: e.Key, At: e.ValueRange, Lost: e.LostBackslash, Sensitive: Secret(e.Key)}
		c.sorted = append(c.sorted, e.Key)
	}
	slices.Sort(c.sorted)
	var problems diag.List
	c.typed = c.transform(c.raw, c.automatic(c.raw, &problems), &problems)
	return c, problems
}

// Read does what the constructor of MirrorMakerConfig does, and its
// clusterPairs. An Error means that MirrorMaker 2 does not start with the file;
// the result is then as complete as the text allows.
func Read(p Params) (*Config, diag.List) {
	c, problems := open(p)
	problems.Add(c.defs.check(userFile, c.typed, p.Doc.File)...)
	c.provided = c.declared(field.SplitList(c.typed.text("config.providers")), c.typed, &problems)
	c.aliases = distinct(field.SplitList(c.typed.text("clusters")))
	if n := len(c.aliases); n*(n-1) > MaxPairs {
		problems.Add(diag.Errorf(diag.CodeTooBig, c.typed["clusters"].At, "clusters names %d clusters; at most 1024 can be paired", n))
		return c, problems.Once()
	}
	c.pairs = c.clusterPairs()
	if len(c.pairs) == 0 && !problems.HasErrors() {
		problems.Add(diag.Errorf(diag.CodeNoFlow, c.typed["clusters"].At, "MirrorMaker 2 does not start without a pair of clusters to run").
			WithFix("enable one with A->B.enabled = true"))
	}
	return c, problems.Once()
}

// Aliases returns the clusters in the order the file names them.
func (c *Config) Aliases() []string { return c.aliases }

// Pairs returns the pairs that MirrorMaker 2 runs, by source and target in the
// order of Aliases.
func (c *Config) Pairs() []Pair { return c.pairs }

// Raw returns the keys that the file has, last duplicates, unresolved.
func (c *Config) Raw() Map { return c.raw }

// Typed returns the same with variables resolved as MirrorMakerConfig does.
func (c *Config) Typed() Map { return c.typed }

// clusterPairs is MirrorMakerConfig.clusterPairs: the texts count as they are
// written, with blanks, and only "true" in any case is true.
func (c *Config) clusterPairs() []Pair {
	beats := true
	if v, ok := c.typed["emit.heartbeats.enabled"]; ok {
		beats = parseBoolean(v.Text)
	}
	var pairs []Pair
	for _, source := range c.aliases {
		own := c.starts(source + "->") // most pairs have no key in large files
		for _, target := range c.aliases {
			p := Pair{Source: source, Target: target}
			sends := beats
			if own {
				p.Enabled = parseBoolean(c.typed[p.Name()+".enabled"].Text)
				if v, ok := c.typed[p.Name()+".emit.heartbeats.enabled"]; ok {
					sends = parseBoolean(v.Text)
				}
			}
			if source != target && (p.Enabled || sends) {
				pairs = append(pairs, p)
			}
		}
	}
	return pairs
}

// starts reports whether a key of the file starts with prefix.
func (c *Config) starts(prefix string) bool {
	i, _ := slices.BinarySearch(c.sorted, prefix)
	return i < len(c.sorted) && strings.HasPrefix(c.sorted[i], prefix)
}

// Secret reports whether the value of a key is never shown.
func Secret(key string) bool {
	key = strings.ToLower(key)
	for _, part := range []string{
		"password", "passwd", "passphrase", "jaas.config", "keystore.key", "certificate.chain", "truststore.certificates",
		"secret", "token", "credential",
	} {
		if strings.Contains(key, part) {
			return true
		}
	}
	return false
}

// parseBoolean is java.lang.Boolean.parseBoolean.
func parseBoolean(s string) bool { return strings.EqualFold(s, "true") }

// trim is java.lang.String.trim.
func trim(s string) string { return strings.TrimFunc(s, func(r rune) bool { return r <= ' ' }) }

// distinct drops empty and repeated elements.
func distinct(list []string) []string {
	seen := map[string]bool{"": true}
	var out []string
	for _, s := range list {
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}

// Resolved returns the keys of the file with their variables resolved as often
// as they are for a client of MirrorMaker 2: twice.
func (c *Config) Resolved() Map {
	var reported diag.List // by Read
	return c.transform(c.typed, c.provided, &reported)
}
