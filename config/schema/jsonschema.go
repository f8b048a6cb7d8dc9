package schema

import (
	"maps"
	"strings"
)

// jsonDraft is the dialect that JSONSchema is written in, the one that most editors
// and validators know. Programs look for this URI; nothing is fetched from it.
const jsonDraft = "http://json-schema.org/draft-07/schema#"

// Node is a part of a JSON Schema: what stands under a keyword is a string, a
// bool, a list or a Node.
type Node map[string]any

// JSONSchema is the language as a JSON Schema of what HCL's JSON syntax makes of a
// topology: blocks are objects by their labels, and anything may be a string with
// an expression, as in "${var.topics}". Editors and generators check and complete
// by it; what depends on more than one value is for `strait lint`.
func JSONSchema() Node {
	l := HCL()
	properties := attributeNodes(l.Attributes)
	maps.Copy(properties, blockNodes(l.Blocks))
	return Node{
		"$schema": jsonDraft, "title": "A topology of Strait", "type": "object",
		"properties": properties, "additionalProperties": false,
		"definitions": Node{"expression": Node{
			"description": "A string with an expression of HCL.", "type": "string", "pattern": `[$%]\{`,
		}},
	}
}

// blockNodes describes blocks by their types. Those of one type that differ by
// kind share it.
func blockNodes(blocks []Block) Node {
	out, kinds := Node{}, map[string]Node{}
	for _, b := range blocks {
		body := repeated(bodyNode(b))
		labels := b.Labels
		if b.Kind != "" {
			labels = labels[1:]
		}
		for range labels {
			body = repeated(Node{"type": "object", "additionalProperties": body})
		}
		if b.Kind == "" {
			out[b.Type] = body
			continue
		}
		if kinds[b.Type] == nil {
			kinds[b.Type] = Node{}
		}
		kinds[b.Type][b.Kind] = body
	}
	for name, byKind := range kinds {
		out[name] = repeated(Node{"type": "object", "properties": byKind, "additionalProperties": false})
	}
	return out
}

// repeated lets a body stand alone, or in a list as tools write it that turn HCL
// into JSON.
func repeated(body Node) Node {
	return Node{"anyOf": []Node{body, {"type": "array", "items": body}}}
}

// bodyNode describes what is inside a block.
func bodyNode(b Block) Node {
	body := Node{"type": "object", "description": b.Doc}
	if b.Type == "locals" { // every attribute is one
		return body
	}
	properties := attributeNodes(b.Attributes)
	maps.Copy(properties, blockNodes(b.Blocks))
	body["properties"], body["additionalProperties"] = properties, false
	var required []string
	for _, a := range b.Attributes {
		if a.Required {
			required = append(required, a.Name)
		}
	}
	if len(required) > 0 {
		body["required"] = required
	}
	return body
}

func attributeNodes(attributes []Attribute) Node {
	out := Node{}
	for _, a := range attributes {
		out[a.Name] = attributeNode(a)
		if a.File != "" {
			out[a.File] = Node{"type": "string", "description": "Path of a file that holds " + a.Name + "."}
		}
	}
	return out
}

// attributeNode describes a value, or an expression in its place.
func attributeNode(a Attribute) Node {
	n := valueNode(a)
	if len(n) > 0 {
		n = Node{"anyOf": []Node{n, {"$ref": "#/definitions/expression"}}}
	}
	n["description"] = describeAttribute(a)
	if a.Default != nil {
		n["default"] = *a.Default
	}
	return n
}

// describeAttribute is the documentation with what a schema has no word for.
func describeAttribute(a Attribute) string {
	text := []string{a.Doc}
	if a.Key != "" {
		text = append(text, "MirrorMaker 2: "+a.Key+".")
	}
	switch {
	case a.Min != "" && a.Max != "":
		text = append(text, "From "+a.Min+" to "+a.Max+".")
	case a.Min != "":
		text = append(text, "At least "+a.Min+".")
	}
	if a.Reload != "" {
		text = append(text, "A change costs: "+a.Reload+".")
	}
	return strings.Join(text, " ")
}

// valueNode is the type of an attribute. HCL takes numbers and bools as strings,
// too.
func valueNode(a Attribute) Node {
	switch a.Type {
	case "bool":
		return Node{"enum": []any{true, false, "true", "false"}}
	case "int":
		return Node{"type": []string{"integer", "string"}, "pattern": `^-?[0-9]+$`}
	case "float":
		return Node{"type": []string{"number", "string"}}
	case "size":
		return Node{"type": []string{"integer", "string"}, "pattern": `^-?[0-9.]+ *([KMGT]i?B|kB|B)?$`}
	case "duration":
		return Node{"type": "string", "pattern": `^([0-9.]+(ns|us|µs|ms|s|m|h))+$|^-?[0-9]+$`}
	case "enum":
		words := Node{"enum": a.Words}
		if a.OtherAs != "" {
			return Node{"anyOf": []Node{words, {"type": "string", "pattern": a.OtherAs}}}
		}
		return words
	case "list":
		return Node{"type": "array", "items": Node{"type": "string"}}
	case "map":
		return Node{"type": "object"}
	case "string", "secret":
		return Node{"type": "string"}
	}
	return Node{}
}
