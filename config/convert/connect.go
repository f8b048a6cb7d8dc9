package convert

import (
	"slices"
	"strings"

	"github.com/strait-mirror/strait/config/diag"
)

// connect reads MirrorMaker 2's connectors as Kafka Connect's REST interface
// takes and gives them: {"name":…,"config":{…}}, the configuration alone, a list
// of these, or the answer to /connectors?expand=info. Connectors with the same
// two clusters make one flow.
func (c *converter) connect() *form {
	r := newResource()
	seen := map[string]source{}
	for _, file := range c.p.Files {
		docs, problems := parseTrees(file)
		c.report.Problems.Add(problems...)
		for _, doc := range docs {
			for _, one := range connectors(doc, 0) {
				r.onConnect(one, seen)
			}
		}
	}
	if len(r.aliases) == 0 && !c.report.Problems.HasErrors() {
		c.report.Problems.Add(diag.Errorf(diag.CodeMissing, diag.Range{File: c.p.Files[0].Name}, "the file holds no connector of MirrorMaker 2").
			WithFix(`give {"name": ..., "config": {"connector.class": "org.apache.kafka.connect.mirror.MirrorSourceConnector", ...}}`))
		return nil
	}
	r.sameNames()
	r.f.finish(r.aliases)
	return r.f
}

// deployed is one connector.
type deployed struct {
	name   string
	config tree
}

// connectors finds the connectors of a document, one level down at most: YAML
// can make a list an element of itself.
func connectors(doc tree, depth int) []deployed {
	if doc.get("connector.class").exists() {
		return []deployed{{name: doc.get("name").str(), config: doc}}
	}
	if config := doc.get("config"); config.get("connector.class").exists() {
		name := doc.get("name").str()
		if name == "" {
			name = config.get("name").str()
		}
		return []deployed{{name: name, config: config}}
	}
	if depth > 0 {
		return nil
	}
	var list []deployed
	for _, item := range doc.items() {
		list = append(list, connectors(item, depth+1)...)
	}
	doc.each(func(_ string, v tree) {
		if info := v.get("info"); info.exists() {
			list = append(list, connectors(info, depth+1)...)
		}
	})
	return list
}

// kindOf tells the connector by its class, which may be shortened as Connect
// allows.
func kindOf(class string) (connector, bool) {
	short := class[strings.LastIndex(class, ".")+1:]
	kind, ok := map[string]connector{
		"MirrorSource": sourceConnector, "MirrorCheckpoint": checkpointConnector, "MirrorHeartbeat": heartbeatConnector,
	}[strings.TrimSuffix(short, "Connector")]
	return kind, ok
}

// onConnect reads one connector.
func (r *resource) onConnect(d deployed, seen map[string]source) {
	class := d.config.get("connector.class")
	kind, ok := kindOf(class.str())
	if !ok {
		r.f.needs(class.source(), diag.CodeJavaClass, "no connector of MirrorMaker 2: leave it on Kafka Connect")
		return
	}
	from, to := d.config.get("source.cluster.alias").str(), d.config.get("target.cluster.alias").str()
	if to == "" {
		to = "target" // Connect's default
	}
	if from == "" {
		r.f.needs(d.config.source(), diag.CodeMissing, "source.cluster.alias is not set")
		return
	}
	flow := from + "->" + to
	if first, dup := seen[flow+" "+string(kind)]; dup {
		r.f.needs(class.source(), diag.CodeDuplicateName,
			"a second "+string(kind)+" connector from "+from+" to "+to+"; the first is at "+first.at.String()+": write a flow of its own with from, to and its topics")
		return
	}
	seen[flow+" "+string(kind)] = class.source()
	r.naming(flow + ".").at[kind] = class.source()
	for _, alias := range []string{from, to} {
		if !slices.Contains(r.aliases, alias) {
			r.aliases = append(r.aliases, alias)
		}
	}
	d.config.each(func(key string, v tree) { r.connectKey(flow+".", from, to, kind, key, v) })
	switch kind {
	case sourceConnector:
		r.f.usual(flow+".enabled", "true")
		takeOver(r.f, from, to, "connect-offsets", d.name)
		r.f.note("flow %s: the topic of positions is what offset.storage.topic of the worker's file names, which is not known here: connect-offsets is assumed", flow)
		r.f.note("the records of %s were written by the Connect worker's own producer: target.cluster.* is taken to be that cluster", flow)
	case heartbeatConnector:
		r.f.usual(flow+".emit.heartbeats.enabled", "true")
	case checkpointConnector:
		r.f.usual(flow+".emit.checkpoints.enabled", "true")
	}
}

// connectKey reads one key of a connector.
func (r *resource) connectKey(flow, from, to string, kind connector, key string, v tree) {
	source, isSource := strings.CutPrefix(key, "source.cluster.")
	target, isTarget := strings.CutPrefix(key, "target.cluster.")
	switch {
	case key == "connector.class" || key == "name" || source == "alias" || target == "alias":
	case isSource:
		r.set(from+"."+source, v)
	case isTarget:
		r.set(to+"."+target, v)
	default:
		r.option(flow, kind, key, v)
	}
}
