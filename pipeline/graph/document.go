package graph

// DocumentVersion is that of a Document; a field may be added to it under the same
// number.
const DocumentVersion = 1

// Document is a graph for programs.
type Document struct {
	FormatVersion int               `json:"format_version"`
	Deployment    string            `json:"deployment,omitempty"`
	Clusters      []DocumentCluster `json:"clusters"`
	Nodes         []DocumentNode    `json:"nodes"`
	Edges         []DocumentEdge    `json:"edges"`
	Paths         []DocumentPath    `json:"paths"`
}

// DocumentCluster is an end of paths.
type DocumentCluster struct {
	Alias       string   `json:"alias"`
	Servers     []string `json:"bootstrap_servers"`
	Fingerprint string   `json:"fingerprint"`
}

// DocumentNode is one part of one or several paths.
type DocumentNode struct {
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

// DocumentEdge leads from one node to another.
type DocumentEdge struct {
	From  string   `json:"from"`
	To    string   `json:"to"`
	Flows []string `json:"flows"`
}

// DocumentPath is the way of a flow.
type DocumentPath struct {
	Flow        string           `json:"flow"`
	From        string           `json:"from"`
	To          string           `json:"to"`
	Enabled     bool             `json:"enabled"`
	Topics      []string         `json:"topics"`
	Exclude     []string         `json:"topics_exclude"`
	Nodes       []string         `json:"nodes"`
	Mode        string           `json:"mode"`
	Why         []DocumentReason `json:"why"`
	Fingerprint string           `json:"fingerprint"`
}

// DocumentReason is why batches travel as they do.
type DocumentReason struct {
	Node string `json:"node,omitempty"`
	Text string `json:"text"`
}

// Document returns the graph for programs.
func (g *Graph) Document() Document {
	out := Document{
		FormatVersion: DocumentVersion, Deployment: g.Deployment,
		Clusters: []DocumentCluster{}, Nodes: []DocumentNode{}, Edges: []DocumentEdge{}, Paths: []DocumentPath{},
	}
	for _, c := range g.Clusters {
		out.Clusters = append(out.Clusters, DocumentCluster{c.Alias, present(c.Servers), c.Fingerprint.String()})
	}
	for _, n := range g.Nodes {
		out.Nodes = append(out.Nodes, DocumentNode{
			ID: n.ID, Kind: string(n.Kind), Name: n.Name, Cluster: n.Cluster, Stage: n.Stage, Text: n.Text,
			Needs: n.Needs.String(), Flows: present(n.Flows), Fingerprint: n.Fingerprint.String(),
		})
	}
	for _, e := range g.Edges {
		out.Edges = append(out.Edges, DocumentEdge{e.From, e.To, present(e.Flows)})
	}
	for _, p := range g.Paths {
		why := []DocumentReason{}
		for _, r := range p.Why {
			why = append(why, DocumentReason(r))
		}
		out.Paths = append(out.Paths, DocumentPath{
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
