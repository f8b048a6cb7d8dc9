package view

import (
	"fmt"
	"slices"
	"strings"

	"github.com/strait-mirror/strait/flows/grant"
	"github.com/strait-mirror/strait/pipeline/plan"
)

// ACLs is the result of the command acls.
type ACLs struct {
	Missing  bool // only what the clusters do not grant
	Clusters []ClusterACLs
}

// ClusterACLs is what one cluster has to grant.
type ClusterACLs struct {
	Alias     string
	Servers   []string
	Principal string
	Entries   []grant.Entry
}

type aclsJSON struct {
	FormatVersion int              `json:"format_version"`
	Missing       bool             `json:"missing_only"`
	Clusters      []clusterACLJSON `json:"clusters"`
}

type clusterACLJSON struct {
	Cluster   string    `json:"cluster"`
	Servers   []string  `json:"bootstrap_servers"`
	Principal string    `json:"principal"`
	ACLs      []aclJSON `json:"acls"`
	Commands  []string  `json:"commands"`
}

type aclJSON struct {
	ResourceType string     `json:"resource_type"`
	Name         string     `json:"name"`
	PatternType  string     `json:"pattern_type"` // literal or prefixed
	Operation    string     `json:"operation"`
	Needs        []needJSON `json:"needs"`
}

type needJSON struct {
	Flow    string `json:"flow"`
	Feature string `json:"feature"`
	Why     string `json:"why"`
}

// ACLs shows permissions as lines for a shell, whose comments say what each is
// for.
func (v *View) ACLs(a ACLs, asJSON bool) error {
	if asJSON {
		return v.JSON(aclsDocument(a))
	}
	for i, c := range a.Clusters {
		if i > 0 {
			v.Print("")
		}
		if len(c.Entries) == 0 {
			v.Print("# cluster %s: nothing is missing for %s", comment(c.Alias), comment(c.Principal))
			continue
		}
		v.Print("# cluster %s, for %s", comment(c.Alias), comment(c.Principal))
		for _, group := range c.byResource() {
			for _, e := range group {
				v.Print("# %s", comment(reason(e)))
			}
			v.Print("%s", c.command(group))
		}
	}
	return nil
}

// comment keeps text in the one line that a shell skips.
func comment(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
}

// reason says in one line what a permission is for.
func reason(e grant.Entry) string {
	var why, flows []string
	for _, n := range e.Needs {
		if text := string(n.Feature) + ": " + n.Why; !slices.Contains(why, text) {
			why = append(why, text)
		}
		if !slices.Contains(flows, n.Flow) {
			flows = append(flows, n.Flow)
		}
	}
	return e.Operation.Java() + " for " + strings.Join(flows, ", ") + ": " + strings.Join(why, "; ")
}

// Missing returns the permissions as a plan has them.
func (c ClusterACLs) Missing() []plan.Missing {
	var list []plan.Missing
	for _, e := range c.Entries {
		object := string(e.On.Kind)
		switch {
		case e.On.Prefixed:
			object += fmt.Sprintf(" %q and what follows it", e.On.Name)
		case e.On.Kind != grant.Cluster:
			object += fmt.Sprintf(" %q", e.On.Name)
		}
		list = append(list, plan.Missing{
			Cluster: c.Alias, Principal: c.Principal, Operation: string(e.Operation), Object: object,
			Command: c.command([]grant.Entry{e}),
		})
	}
	return list
}

// byResource groups permissions by what they are on, in order.
func (c ClusterACLs) byResource() [][]grant.Entry {
	var groups [][]grant.Entry
	for _, e := range c.Entries {
		i := slices.IndexFunc(groups, func(g []grant.Entry) bool { return g[0].On == e.On })
		if i < 0 {
			groups = append(groups, nil)
			i = len(groups) - 1
		}
		groups[i] = append(groups[i], e)
	}
	return groups
}

func (c ClusterACLs) command(group []grant.Entry) string {
	var operations []grant.Operation
	for _, e := range group {
		operations = append(operations, e.Operation)
	}
	server := ""
	if len(c.Servers) > 0 {
		server = c.Servers[0]
	}
	return grant.Command(server, c.Principal, operations, group[0].On)
}

func aclsDocument(a ACLs) aclsJSON {
	out := aclsJSON{FormatVersion: 1, Missing: a.Missing, Clusters: []clusterACLJSON{}}
	for _, c := range a.Clusters {
		doc := clusterACLJSON{Cluster: c.Alias, Servers: c.Servers, Principal: c.Principal, ACLs: []aclJSON{}, Commands: []string{}}
		for _, e := range c.Entries {
			pattern := "literal"
			if e.On.Prefixed {
				pattern = "prefixed"
			}
			one := aclJSON{ResourceType: string(e.On.Kind), Name: e.On.Name, PatternType: pattern, Operation: string(e.Operation)}
			for _, n := range e.Needs {
				one.Needs = append(one.Needs, needJSON{n.Flow, string(n.Feature), n.Why})
			}
			doc.ACLs = append(doc.ACLs, one)
		}
		for _, group := range c.byResource() {
			doc.Commands = append(doc.Commands, c.command(group))
		}
		out.Clusters = append(out.Clusters, doc)
	}
	return out
}
