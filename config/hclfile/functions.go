package hclfile

import (
	"errors"
	"strings"

	"github.com/hashicorp/hcl/v2/ext/tryfunc"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"

	"github.com/strait-mirror/strait/config/model"
)

// sensitive marks values of env(), file() and secret() and what is computed
// from them.
type sensitive struct{}

// functions returns what expressions may call in a file of the directory dir.
// With lenient, a missing value is unknown instead of an error. Nothing here
// starts a program or asks a network: a topology from a pull request can be
// linted safely.
func (r *reader) functions(dir string, lenient bool) map[string]function.Function {
	all := map[string]function.Function{
		"env": lookupFunction(lenient, r.env),
		"file": lookupFunction(lenient, func(path string) (string, error) {
			return r.readFile(resolvePath(dir, path))
		}),
		"secret": lookupFunction(lenient, func(reference string) (string, error) {
			return r.secret(dir, reference)
		}),
		"group":        groupFunction(),
		"sensitive":    markFunction(func(v cty.Value) cty.Value { return v.Mark(sensitive{}) }),
		"nonsensitive": markFunction(func(v cty.Value) cty.Value { v, _ = v.UnmarkDeep(); return v }),
		"try":          tryfunc.TryFunc,
		"can":          tryfunc.CanFunc,
	}
	for name, f := range plainFunctions() {
		all[name] = r.bounded(f, functionCosts()[name])
	}
	return all
}

// plainFunctions are the functions that only depend on their arguments, under
// the names Terraform has for them.
func plainFunctions() map[string]function.Function {
	return map[string]function.Function{
		// strings
		"chomp": stdlib.ChompFunc, "endswith": affixFunction(strings.HasSuffix), "format": stdlib.FormatFunc,
		"formatlist": stdlib.FormatListFunc, "indent": stdlib.IndentFunc, "join": stdlib.JoinFunc,
		"lower": stdlib.LowerFunc, "regex": stdlib.RegexFunc, "regexall": stdlib.RegexAllFunc,
		"regex_replace": stdlib.RegexReplaceFunc, "replace": stdlib.ReplaceFunc, "split": stdlib.SplitFunc,
		"startswith": affixFunction(strings.HasPrefix), "strlen": stdlib.StrlenFunc, "strrev": stdlib.ReverseFunc,
		"substr": stdlib.SubstrFunc, "title": stdlib.TitleFunc, "trim": stdlib.TrimFunc,
		"trimprefix": stdlib.TrimPrefixFunc, "trimspace": stdlib.TrimSpaceFunc, "trimsuffix": stdlib.TrimSuffixFunc,
		"upper": stdlib.UpperFunc,
		// collections
		"chunklist": stdlib.ChunklistFunc, "coalesce": stdlib.CoalesceFunc, "coalescelist": stdlib.CoalesceListFunc,
		"compact": stdlib.CompactFunc, "concat": stdlib.ConcatFunc, "contains": stdlib.ContainsFunc,
		"distinct": distinctFunction(), "element": stdlib.ElementFunc, "flatten": stdlib.FlattenFunc,
		"index": stdlib.IndexFunc, "keys": stdlib.KeysFunc, "length": stdlib.LengthFunc, "lookup": stdlib.LookupFunc,
		"merge": stdlib.MergeFunc, "range": stdlib.RangeFunc, "reverse": stdlib.ReverseListFunc,
		"setintersection": stdlib.SetIntersectionFunc, "setsubtract": stdlib.SetSubtractFunc,
		"setunion": stdlib.SetUnionFunc, "slice": stdlib.SliceFunc, "sort": stdlib.SortFunc,
		"values": stdlib.ValuesFunc, "zipmap": stdlib.ZipmapFunc,
		// numbers
		"abs": stdlib.AbsoluteFunc, "ceil": stdlib.CeilFunc, "floor": stdlib.FloorFunc, "max": stdlib.MaxFunc,
		"min": stdlib.MinFunc, "parseint": stdlib.ParseIntFunc, "signum": stdlib.SignumFunc,
		// encodings and types
		"base64decode": base64Function(decodeBase64), "base64encode": base64Function(encodeBase64),
		"jsondecode": stdlib.JSONDecodeFunc, "jsonencode": stdlib.JSONEncodeFunc,
		"tobool": stdlib.MakeToFunc(cty.Bool), "tolist": stdlib.MakeToFunc(cty.List(cty.DynamicPseudoType)),
		"tomap": stdlib.MakeToFunc(cty.Map(cty.DynamicPseudoType)), "tonumber": stdlib.MakeToFunc(cty.Number),
		"toset": stdlib.MakeToFunc(cty.Set(cty.DynamicPseudoType)), "tostring": stdlib.MakeToFunc(cty.String),
	}
}

