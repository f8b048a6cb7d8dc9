package convert

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/props"
)

// tree is a value of a YAML or JSON file, which is YAML too, with its place and
// how it is called: "spec.clusters[0].alias". The zero tree is nothing.
type tree struct {
	n    *yaml.Node
	doc  *text
	path string
}

// text is a file and where its lines start.
type text struct {
	name  string
	bytes []byte
	lines []int
}

// parseTrees reads all documents of a file.
func parseTrees(f File) ([]tree, diag.List) {
	if len(f.Text) > props.MaxBytes {
		return nil, diag.List{diag.Errorf(diag.CodeTooBig, diag.Range{File: f.Name}, "the file has more than 16 MiB; no more are read")}
	}
	doc := &text{name: f.Name, bytes: f.Text, lines: []int{0}}
	for i, b := range f.Text {
		if b == '\n' {
			doc.lines = append(doc.lines, i+1)
		}
	}
	var list []tree
	d := yaml.NewDecoder(bytes.NewReader(f.Text))
	for {
		var n yaml.Node
		err := d.Decode(&n)
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return list, diag.List{doc.syntax(err)}
		}
		if n.Kind == yaml.DocumentNode && len(n.Content) == 1 {
			list = append(list, tree{n: n.Content[0], doc: doc})
		}
	}
}

// syntax places what the parser says, which may quote a secret: only the line
// is taken from it.
func (d *text) syntax(err error) diag.Diagnostic {
	at := diag.Range{File: d.name}
	if m := regexp.MustCompile(`line ([0-9]+)`).FindStringSubmatch(err.Error()); m != nil {
		line, convErr := strconv.Atoi(m[1])
		if convErr == nil {
			at.Start = d.pos(line, 1)
			at.End = at.Start
		}
	}
	return diag.Errorf(diag.CodeSyntax, at, "the text is neither YAML nor JSON").WithFix("check indentation, quotes and brackets there")
}

// pos is a place by line and column, both from 1.
func (d *text) pos(line, column int) diag.Pos {
	line = min(max(line, 1), len(d.lines))
	start := d.lines[line-1]
	rest := d.bytes[start:]
	at := 0
	for range column - 1 {
		_, size := utf8.DecodeRune(rest[at:]) // 0 at the end
		at += size
	}
	return diag.Pos{Line: line, Column: column, Byte: start + at}
}

func (t tree) exists() bool { return t.n != nil }

// target is the node itself, or the one an alias stands for.
func (t tree) target() *yaml.Node {
	if t.n != nil && t.n.Kind == yaml.AliasNode {
		return t.n.Alias
	}
	return t.n
}

// at is where the value is.
func (t tree) at() diag.Range {
	if t.n == nil {
		return diag.Range{}
	}
	start := t.doc.pos(t.n.Line, t.n.Column)
	end := start
	end.Byte += len(t.n.Value)
	end.Column += len(t.n.Value)
	return diag.Range{File: t.doc.name, Start: start, End: end}
}

// source is the value as a key of the report.
func (t tree) source() source { return source{name: t.path, at: t.at()} }

// scalar is the text of a string, number or bool.
func (t tree) scalar() (string, bool) {
	n := t.target()
	if n == nil || n.Kind != yaml.ScalarNode {
		return "", false
	}
	if n.Tag == "!!null" {
		return "", true
	}
	return n.Value, true
}

// str is scalar for a caller that takes nothing for "".
func (t tree) str() string {
	s, _ := t.scalar()
	return s
}

// get is the value of a key, or nothing.
func (t tree) get(keys ...string) tree {
	for _, key := range keys {
		found := tree{}
		t.each(func(name string, v tree) {
			if name == key {
				found = v
			}
		})
		t = found
	}
	return t
}

// each visits the keys of a mapping, and those that "<<" merges in unless the
// mapping has them itself.
func (t tree) each(visit func(key string, v tree)) {
	t.walk(visit, map[string]bool{}, 0)
}

func (t tree) walk(visit func(string, tree), seen map[string]bool, depth int) {
	const deepest = 8 // of merges in merges
	n := t.target()
	if n == nil || n.Kind != yaml.MappingNode || depth > deepest {
		return
	}
	var merged *yaml.Node // the last: several would multiply at every depth
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Tag == "!!merge" {
			merged = n.Content[i+1]
			continue
		}
		if !seen[key.Value] {
			seen[key.Value] = true
			visit(key.Value, tree{n: n.Content[i+1], doc: t.doc, path: join(t.path, key.Value)})
		}
	}
	if merged != nil {
		tree{n: merged, doc: t.doc, path: t.path}.walk(visit, seen, depth+1)
	}
}

// items are the elements of a list.
func (t tree) items() []tree {
	n := t.target()
	if n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	list := make([]tree, len(n.Content))
	for i, e := range n.Content {
		list[i] = tree{n: e, doc: t.doc, path: t.path + "[" + strconv.Itoa(i) + "]"}
	}
	return list
}

// comment is what stands above a key in YAML.
func (t tree) comment() string {
	if t.n == nil {
		return ""
	}
	return t.n.HeadComment
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	if strings.Contains(key, ".") {
		return path + "[" + strconv.Quote(key) + "]"
	}
	return path + "." + key
}
