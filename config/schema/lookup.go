package schema

import (
	"fmt"
	"slices"
	"strings"

	"github.com/strait-mirror/strait/config/field"
)

// Found is an attribute and the block that it is of.
type Found struct {
	Block string `json:"block"` // its types from outside in, as in "cluster.tls"; "" outside all
	Attribute
}

// Name is how the attribute is called apart from others: "cluster.tls.ca_file".
func (f Found) Name() string { return strings.TrimPrefix(f.Block+"."+f.Attribute.Name, ".") }

// Text describes the attribute for a terminal.
func (f Found) Text() string {
	var w strings.Builder
	fmt.Fprintf(&w, "%s\n\n%s\n\n", f.Name(), f.Doc)
	writeFacts(&w, f.Attribute)
	return strings.ReplaceAll(w.String(), "`", "")
}

// All lists every attribute of HCL, in the order of the reference.
func All() []Found {
	l := HCL()
	var all []Found
	for _, a := range l.Attributes {
		all = append(all, Found{Attribute: a})
	}
	for _, b := range l.Blocks {
		all = append(all, b.all("")...)
	}
	return all
}

// all lists the attributes of a block and of those inside it; those of stages are
// listed at the top level.
func (b Block) all(outer string) []Found {
	path := strings.TrimPrefix(outer+"."+b.Type, ".")
	if b.Kind != "" {
		if outer != "" {
			return nil
		}
		path += "." + b.Kind
	}
	var all []Found
	for _, a := range b.Attributes {
		all = append(all, Found{Block: path, Attribute: a})
	}
	for _, inner := range b.Blocks {
		all = append(all, inner.all(path)...)
	}
	return all
}

// Lookup returns the attributes that name is meant for: by their names, with or
// without the block in front, or by MirrorMaker 2's key. near is what else may be
// meant where there are none; it may be empty.
func Lookup(name string) (found []Found, near string) {
	all := All()
	var names []string
	for _, f := range all {
		names = append(names, f.Attribute.Name, f.Name(), f.Key)
		if name != "" && slices.Contains([]string{f.Attribute.Name, f.Name(), f.Key}, name) {
			found = append(found, f)
		}
	}
	if found == nil {
		near = field.Suggest(name, names)
	}
	return found, near
}
