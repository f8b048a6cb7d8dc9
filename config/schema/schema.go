// Package schema owns the description of the configuration language as data:
// which blocks there are, what labels they take and which attributes they have.
// What an attribute is comes from the declarations next to the model; the
// reference pages, the command schema and editors derive from here. Reading
// files is the business of hclfile and legacy.
package schema

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
)

// Version is that of the description; something may be added to it under the
// same number.
const Version = 1

// Language is the whole description.
type Language struct {
	FormatVersion int         `json:"format_version"`
	Attributes    []Attribute `json:"attributes"` // outside all blocks
	Blocks        []Block     `json:"blocks"`
}

// Block is one kind of block.
type Block struct {
	Type       string      `json:"type"`
	Kind       string      `json:"kind,omitempty"` // the first label, where attributes depend on it
	Labels     []string    `json:"labels"`         // what each label is
	Doc        string      `json:"doc"`
	Example    string      `json:"example,omitempty"` // its first line
	Attributes []Attribute `json:"attributes"`
	Blocks     []Block     `json:"blocks"` // that may be inside
}

// Attribute is one attribute of a block.
type Attribute struct {
	Name     string   `json:"name"`
	Type     string   `json:"type"` // bool, int, string, duration, size, enum, list, secret, map or expression
	Doc      string   `json:"doc"`
	Required bool     `json:"required,omitempty"`
	Default  *string  `json:"default,omitempty"` // in HCL, written as there
	Words    []string `json:"words,omitempty"`   // that an enum accepts
	Other    string   `json:"other,omitempty"`   // what else it accepts, in words
	OtherAs  string   `json:"pattern,omitempty"` // and as a regular expression
	Min      string   `json:"min,omitempty"`
	Max      string   `json:"max,omitempty"`
	Patterns bool     `json:"patterns,omitempty"` // a list of Java regular expressions
	File     string   `json:"file,omitempty"`     // attribute that takes a path instead
	Reload   string   `json:"reload,omitempty"`   // what a change costs

	Key               string  `json:"mm2_key,omitempty"`     // in a properties file
	Scope             string  `json:"mm2_scope,omitempty"`   // where MirrorMaker 2 reads it
	PropertiesDefault *string `json:"mm2_default,omitempty"` // in a properties file, written as in HCL
}

// HCL describes the language.
func HCL() Language {
	blocks := []Block{clusterBlock(), flowBlock(), sourceBlock()}
	blocks = append(blocks, transformBlocks(true)...)
	blocks = append(blocks, sinkBlock(), variableBlock(), localsBlock(), straitBlock(), testBlock(), metricsBlock(), serverBlock())
	return Language{FormatVersion: Version, Attributes: topAttributes(), Blocks: blocks}
}

func clusterBlock() Block {
	return Block{
		Type: "cluster", Labels: []string{"alias"}, Example: `cluster "dc1" {`,
		Doc:        "A Kafka cluster and how to reach it. Its alias is part of topic names under the default replication policy.",
		Attributes: append([]Attribute{forEach("clusters"), alias(), properties("A.")}, attributes(model.ClusterFields(model.NewCluster(field.HCL)), "bootstrap_servers")...),
		Blocks: []Block{
			{
				Type: "tls", Labels: []string{}, Example: "tls {",
				Doc:        "TLS to the brokers; an empty block trusts the system's authorities. Without it connections are in plain text.",
				Attributes: attributes(model.TLSFields(&model.TLS{})), Blocks: []Block{},
			},
			{
				Type: "sasl", Labels: []string{"mechanism"}, Example: `sasl "scram-sha-512" {`,
				Doc:        "The login at the brokers.",
				Attributes: attributes(model.SASLFields(&model.SASL{})), Blocks: []Block{},
			},
		},
	}
}

