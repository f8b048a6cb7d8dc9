// Package expression owns expressions over a record, in CEL: what is in scope,
// what is refused, and what one comes to. It is pure: no clock, no randomness, no
// pattern that is not in the text, so that a record comes to the same on every
// machine and after every restart. What is done with a result is the business of
// transforms/program.
package expression

import (
	"errors"
	"fmt"
	"slices"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common"
	celast "cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/transforms/record"
)

// Bounds of an expression. Without loops its work is at most its length times
// the size of the record; with loops it is counted.
const (
	maxText    = 16 << 10 // characters
	maxDepth   = 64       // of nested parts
	maxLoops   = 2        // one within the other
	maxRegex   = 1000     // size of a compiled pattern
	maxWork    = 1 << 20  // units of CEL's cost model, of one evaluation with loops
	jsonName   = "json"
	valueName  = "value"
	headerName = "headers"
)

// Expression is a compiled expression. It is immutable and safe for concurrent
// use.
type Expression struct {
	program cel.Program
	headers bool
	wanted  string // what it is to come to
}

// Condition compiles text, which must come to true or false. at is where the
// text, a literal, is written; problems point into it.
func Condition(text string, at diag.Range) (*Expression, diag.List) {
	return compile(text, at, "true or false", cel.BoolType)
}

// Bytes compiles text, which must come to bytes, a text, or null.
func Bytes(text string, at diag.Range) (*Expression, diag.List) {
	return compile(text, at, "bytes, a text or null", cel.BytesType, cel.StringType, cel.NullType,
		cel.NullableType(cel.BytesType), cel.NullableType(cel.StringType))
}

// Time compiles text, which must come to a timestamp or to milliseconds since 1970.
func Time(text string, at diag.Range) (*Expression, diag.List) {
	return compile(text, at, "a timestamp or a whole number", cel.TimestampType, cel.IntType)
}

// compile compiles text, whose type must be one of those, or one that only a record
// tells.
func compile(text string, at diag.Range, wanted string, those ...*cel.Type) (*Expression, diag.List) {
	fail := func(place diag.Range, format string, args ...any) (*Expression, diag.List) {
		return nil, diag.List{diag.Errorf(diag.CodeBadExpression, place, format, args...).WithFix("%s", scope)}
	}
	env, err := environment()
	if err != nil {
		return fail(at, "preparing expressions: %v", err)
	}
	checked, issues := env.Compile(text)
	if issues.Err() != nil {
		var problems diag.List
		for _, e := range issues.Errors() {
			problems.Add(diag.Errorf(diag.CodeBadExpression, at.Within(text, e.Location.Line(), e.Location.Column()+1), "%s", e.Message).
				WithFix("%s", hint(e)))
		}
		return nil, problems
	}
	if t := checked.OutputType(); !slices.ContainsFunc(append(those, cel.DynType), t.IsExactType) {
		return fail(at, "comes to a %s, not to %s", cel.FormatCELType(t), wanted)
	}
	options := []cel.ProgramOption{cel.EvalOptions(cel.OptOptimize)}
	tree := celast.NavigateAST(checked.NativeRep())
	if len(celast.MatchDescendants(tree, celast.KindMatcher(celast.ComprehensionKind))) > 0 {
		options = append(options, cel.CostTracking(readingCosts{}), cel.CostLimit(maxWork))
	}
	program, err := env.Program(checked, options...)
	if err != nil {
		return fail(at, "%v", err)
	}
	headers := celast.MatchDescendants(tree, func(e celast.NavigableExpr) bool {
		return e.Kind() == celast.IdentKind && e.AsIdent() == headerName
	})
	return &Expression{program: program, headers: len(headers) > 0, wanted: wanted}, nil
}

const scope = `key, value, headers, timestamp, offset, partition and topic are in scope, and json("a.b") of the value`

// hint says what to do about a problem.
func hint(e *common.Error) string {
	return "the language is CEL (cel.dev): " + scope + `; key and value are bytes: compare with b"text", or use string(value)`
}

// environment returns the names that expressions may use.
func environment() (*cel.Env, error) {
	return cel.NewCustomEnv(
		cel.StdLib(), cel.OptionalTypes(), cel.DefaultUTCTimeZone(true), cel.CrossTypeNumericComparisons(true),
		cel.ParserExpressionSizeLimit(maxText), cel.ExpressionNestingDepthLimit(maxDepth), cel.RegexProgramSizeLimit(maxRegex),
		cel.Variable("key", cel.NullableType(cel.BytesType)),
		cel.Variable(valueName, cel.NullableType(cel.BytesType)),
		cel.Variable(headerName, cel.MapType(cel.StringType, cel.NullableType(cel.StringType))),
		cel.Variable("timestamp", cel.TimestampType),
		cel.Variable("offset", cel.IntType),
		cel.Variable("partition", cel.IntType),
		cel.Variable("topic", cel.StringType),
		jsonFunction(),
		cel.Macros(cel.GlobalMacro(jsonName, 1, ofValue)),
		cel.ASTValidators(
			cel.ValidateComprehensionNestingLimit(maxLoops), cel.ValidateTimestampLiterals(), cel.ValidateDurationLiterals(),
			literalPatterns{}, cel.ValidateRegexLiterals(), cel.ValidateRegexProgramSizeLimit(maxRegex),
		),
	)
}

// ofValue makes json("a") of the value json(value, "a").
func ofValue(eh cel.MacroExprFactory, _ celast.Expr, args []celast.Expr) (celast.Expr, *common.Error) {
	return eh.NewCall(jsonName, eh.NewIdent(valueName), args[0]), nil
}

// Headers reports whether the expression looks at headers: others need not be
// given them.
func (e *Expression) Headers() bool { return e.headers }

// True evaluates a Condition. An error says that the record has not what the
// expression takes for granted, as where a value is no JSON.
func (e *Expression) True(r *record.Record) (bool, error) {
	out, err := e.eval(r)
	if err != nil {
		return false, err
	}
	is, ok := out.(types.Bool)
	if !ok {
		return false, e.other(out)
	}
	return bool(is), nil
}

// Bytes evaluates what Bytes compiled: nil stands for null. Errors are as those of
// True.
func (e *Expression) Bytes(r *record.Record) ([]byte, error) {
	out, err := e.eval(r)
	if err != nil {
		return nil, err
	}
	switch v := out.(type) {
	case types.Null:
		return nil, nil
	case types.Bytes:
		return append([]byte{}, v...), nil
	case types.String:
		return append([]byte{}, v...), nil
	}
	return nil, e.other(out)
}

// Time evaluates what Time compiled, in milliseconds since 1970. Errors are as those
// of True.
func (e *Expression) Time(r *record.Record) (int64, error) {
	out, err := e.eval(r)
	if err != nil {
		return 0, err
	}
	switch v := out.(type) {
	case types.Int:
		if v >= 0 {
			return int64(v), nil
		}
		return 0, errors.New("evaluating: it came to a time before 1970")
	case types.Timestamp:
		if ms := v.UnixMilli(); ms >= 0 {
			return ms, nil
		}
		return 0, errors.New("evaluating: it came to a time before 1970")
	}
	return 0, e.other(out)
}

func (e *Expression) eval(r *record.Record) (ref.Val, error) {
	out, _, err := e.program.Eval(scopeOf{r})
	if err != nil {
		return nil, fmt.Errorf("evaluating: %w", err)
	}
	return out, nil
}

func (e *Expression) other(out ref.Val) error {
	return fmt.Errorf("evaluating: it came to a %s, not to %s", out.Type().TypeName(), e.wanted)
}
