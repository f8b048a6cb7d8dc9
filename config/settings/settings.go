// Package settings lists what is in effect: every setting of every cluster,
// connector and client of a topology, with the place that says it. It is made
// from the model for what Strait runs, and from config/legacy/mm2/effective for
// what MirrorMaker 2 would. It prints nothing.
package settings

import (
	"slices"
	"strings"

	"github.com/strait-mirror/strait/config/client"
	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/legacy/mm2/effective"
	"github.com/strait-mirror/strait/config/model"
)

// Masked stands for a value that is not shown.
const Masked = "(secret)"

// Default is the origin of a value that no file says.
const Default = "default"

// Setting is one value in effect.
type Setting struct {
	Name   string
	Origin string // file:line:column, or Default
	Secret bool

	text string
}

// Text is the value; of a secret one only if show says so.
func (s Setting) Text(show bool) string {
	if s.Secret && !show && s.text != "" {
		return Masked
	}
	return s.text
}

// Section is the settings of one connector, client or cluster.
type Section struct {
	Name     string
	Settings []Setting
}

// Flow is one flow with its connectors and clients.
type Flow struct {
	Name     string
	Enabled  bool
	Sections []Section
}

// Listing is everything in effect.
type Listing struct {
	Clusters []Section // empty for MirrorMaker 2, whose clients have all of it
	Flows    []Flow
}

// OfModel lists what Strait runs, by the attributes of the model.
func OfModel(cfg *model.Config) Listing {
	var l Listing
	for _, c := range cfg.Clusters {
		l.Clusters = append(l.Clusters, clusterSection(c))
	}
	users, table := effective.Users(), client.NewTable()
	for _, f := range cfg.Flows {
		flow := Flow{Name: f.Name, Enabled: f.Enabled}
		for _, name := range sections() {
			s := Section{Name: name}
			for _, d := range model.FlowFields(f) {
				if sectionOf(d, users) == name {
					s.Settings = append(s.Settings, ofDef(d, "", f.Ranges))
				}
			}
			s.Settings = append(s.Settings, ofClient(table, name, f.Properties)...)
			if len(s.Settings) > 0 {
				flow.Sections = append(flow.Sections, s)
			}
		}
		l.Flows = append(l.Flows, flow)
	}
	return l
}

// The sections of a flow, as effective.Names has them; "engine" is what only
// Strait knows.
func sections() []string { return append(effective.Names(), "engine") }

// sectionOf says which connector or client of MirrorMaker 2 a property is
// for.
func sectionOf(d field.Def, users map[string][]string) string {
	switch d.Scope {
	case field.ScopeConsumer:
		return "source_consumer"
	case field.ScopeProducer:
		return "record_producer"
	case field.ScopeNone:
		return "engine"
	case field.ScopeWorker:
		return "worker"
	default:
	}
	of := users[d.Key]
	for _, user := range []string{"source", "checkpoint", "heartbeat"} {
		if slices.Contains(of, user) {
			return user + "_connector"
		}
	}
	return "source_connector"
}

func clusterSection(c *model.Cluster) Section {
	s := Section{Name: c.Alias}
	for _, d := range model.ClusterFields(c) {
		s.Settings = append(s.Settings, ofDef(d, "", c.Ranges))
	}
	if c.TLS != nil {
		for _, d := range model.TLSFields(c.TLS) {
			s.Settings = append(s.Settings, ofDef(d, "tls.", c.Ranges))
		}
	}
	if c.SASL != nil {
		s.Settings = append(s.Settings, Setting{
			Name: "sasl.mechanism", text: c.SASL.Mechanism, Origin: origin(c.Ranges.Of("sasl.mechanism")),
		})
		for _, d := range model.SASLFields(c.SASL) {
			s.Settings = append(s.Settings, ofDef(d, "sasl.", c.Ranges))
		}
	}
	for _, key := range sortedKeys(c.Properties) {
		s.Settings = append(s.Settings, ofProperty(key, c.Properties[key]))
	}
	return s
}

func ofProperty(key string, p model.Property) Setting {
	return Setting{Name: "properties." + key, text: p.Value.Reveal(), Secret: p.Sensitive, Origin: origin(p.Range)}
}

// ofClient returns the properties of a flow that are for one of its clients;
// those that name none are the record producer's or the consumer's.
func ofClient(table *client.Table, section string, properties map[string]model.Property) []Setting {
	var list []Setting
	for _, key := range sortedKeys(properties) {
		for _, owner := range owners(table, key) {
			if owner == section {
				list = append(list, ofProperty(key, properties[key]))
			}
		}
	}
	return list
}

// owners returns the sections of a flow that one of its properties belongs to.
func owners(table *client.Table, key string) []string {
	if strings.HasPrefix(key, "admin.") {
		return []string{"source_admin", "target_admin"}
	}
	for _, o := range [][2]string{
		{"source.admin.", "source_admin"},
		{"target.admin.", "target_admin"},
		{"source.consumer.", "source_consumer"},
		{"consumer.", "source_consumer"},
		{"producer.override.", "record_producer"},
	} {
		if strings.HasPrefix(key, o[0]) {
			return []string{o[1]}
		}
	}
	if row, ok := table.Find(key, client.Consumer); ok && row.OfRole(client.Consumer) {
		return []string{"source_consumer"}
	}
	return []string{"record_producer"}
}

// ofDef is the present value of a declaration; block is its name in front of
// the attribute, with a dot.
func ofDef(d field.Def, block string, places model.Places) Setting {
	text := d.Text()
	if d.Secret() {
		text = d.Get().Text
	}
	return Setting{Name: block + d.Name, text: text, Secret: d.Secret(), Origin: origin(places.Of(block + d.Name))}
}

func origin(at diag.Range) string {
	if at.IsZero() {
		return Default
	}
	return at.String()
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// OfJava lists what MirrorMaker 2's own classes compute from a file, by Java's
// keys, for pairs whose target is among targets, or all. An Error means that
// they reject the file.
func OfJava(c *effective.Config, targets []string) (Listing, diag.List) {
	var l Listing
	var problems diag.List
	for _, p := range c.Pairs() {
		if len(targets) > 0 && !slices.Contains(targets, p.Target) {
			continue
		}
		f := c.Flow(p)
		problems.Add(f.Problems()...)
		all := f.All(c)
		flow := Flow{Name: p.Name(), Enabled: p.Enabled}
		for _, name := range effective.Names() {
			flow.Sections = append(flow.Sections, javaSection(name, all[name]))
		}
		l.Flows = append(l.Flows, flow)
	}
	return l, problems.Once()
}

func javaSection(name string, m effective.Map) Section {
	s := Section{Name: name}
	for _, key := range m.Keys() {
		v := m[key]
		s.Settings = append(s.Settings, Setting{
			Name: key, text: v.Text, Secret: v.Sensitive || effective.Secret(key), Origin: origin(v.At),
		})
	}
	return s
}