// errSecretArgument replaces what a function says about its arguments when one
// of them must not be shown.
var errSecretArgument = errors.New("the function does not accept the secret value")

// bounded returns f with its work and its result counted, and with errors that
// do not quote secrets. f itself still sees to marks, nulls and unknowns.
func (r *reader) bounded(f function.Function, cost costFunc) function.Function {
	allowAll := func(p function.Parameter) function.Parameter {
		p.AllowMarked, p.AllowNull, p.AllowUnknown, p.AllowDynamicType = true, true, true, true
		return p
	}
	spec := &function.Spec{}
	for _, p := range f.Params() {
		spec.Params = append(spec.Params, allowAll(p))
	}
	if p := f.VarParam(); p != nil {
		all := allowAll(*p)
		spec.VarParam = &all
	}
	// check counts what a call will cost before any of its work is done.
	check := func(args []cty.Value) error {
		r.meter.charge(elementCost)
		if cost != nil {
			if err := cost(r.meter, plainArgs(args)); err != nil {
				return err
			}
		}
		if r.meter.over != "" {
			return errors.New(r.meter.over)
		}
		return nil
	}
	spec.Type = func(args []cty.Value) (cty.Type, error) {
		if err := check(args); err != nil {
			return cty.NilType, withoutSecrets(err, args)
		}
		t, err := f.ReturnTypeForValues(args)
		return t, withoutSecrets(err, args)
	}
	spec.Impl = func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		v, err := f.Call(args)
		if err == nil {
			r.meter.spend(v)
		}
		return v, withoutSecrets(err, args)
	}
	return function.New(spec)
}

// plainArgs are the arguments without marks; unknown and null ones are left.
func plainArgs(args []cty.Value) []cty.Value {
	plain := make([]cty.Value, len(args))
	for i, a := range args {
		plain[i], _ = a.UnmarkDeep()
	}
	return plain
}

func withoutSecrets(err error, args []cty.Value) error {
	if err == nil {
		return nil
	}
	for _, a := range args {
		if a.ContainsMarked() {
			return errSecretArgument
		}
	}
	return err
}

// lookupFunction is a function that turns a name into a secret text.
func lookupFunction(lenient bool, get func(arg string) (string, error)) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "name", Type: cty.String, AllowMarked: true}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			arg, marks := args[0].Unmark()
			text, err := get(arg.AsString())
			switch {
			case err != nil && lenient:
				return cty.UnknownVal(cty.String).Mark(sensitive{}), nil
			case err != nil && len(marks) > 0:
				return cty.NilVal, &missingValue{what: "the value that a secret names is missing"}
			case err != nil:
				return cty.NilVal, err
			}
			return cty.StringVal(text).Mark(sensitive{}), nil
		},
	})
}

// groupFunction names a consumer group as the place to start at.
func groupFunction() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "name", Type: cty.String}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if args[0].AsString() == "" {
				return cty.NilVal, errors.New("the name of a consumer group is not empty")
			}
			return cty.StringVal(string(model.StartGroup(args[0].AsString()))), nil
		},
	})
}

// markFunction changes whether its argument may be shown.
func markFunction(change func(cty.Value) cty.Value) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{
			Name: "value", Type: cty.DynamicPseudoType,
			AllowMarked: true, AllowNull: true, AllowUnknown: true, AllowDynamicType: true,
		}},
		Type: func(args []cty.Value) (cty.Type, error) { return args[0].Type(), nil },
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) { return change(args[0]), nil },
	})
}

func (r *reader) env(name string) (string, error) {
	if text, ok := r.p.Env(name); ok {
		return text, nil
	}
	return "", &missingValue{what: "environment variable " + name + " is not set"}
}

// secret resolves "env:NAME" and "file:PATH". A final newline of a file does
// not belong to the secret: editors and echo add one.
func (r *reader) secret(dir, reference string) (string, error) {
	kind, name, _ := strings.Cut(reference, ":")
	switch kind {
	case "env":
		return r.env(name)
	case "file":
		text, err := r.readFile(resolvePath(dir, name))
		return strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r"), err
	}
	return "", errors.New(`the reference must start with "env:" or "file:"`)
}
