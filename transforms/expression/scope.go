package expression

import (
	"fmt"
	"reflect"
	"time"

	"cel.dev/cel-go/cel"
	celast "cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/env"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/strait-mirror/strait/transforms/jsonpath"
	"github.com/strait-mirror/strait/transforms/record"
)

// scopeOf gives an expression the record under its names.
type scopeOf struct{ r *record.Record }

// Parent is nobody.
func (scopeOf) Parent() cel.Activation { return nil }

// ResolveName returns what a name stands for.
func (s scopeOf) ResolveName(name string) (any, bool) {
	switch name {
	case "key":
		return nullable(s.r.Key), true
	case valueName:
		return nullable(s.r.Value), true
	case headerName:
		return headers(s), true
	case "timestamp":
		return types.Timestamp{Time: time.UnixMilli(s.r.Timestamp).UTC()}, true
	case "offset":
		return types.Int(s.r.Offset), true
	case "partition":
		return types.Int(s.r.Partition), true
	case "topic":
		return types.String(s.r.Topic), true
	}
	return nil, false
}

func nullable(b []byte) ref.Val {
	if b == nil {
		return types.NullValue
	}
	return types.Bytes(b)
}

// headers are those of a record as a map of texts by key, of which the last one
// counts. What is not there is null rather than an error: records without a
// header are what a condition on it is about.
type headers struct{ r *record.Record }

// Get returns the text of a header, or null.
func (h headers) Get(key ref.Val) ref.Val {
	name, ok := key.(types.String)
	if !ok {
		return types.MaybeNoSuchOverloadErr(key)
	}
	if v, ok := h.r.Header(string(name)); ok && v != nil {
		return types.String(v)
	}
	return types.NullValue
}

// Contains says whether there is such a header.
func (h headers) Contains(key ref.Val) ref.Val { return h.IsSet(key) }

// IsSet says whether there is such a header.
func (h headers) IsSet(key ref.Val) ref.Val {
	name, ok := key.(types.String)
	if !ok {
		return types.MaybeNoSuchOverloadErr(key)
	}
	_, is := h.r.Header(string(name))
	return types.Bool(is)
}

func (h headers) keys() []string {
	var keys []string
	seen := map[string]bool{}
	for _, one := range h.r.Headers {
		if !seen[one.Key] {
			seen[one.Key] = true
			keys = append(keys, one.Key)
		}
	}
	return keys
}

// Size is the number of different keys.
func (h headers) Size() ref.Val { return types.Int(len(h.keys())) }

// Iterator is over the keys.
func (h headers) Iterator() traits.Iterator {
	return types.NewStringList(types.DefaultTypeAdapter, h.keys()).Iterator()
}

// ConvertToNative is what CEL asks of every value.
func (h headers) ConvertToNative(t reflect.Type) (any, error) {
	return nil, fmt.Errorf("converting headers to %s is not possible", t)
}

// ConvertToType is what CEL asks of every value.
func (h headers) ConvertToType(t ref.Type) ref.Val {
	return types.NewErr("headers are no %s", t.TypeName())
}

// Equal is of the same record only.
func (h headers) Equal(other ref.Val) ref.Val {
	o, ok := other.(headers)
	return types.Bool(ok && o.r == h.r)
}

// Type is that of maps.
func (headers) Type() ref.Type { return types.MapType }

// Value is the record's headers.
func (h headers) Value() any { return h.r.Headers }

// jsonFunction declares json(document, path), which is null where the document is
// or has no such value.
func jsonFunction() cel.EnvOption {
	return cel.Function(jsonName, cel.Overload("json_bytes_string",
		[]*cel.Type{cel.NullableType(cel.BytesType), cel.StringType}, cel.DynType,
		cel.OverloadIsNonStrict(), cel.BinaryBinding(jsonAt)))
}

func jsonAt(doc, path ref.Val) ref.Val {
	text, ok := path.(types.String)
	if !ok {
		return types.MaybeNoSuchOverloadErr(path)
	}
	b, ok := doc.(types.Bytes)
	if !ok {
		if doc == types.NullValue {
			return types.NullValue
		}
		return types.MaybeNoSuchOverloadErr(doc)
	}
	p, err := jsonpath.Parse(string(text))
	if err != nil {
		return types.WrapErr(err)
	}
	v, found, err := p.Value(b)
	switch {
	case err != nil:
		return types.WrapErr(err)
	case !found:
		return types.NullValue
	}
	return types.DefaultTypeAdapter.NativeToValue(v)
}

// literalPatterns refuses regular expressions that are not in the text: one that a
// record brings is compiled for every record.
type literalPatterns struct{}

// Name is what CEL knows the check by.
func (literalPatterns) Name() string { return "strait.literal_patterns" }

// ToConfig is what CEL asks of every check.
func (v literalPatterns) ToConfig() *env.Validator { return env.NewValidator(v.Name()) }

// Validate reports patterns and JSON paths that are no literals.
func (literalPatterns) Validate(_ *cel.Env, _ cel.ValidatorConfig, a *celast.AST, issues *cel.Issues) {
	for _, call := range celast.MatchDescendants(celast.NavigateAST(a), celast.KindMatcher(celast.CallKind)) {
		c := call.AsCall()
		name := c.FunctionName()
		if name != "matches" && name != jsonName {
			continue
		}
		args := c.Args()
		last := args[len(args)-1]
		if last.Kind() != celast.LiteralKind {
			issues.ReportErrorAtID(last.ID(), "%s() takes a text in quotes", name)
			continue
		}
		if text, ok := last.AsLiteral().(types.String); ok && name == jsonName {
			if _, err := jsonpath.Parse(string(text)); err != nil {
				issues.ReportErrorAtID(last.ID(), "%v", err)
			}
		}
	}
}

// readingCosts counts reading a document like the strings of CEL's own functions:
// a unit for ten bytes. What it is not asked about has CEL's costs.
type readingCosts struct{}

// CallCost returns the cost of a call of json.
func (readingCosts) CallCost(function, _ string, args []ref.Val, _ ref.Val) *uint64 {
	if function != jsonName || len(args) == 0 {
		return nil
	}
	cost := uint64(1)
	if doc, ok := args[0].(types.Bytes); ok {
		cost += uint64(len(doc)) / 10
	}
	return &cost
}
