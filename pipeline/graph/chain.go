package graph

import (
	"slices"
	"strings"

	"github.com/strait-mirror/strait/config/model"
)

// chain returns the nodes of a flow, from its source to its sink.
func (b *builder) chain(f *model.Flow) []*Node {
	ids := namesOf(f)
	source := b.node(Node{
		ID: ids.id("source", ids.first), Kind: Source, Name: ids.first, Cluster: f.From, Needs: NeedsNames,
		Text:     selection(f),
		Identity: b.key.identify(b.clusters[f.From], part{f, sourceFields()}),
	}, f.Name)
	nodes := []*Node{source}
	for _, s := range f.Stages {
		nodes = append(nodes, b.node(Node{
			ID: ids.stage(s), Kind: Stage, Stage: string(s.Kind), Name: s.Name, Needs: needsOf(s),
			Text:     doing(s),
			Identity: b.key.identify(s),
		}, f.Name))
	}
	if f.Repartitions() {
		nodes = append(nodes, b.node(Node{
			ID: ids.id("partition", ids.first), Kind: Stage, Stage: "partition", Name: "by key", Needs: NeedsRecords,
			Text:     "to the partitions that keys name, as MirrorMaker 1",
			Identity: b.key.identify(f.MirrorMaker1),
		}, f.Name))
	}
	return append(nodes, b.node(Node{
		ID: ids.id("sink", ids.last), Kind: Sink, Name: ids.last, Cluster: f.To, Needs: writing(f),
		Text:     naming(f) + compressing(f),
		Identity: b.key.identify(b.clusters[f.To], part{f, sinkFields()}),
	}, f.Name))
}

// names are what the nodes of a flow are called. Those of a flow block go by
// the flow, those of explicit blocks by their own names, so that several flows
// can share them.
type names struct {
	flow        string // empty: explicit blocks
	first, last string
}

func namesOf(f *model.Flow) names {
	if n := len(f.Path); n >= 2 {
		return names{first: f.Path[0], last: f.Path[n-1]}
	}
	return names{flow: f.Name, first: f.Name, last: f.Name}
}

func (n names) id(kind, name string) string {
	if n.flow != "" {
		return "flow." + n.flow + "." + kind
	}
	return kind + "." + name
}

// stage is the id of a stage, whose name is its own also in a flow block.
func (n names) stage(s *model.Stage) string {
	id := "transform." + string(s.Kind) + "." + s.Name
	if n.flow != "" {
		id = "flow." + n.flow + "." + id
	}
	return id
}

// sourceFields are the fields of model.Flow that a source consists of. What is
// in neither list is the flow's alone.
func sourceFields() []string {
	return []string{
		"From", "Topics", "TopicsExclude", "Start", "IsolationLevel", "RefreshTopicsInterval", "BytesPerSecond", "RecordsPerSecond",
		"FetchMaxBytes", "MaxPartitionFetchBytes", "FetchMaxWait",
	}
}

// sinkFields are those that a sink consists of.
func sinkFields() []string {
	return []string{
		"To", "ReplicationPolicy", "ReplicationPolicySeparator", "ReplicationFactor", "ConfigPropertiesExclude", "TopicConfigs", "UseDefaultsFrom",
		"MaxRequestSize", "RequestTimeout", "CompressionType", "Coalesce", "ErrorsTolerance", "DeadLetterTopic",
	}
}

// writing is how much of a batch the sink of a flow has to see.
func writing(f *model.Flow) Needs {
	if f.Transcodes() {
		return NeedsPayload
	}
	return NeedsHeader
}

// compressing says what the sink of a flow does to batches of another codec.
func compressing(f *model.Flow) string {
	if f.Transcodes() {
		return ", compressed with " + string(f.CompressionType)
	}
	return ""
}

// selection says which topics a flow copies; the default excludes go without
// saying.
func selection(f *model.Flow) string {
	text := "topics " + strings.Join(f.Topics, ", ")
	if len(f.Topics) == 0 {
		text = "no topics"
	}
	own := slices.Clone(f.TopicsExclude)
	own = slices.DeleteFunc(own, func(p string) bool { return slices.Contains(model.DefaultTopicsExclude(), p) })
	if len(own) > 0 {
		text += " without " + strings.Join(own, ", ")
	}
	return text
}

// Holder returns the kind of node that an attribute of a flow is part of, by its
// name in HCL; ok is false where it is the flow's alone.
func Holder(attribute string) (kind Kind, ok bool) {
	var name strings.Builder
	for word := range strings.SplitSeq(attribute, "_") {
		if word != "" {
			name.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	switch {
	case slices.Contains(sourceFields(), name.String()):
		return Source, true
	case slices.Contains(sinkFields(), name.String()):
		return Sink, true
	}
	return "", false
}
