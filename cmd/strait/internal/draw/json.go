package draw

import (
	"github.com/strait-mirror/strait/pipeline/graph"
)

// formatVersion is that of the JSON; a field may be added to it under the same
// number.
const formatVersion = 1

type jsonGraph struct {
	FormatVersion int           `json:"format_version"`
	Deployment    string        `json:"deployment,omitempty"`
	Clusters      []jsonCluster `json:"clusters"`
	Nodes         []jsonNode    `json:"nodes"`
	Edges         []jsonEdge    `json:"edges"`
	Paths         []jsonPath    `json:"paths"`
}

type jsonCluster struct {
	Alias       string   `json:"alias"`
	Servers     []string `json:"bootstrap_servers"`
	Fingerprint string   `json:"fingerprint"`
}

type jsonNode struct {
	ID          string   `json:"id"`
	Kind        string   `json:"kind"`
	Name        string   `json:"name"`
	Cluster     string   `json:"cluster,omitempty"`
	Stage       string   `json:"stage,omitempty"`
	Text        string   `json:"text"`
	Needs       string   `json:"needs"`
	Flows       []string `json:"flows"`
	Fingerprint string   `json:"fingerprint"`
}

type jsonEdge struct {
	From  string   `json:"from"`
	To    string   `json:"to"`
	Flows []string `json:"flows"`
}

type jsonPath struct {
	Flow        string       `json:"flow"`
	From        string       `json:"from"`
	To          string       `json:"to"`
	Enabled     bool         `json:"enabled"`
	Topics      []string     `json:"topics"`
	Exclude     []string     `json:"topics_exclude"`
	Nodes       []string     `json:"nodes"`
	Mode        string       `json:"mode"`
	Why         []jsonReason `json:"why"`
	Fingerprint string       `json:"fingerprint"`
}

type jsonReason struct {
	Node string `json:"node,omitempty"`
	Text string `json:"text"`
}

// JSON is g for programs, as a value for package json.
func JSON(g *graph.Graph) any {
	out := jsonGraph{
		FormatVersion: formatVersion, Deployment: g.Deployment,
		Clusters: []jsonCluster{}, Nodes: []jsonNode{}, Edges: []jsonEdge{}, Paths: []jsonPath{},
	}
	for _, c := range g.Clusters {
		out.Clusters = append(out.Clusters, jsonCluster{c.Alias, present(c.Servers), c.Fingerprint.String()})
	}
	for _, n := range g.Nodes {
		out.Nodes = append(out.Nodes, jsonNode{
			ID: n.ID, Kind: string(n.Kind), Name: n.Name, Cluster: n.Cluster, Stage: n.Stage, Text: n.Text,
			Needs: n.Needs.String(), Flows: present(n.Flows), Fingerprint: n.Fingerprint.String(),
		})
	}
	for _, e := range g.Edges {
		out.Edges = append(out.Edges, jsonEdge{e.From, e.To, present(e.Flows)})
	}
	for _, p := range g.Paths {
		why := []jsonReason{}
		for _, r := range p.Why {
			why = append(why, jsonReason{r.Node, r.Text})
		}
		out.Paths = append(out.Paths, jsonPath{
			Flow: p.Flow, From: p.From, To: p.To, Enabled: p.Enabled, Topics: present(p.Topics), Exclude: present(p.Exclude),
			Nodes: present(p.Nodes), Mode: string(p.Mode), Why: why, Fingerprint: p.Fingerprint.String(),
		})
	}
	return out
}

// present is list, never nil: in JSON [] and not null.
func present(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
