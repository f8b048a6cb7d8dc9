package model

import (
	"encoding/pem"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/field"
)

// Diff says in what two topologies differ, one line each, such as `flow
// "A->B": topics: orders, not .*`; nothing when they mean the same. It passes
// over what has no meaning: places, whether the default excludes were written,
// properties = {} beside what they say, whether a pair that is not enabled sends heartbeats, the order of the elements
// of a list and of clusters and flows, and how PEM text is laid out. Secrets are
// compared and never shown.
func Diff(a, b *Config) []string {
	d := &differ{}
	pairs(d, "cluster", a.Clusters, b.Clusters, func(c *Cluster) string { return c.Alias })
	pairs(d, "flow", a.Flows, b.Flows, func(f *Flow) string { return f.Name })
	d.fields("", reflect.ValueOf(*a), reflect.ValueOf(*b), "Clusters", "Flows")
	return d.found
}

// differ collects the differences.
type differ struct{ found []string }

func (d *differ) add(where, format string, args ...any) {
	d.found = append(d.found, where+": "+fmt.Sprintf(format, args...))
}

// pairs compares the elements of two lists that have the same name.
func pairs[T any](d *differ, kind string, a, b []*T, name func(*T) string) {
	find := func(list []*T, want string) *T {
		for _, e := range list {
			if name(e) == want {
				return e
			}
		}
		return nil
	}
	for _, x := range a {
		where := fmt.Sprintf("%s %q", kind, name(x))
		if y := find(b, name(x)); y == nil {
			d.add(where, "only the first has it")
		} else {
			d.values(where, reflect.ValueOf(x), reflect.ValueOf(y))
		}
	}
	for _, y := range b {
		if find(a, name(y)) == nil {
			d.add(fmt.Sprintf("%s %q", kind, name(y)), "only the second has it")
		}
	}
}

// fields compares the exported fields of two structs but the skipped ones.
func (d *differ) fields(where string, a, b reflect.Value, skip ...string) {
	for i := range a.NumField() {
		f := a.Type().Field(i)
		if !f.IsExported() || slices.Contains(silent(), f.Name) || slices.Contains(skip, f.Name) || isPlace(f.Type) {
			continue
		}
		name := attributeName(f.Name)
		if where != "" {
			name = where + ": " + name
		}
		d.values(name, a.Field(i), b.Field(i))
	}
}

// silent are fields that mean nothing by themselves. Of properties = {} the
// meaning is in the other fields.
func silent() []string { return []string{"DefaultExcludes", "HeartbeatsOnly", "Properties"} }

// isPlace reports whether a type only says where something was written.
func isPlace(t reflect.Type) bool {
	return t == reflect.TypeFor[diag.Range]() || t == reflect.TypeFor[Places]()
}

// values compares two values of one type.
func (d *differ) values(where string, a, b reflect.Value) {
	if s, ok := reflect.TypeAssert[Secret](a); ok {
		other, _ := reflect.TypeAssert[Secret](b) // of the same type
		if !sameSecret(where, s, other) {
			d.add(where, "the secrets differ")
		}
		return
	}
	switch a.Kind() {
	case reflect.Pointer:
		if a.IsNil() || b.IsNil() {
			if a.IsNil() != b.IsNil() {
				d.add(where, "only one of the two has it")
			}
			return
		}
		d.values(where, a.Elem(), b.Elem())
	case reflect.Struct:
		d.fields(where, a, b)
	case reflect.Slice:
		d.slices(where, a, b)
	case reflect.Map:
		d.maps(where, a, b)
	default:
		if !a.Equal(b) {
			d.add(where, "%s, not %s", show(b), show(a))
		}
	}
}

// slices compares lists: of texts without their order, of anything else with
// it.
func (d *differ) slices(where string, a, b reflect.Value) {
	x, ok := reflect.TypeAssert[[]string](a)
	if y, too := reflect.TypeAssert[[]string](b); ok && too {
		if !slices.Equal(slices.Sorted(slices.Values(x)), slices.Sorted(slices.Values(y))) {
			d.add(where, "%s, not %s", strings.Join(y, ", "), strings.Join(x, ", "))
		}
		return
	}
	if a.Len() != b.Len() {
		d.add(where, "%d, not %d", b.Len(), a.Len())
		return
	}
	for i := range a.Len() {
		d.values(fmt.Sprintf("%s[%d]", where, i), a.Index(i), b.Index(i))
	}
}

// maps compares maps by key.
func (d *differ) maps(where string, a, b reflect.Value) {
	for _, key := range a.MapKeys() {
		inner := fmt.Sprintf("%s[%v]", where, key)
		if other := b.MapIndex(key); other.IsValid() {
			d.values(inner, a.MapIndex(key), other)
		} else {
			d.add(inner, "only the first has it")
		}
	}
	for _, key := range b.MapKeys() {
		if !a.MapIndex(key).IsValid() {
			d.add(fmt.Sprintf("%s[%v]", where, key), "only the second has it")
		}
	}
}

// show is a scalar as HCL writes it.
func show(v reflect.Value) string {
	if span, ok := reflect.TypeAssert[time.Duration](v); ok {
		return field.FormatDuration(span)
	}
	return fmt.Sprint(v.Interface())
}

// sameSecret compares PEM by its blocks: a file may hold more than the ones
// that count, and text around them.
func sameSecret(where string, a, b Secret) bool {
	if a == b {
		return true
	}
	want := "CERTIFICATE"
	if strings.HasSuffix(where, "key") {
		want = "PRIVATE KEY"
	}
	x, y := pemBlocks(a.Reveal(), want), pemBlocks(b.Reveal(), want)
	return len(x) > 0 && slices.Equal(x, y)
}

// pemBlocks returns the content of the blocks whose type ends in want.
func pemBlocks(text, want string) []string {
	var list []string
	for rest := []byte(text); ; {
		var b *pem.Block
		if b, rest = pem.Decode(rest); b == nil {
			return list
		}
		if strings.HasSuffix(b.Type, want) {
			list = append(list, string(b.Bytes))
		}
	}
}

// attributeName is the HCL name of a field of the model: TopicsExclude is
// topics_exclude.
func attributeName(name string) string {
	var b strings.Builder
	for i, r := range name {
		upper := r >= 'A' && r <= 'Z'
		if upper && i > 0 && (name[i-1] < 'A' || name[i-1] > 'Z') {
			b.WriteByte('_')
		}
		b.WriteRune(r)
	}
	return strings.ToLower(b.String())
}