func flowBlock() Block {
	ends := []Attribute{
		forEach("flows"), properties("A->B."),
		{Name: "from", Type: "expression", Doc: `The cluster to copy from, as in cluster.dc1; a label "dc1->dc2" says it as well.`, Reload: field.Destructive.String()},
		{Name: "to", Type: "expression", Doc: `The cluster to copy to, as in cluster.dc2; a label "dc1->dc2" says it as well.`, Reload: field.Destructive.String()},
	}
	return Block{
		Type: "flow", Labels: []string{"name"}, Example: `flow "dc1->dc2" {`,
		Doc:        "Copies topics of one cluster to another.",
		Attributes: append(ends, attributes(model.FlowFields(model.NewFlow(field.HCL)))...),
		Blocks: append([]Block{{
			Type: "positions", Labels: []string{}, Example: "positions {",
			Doc:        "Where a connector of MirrorMaker 2 on Kafka Connect, also one of Strimzi, has kept the positions of the flow. They are taken over once, before anything is copied; while the connector has tasks the flow waits.",
			Attributes: attributes(model.PositionsFields(&model.Positions{}), "topic", "connector"), Blocks: []Block{},
		}}, transformBlocks(false)...),
	}
}

// attributes describes declarations.
func attributes(defs []field.Def, required ...string) []Attribute {
	out := make([]Attribute, 0, len(defs))
	for _, d := range defs {
		a := describe(d)
		for _, name := range required {
			a.Required = a.Required || name == d.Name
		}
		out = append(out, a)
	}
	return out
}

// describe describes one declaration.
func describe(d field.Def) Attribute {
	a := Attribute{
		Name: d.Name, Type: word(d.Kind), Doc: d.Doc, Words: d.Words, Other: d.Other, OtherAs: d.OtherAs, Patterns: d.Pattern,
		Reload: d.Reload.String(), Key: d.Key, Scope: scope(d.Scope),
	}
	if text, ok := d.DefaultOf(field.HCL); ok {
		a.Default = &text
	}
	if text, ok := d.DefaultOf(field.Properties); ok && d.Key != "" {
		a.PropertiesDefault = &text
	}
	if d.OrFile {
		a.File = d.Name + "_file"
	}
	a.Min, a.Max = bound(d.Kind, d.Min), bound(d.Kind, d.Max)
	if a.Min == a.Max {
		a.Min, a.Max = "", ""
	}
	return a
}

// bound writes an end of a range as in HCL; "" where there is none.
func bound(k field.Kind, n int64) string {
	switch k {
	case field.KindInt:
		return strconv.FormatInt(n, 10)
	case field.KindSize:
		return field.FormatSize(n)
	case field.KindDuration:
		if n == int64(field.MaxDuration) || n == math.MaxInt64 {
			return ""
		}
		return field.FormatDuration(time.Duration(n))
	default:
		return ""
	}
}

// word names a kind for programs. A word keeps its meaning for ever.
func word(k field.Kind) string {
	switch k {
	case field.KindBool:
		return "bool"
	case field.KindInt:
		return "int"
	case field.KindString:
		return "string"
	case field.KindDuration:
		return "duration"
	case field.KindSize:
		return "size"
	case field.KindEnum:
		return "enum"
	case field.KindList:
		return "list"
	case field.KindSecret:
		return "secret"
	case field.KindFloat:
		return "float"
	case field.KindMap:
		return "map"
	default:
		return fmt.Sprintf("kind %d", k)
	}
}

// scope says where MirrorMaker 2 reads a key, by what stands in front of it.
func scope(s field.Scope) string {
	switch s {
	case field.ScopeFlow:
		return "A->B. or nothing"
	case field.ScopeFlowOnly:
		return "A->B."
	case field.ScopeCluster:
		return "A. or nothing"
	case field.ScopeConsumer:
		return "A->B.source.consumer., A.consumer. or A->B.consumer."
	case field.ScopeProducer:
		return "A->B.producer.override. or B.producer."
	case field.ScopeAlias:
		return "A."
	case field.ScopeClient:
		return "A.consumer., A.producer. or A.admin."
	case field.ScopeWorker:
		return "B., or nothing for some"
	case field.ScopeNone:
	}
	return ""
}
