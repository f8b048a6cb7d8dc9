package hclfile

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/strait-mirror/strait/config/diag"
)

// missingValue is what env() and file() fail with.
type missingValue struct{ what string }

func (m *missingValue) Error() string { return m.what }

// translate turns the library's diagnostics into ours.
func (r *reader) translate(list hcl.Diagnostics, allowMissing bool) diag.List {
	var out diag.List
	for _, h := range list {
		d := diag.Diagnostic{Severity: diag.Error}
		if h.Severity == hcl.DiagWarning {
			d.Severity = diag.Warning
		}
		if h.Subject != nil {
			d.Subject = rangeOf(*h.Subject)
		}
		d.Code, d.Summary, d.Fix = r.wording(h)
		if m := missingIn(h); m != nil {
			d.Code, d.Summary, d.Fix = diag.CodeMissingValue, m.what, ""
			if allowMissing {
				d.Severity = diag.Warning
			}
		}
		out.Add(d)
	}
	return out
}

// missingIn returns the missing value a failed function call is about.
func missingIn(h *hcl.Diagnostic) *missingValue {
	call, ok := hcl.DiagnosticExtra[hclsyntax.FunctionCallDiagExtra](h)
	if !ok || call.FunctionCallError() == nil {
		return nil
	}
	m, _ := errors.AsType[*missingValue](call.FunctionCallError())
	return m
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func lowerFirst(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	if n == 0 {
		return s
	}
	return string(unicode.ToLower(r)) + s[n:]
}

// rangeOf is the same place in our terms.
func rangeOf(r hcl.Range) diag.Range {
	return diag.Range{
		File:  r.Filename,
		Start: diag.Pos{Line: r.Start.Line, Column: r.Start.Column, Byte: r.Start.Byte},
		End:   diag.Pos{Line: r.End.Line, Column: r.End.Column, Byte: r.End.Byte},
	}
}

// inOrder sorts attributes by place: the library keeps them in a map.
func inOrder(attrs hclsyntax.Attributes) []*hclsyntax.Attribute {
	list := make([]*hclsyntax.Attribute, 0, len(attrs))
	for _, a := range attrs {
		list = append(list, a)
	}
	slices.SortFunc(list, func(a, b *hclsyntax.Attribute) int {
		return cmp.Compare(a.NameRange.Start.Byte, b.NameRange.Start.Byte)
	})
	return list
}

func contains(list []string, s string) bool { return slices.Contains(list, s) }

// keys returns the keys of m in order.
func keys[V any](m map[string]V) []string {
	list := make([]string, 0, len(m))
	for k := range m {
		list = append(list, k)
	}
	slices.Sort(list)
	return list
}
