package schema

import (
	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
)

// topAttributes are those outside all blocks.
func topAttributes() []Attribute {
	return []Attribute{
		{Name: "deployment", Type: "string", Doc: "Separates independent deployments between the same clusters."},
		{Name: "include", Type: "expression", Doc: "A properties file, or a list of them, whose clusters and flows join the topology. Paths start at the directory of the file."},
	}
}

func forEach(what string) Attribute {
	return Attribute{
		Name: "for_each", Type: "expression",
		Doc: "Makes several " + what + " of the block: one for each entry of a map, or element of a list or set of strings, called LABEL_KEY. each.key and each.value stand for the entry.",
	}
}

func alias() Attribute {
	return Attribute{Name: "alias", Type: "string", Doc: "What the cluster is called in the names of topics and groups; without it the label, with for_each LABEL_KEY."}
}

func properties(prefix string) Attribute {
	return Attribute{Name: "properties", Type: "map", Doc: "Keys of Kafka's Java clients, as they stand behind " + prefix + " in an mm2.properties."}
}

// end describes the cluster of a source or a sink.
func end(doc string) Attribute {
	return Attribute{Name: "cluster", Type: "expression", Doc: doc, Required: true, Reload: field.Destructive.String()}
}

func inputs(what string) Attribute {
	return Attribute{Name: "inputs", Type: "expression", Doc: "What " + what + " takes: a list such as [source.NAME, transform.NAME].", Required: true, Reload: field.RestartFlow.String()}
}

func sourceBlock() Block {
	reading, _ := model.EndFields(model.FlowFields(model.NewFlow(field.HCL)))
	return Block{
		Type: "source", Labels: []string{"name"}, Example: `source "orders" {`,
		Doc:        "The beginning of flows: which topics of a cluster are read, and how.",
		Attributes: append([]Attribute{end("The cluster to copy from, as in cluster.dc1."), forEach("sources"), properties("A->B.source.")}, attributes(reading)...),
		Blocks:     []Block{},
	}
}

func sinkBlock() Block {
	_, writing := model.EndFields(model.FlowFields(model.NewFlow(field.HCL)))
	return Block{
		Type: "sink", Labels: []string{"name"}, Example: `sink "central" {`,
		Doc:        "The end of flows: one for every way from a source to it.",
		Attributes: append([]Attribute{end("The cluster to copy to, as in cluster.dc2."), inputs("the sink"), forEach("sinks"), properties("A->B.target. or A->B.producer.")}, attributes(writing)...),
		Blocks:     []Block{},
	}
}

// transformBlocks are the kinds of stages; those outside flow blocks say what
// they take.
func transformBlocks(outside bool) []Block {
	var out []Block
	for _, kind := range model.StageKinds() {
		b := Block{
			Type: "transform", Kind: string(kind), Labels: []string{string(kind), "name"}, Example: `transform "` + string(kind) + `" "name" {`,
			Doc: kind.Doc(), Attributes: attributes(model.StageFields(model.NewStage(kind))), Blocks: []Block{},
		}
		if outside {
			in := inputs("the stage")
			in.Required = false
			in.Doc += " Required at the top level; in a flow block stages follow each other in file order instead."
			each := forEach("stages")
			each.Doc += " At the top level only."
			b.Attributes = append([]Attribute{in, each}, b.Attributes...)
		}
		out = append(out, b)
	}
	return out
}

func variableBlock() Block {
	return Block{
		Type: "variable", Labels: []string{"name"}, Example: `variable "region" {`,
		Doc: "A value that is given from outside and used as var.NAME.",
		Attributes: []Attribute{
			{Name: "type", Type: "expression", Doc: "The type, such as string, number, bool or list(string)."},
			{Name: "default", Type: "expression", Doc: "The value where none is given; without it one must be."},
			{Name: "description", Type: "string", Doc: "What it is for."},
		},
		Blocks: []Block{},
	}
}

func localsBlock() Block {
	return Block{
		Type: "locals", Labels: []string{}, Example: "locals {",
		Doc:        "Named values, used as local.NAME; every attribute is one.",
		Attributes: []Attribute{}, Blocks: []Block{},
	}
}

func straitBlock() Block {
	return Block{
		Type: "strait", Labels: []string{}, Example: "strait {",
		Doc: "What the topology needs of the program.",
		Attributes: []Attribute{
			{Name: "required_version", Type: "string", Doc: "Conditions on the version, such as \">= 0.3, < 2.0\"."},
		},
		Blocks: []Block{},
	}
}

func testBlock() Block {
	record := func(kind, doc string) Block {
		return Block{
			Type: kind, Labels: []string{}, Example: kind + " {", Doc: doc,
			Attributes: attributes(model.TestRecordFields(&model.TestRecord{})), Blocks: []Block{},
		}
	}
	return Block{
		Type: "test", Labels: []string{"name"}, Example: `test "cards are gone" {`,
		Doc:        "What a flow is to make of records, for strait test. It has no part in what runs.",
		Attributes: attributes(model.TestFields(&model.Test{})),
		Blocks: []Block{
			record("input", "A record that comes in, in the order of the blocks."),
			record("expect", "A record that is to go out, in the order of the blocks: on the target, or to the topic of dead letters. What it does not say may be anything."),
		},
	}
}

func metricsBlock() Block {
	return Block{
		Type: "metrics", Labels: []string{}, Example: "metrics {",
		Doc:        "Where a running Strait answers for metrics and health. For a properties file there is strait run --metrics-listen.",
		Attributes: attributes(model.MetricsFields(&model.Metrics{}), "listen"), Blocks: []Block{},
	}
}

func serverBlock() Block {
	return Block{
		Type: "server", Labels: []string{}, Example: "server {",
		Doc:        "Where a running Strait answers for its API and its dashboard. For a properties file there is strait run --server-listen.",
		Attributes: attributes(model.ServerFields(model.NewServer())), Blocks: []Block{},
	}
}
