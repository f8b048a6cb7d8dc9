package convert

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/hclfile/encode"
)

// expr writes the values that are not to be written as they are: secrets, and
// what comes from the environment or a file.
func (c *converter) expr(a encode.Attribute, v field.Value) (name, expr string, ok bool) {
	own := a.Name[strings.LastIndex(a.Name, ".")+1:]
	switch {
	case v.IsList:
		expr, ok = c.list(a, v.List)
	case v.Sensitive:
		return c.secret(a, own, v.Text)
	default:
		expr, ok = c.text(a, v.Text)
	}
	return own, expr, ok
}

// text writes a text that has markers.
func (c *converter) text(a encode.Attribute, text string) (string, bool) {
	pieces := c.origins.split(text)
	if !slices.ContainsFunc(pieces, func(p piece) bool { return p.from != origin{} }) {
		return "", false
	}
	if len(pieces) == 1 {
		return c.call(a, pieces[0].from), true
	}
	var b strings.Builder
	for _, p := range pieces {
		if (p.from == origin{}) {
			b.WriteString(encode.Inner(p.text))
		} else {
			b.WriteString("${" + c.call(a, p.from) + "}")
		}
	}
	return `"` + b.String() + `"`, true
}

// list writes a list with markers. One that is an element of its own may hold
// several elements.
func (c *converter) list(a encode.Attribute, items []string) (string, bool) {
	var parts, plain []string
	marked := false
	flush := func() {
		if len(plain) > 0 {
			parts = append(parts, "["+strings.Join(plain, ", ")+"]")
		}
		plain = nil
	}
	for _, item := range items {
		expr, ok := c.text(a, item)
		switch {
		case !ok:
			plain = append(plain, encode.Quote(item))
		case strings.HasPrefix(expr, `"`):
			marked = true
			plain = append(plain, expr)
		default:
			marked = true
			flush()
			split := `split(",", ` + expr + `)`
			if a.Name != "bootstrap_servers" { // whose elements are trimmed anyway
				split = "[for item in " + split + " : trimspace(item)]"
			}
			parts = append(parts, split)
		}
	}
	flush()
	if len(parts) == 1 {
		return parts[0], marked
	}
	return "concat(" + strings.Join(parts, ", ") + ")", marked
}

// call is the function that reads what o names.
func (c *converter) call(a encode.Attribute, o origin) string {
	switch {
	case o.env != "":
		return "env(" + encode.Quote(o.env) + ")"
	case o.key == "":
		return "file(" + encode.Quote(c.path(o.path)) + ")"
	}
	return c.variable(a, c.origins.marker(o), "the value of "+o.key+" in "+o.path)
}

// path is a path as the HCL has to write it.
func (c *converter) path(path string) string {
	if filepath.IsAbs(path) || c.p.Dir == "" {
		return path
	}
	if rel, err := filepath.Rel(c.p.Dir, path); err == nil {
		return filepath.ToSlash(rel)
	}
	return path
}

// secret writes where a secret comes from; a literal one goes to a variable.
func (c *converter) secret(a encode.Attribute, own, text string) (name, expr string, ok bool) {
	pieces := c.origins.split(text)
	if len(pieces) == 1 && pieces[0].from != (origin{}) {
		return own, c.call(a, pieces[0].from), true
	}
	if path, found := c.origins.pemFile(text); found {
		return own, "file(" + encode.Quote(c.path(path)) + ")", true
	}
	return own, c.variable(a, text, "the value in the file that was converted"), true
}

// variable names an environment variable for a value that the HCL must not
// show, and tells the user to set it.
func (c *converter) variable(a encode.Attribute, text, note string) string {
	name, done := c.named[a]
	if !done {
		base := variableName(a)
		name = base
		for n := 2; c.taken(name, text); n++ {
			name = base + "_" + strconv.Itoa(n)
		}
		c.named[a] = name
		c.origins.set[name] = text
		c.report.Variables = append(c.report.Variables, Variable{Name: name, For: a.String(), Note: note})
	}
	return "env(" + encode.Quote(name) + ")"
}

// taken reports whether a variable is in use for something else.
func (c *converter) taken(name, text string) bool {
	_, used := c.origins.byOrigin[origin{env: name}]
	other, set := c.origins.set[name]
	return used || c.origins.plain[name] || set && other != text
}

// variableName makes DC1_PASSWORD of cluster "dc1": sasl.password.
func variableName(a encode.Attribute) string {
	name := a.Label + "_" + strings.TrimPrefix(a.Name, "sasl.")
	if name[0] >= '0' && name[0] <= '9' {
		name = "KAFKA_" + name
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return '_'
	}, name)
}
