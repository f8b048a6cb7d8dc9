package hclfile

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
)

// costFunc counts the work of a call that is more than the size of its result,
// or refuses it.
type costFunc func(m *meter, args []cty.Value) error

// functionCosts has the functions whose work or result may be far larger than
// their arguments; it is counted before they are called.
func functionCosts() map[string]costFunc {
	return map[string]costFunc{
		"format":        formatCost,
		"formatlist":    formatCost,
		"indent":        indentCost,
		"join":          productCost(64),
		"jsondecode":    jsonCost,
		"replace":       productCost(1),
		"regex":         productCost(1),
		"regexall":      productCost(1),
		"regex_replace": productCost(1),
		"trim":          productCost(16),
	}
}

// productCost charges the sizes of the first argument and of all others,
// multiplied and divided by per, when the product could matter.
func productCost(per int64) costFunc {
	return func(m *meter, args []cty.Value) error {
		first, rest := m.measure(args[0], 0, maxValue), int64(0)
		for _, a := range args[1:] {
			rest += m.measure(a, 0, maxValue)
		}
		if product := first * rest / per; product > 1<<20 {
			m.charge(product)
		}
		return nil
	}
}

// formatCost refuses wide fields, and counts that a verb may repeat an argument.
func formatCost(m *meter, args []cty.Value) error {
	if args[0].Type() != cty.String || args[0].IsNull() || !args[0].IsKnown() {
		return nil
	}
	text := args[0].AsString()
	if regexp.MustCompile(`%[^%a-zA-Z]*\d{4}`).MatchString(text) {
		return errors.New("a field must not be wider than 999 characters")
	}
	size, elements := int64(1), int64(1)
	for _, a := range args[1:] {
		size += m.measure(a, 0, maxValue)
		if a.IsKnown() && !a.IsNull() && a.CanIterateElements() {
			elements = max(elements, int64(a.LengthInt()))
		}
	}
	if work := int64(strings.Count(text, "%")+1)*size + int64(len(text))*elements; work > 1<<20 {
		m.charge(work)
	}
	return nil
}

func indentCost(_ *meter, args []cty.Value) error {
	if n := args[0]; n.Type() == cty.Number && n.IsKnown() && !n.IsNull() && n.GreaterThan(cty.NumberIntVal(100)).True() {
		return errors.New("at most 100 spaces")
	}
	return nil
}

// jsonCost refuses what is nested deeper than the library's recursion should go.
func jsonCost(_ *meter, args []cty.Value) error {
	if args[0].Type() != cty.String || args[0].IsNull() || !args[0].IsKnown() {
		return nil
	}
	text := args[0].AsString()
	if !json.Valid([]byte(text)) {
		return errors.New("the text is not JSON")
	}
	if jsonDepth(text) > maxNesting {
		return errors.New("the JSON is nested more than 250 levels deep")
	}
	return nil
}

// jsonDepth is the greatest number of brackets open at once in valid JSON.
func jsonDepth(text string) int {
	depth, deepest, inString := 0, 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '[' || c == '{':
			depth++
			deepest = max(deepest, depth)
		case c == ']' || c == '}':
			depth--
		}
	}
	return deepest
}

// affixFunction is startswith and endswith.
func affixFunction(has func(s, affix string) bool) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "str", Type: cty.String}, {Name: "affix", Type: cty.String}},
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			return cty.BoolVal(has(args[0].AsString(), args[1].AsString())), nil
		},
	})
}

func base64Function(code func(string) (string, error)) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "str", Type: cty.String}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			text, err := code(args[0].AsString())
			return cty.StringVal(text), err
		},
	})
}

func encodeBase64(s string) (string, error) {
	return base64.StdEncoding.EncodeToString([]byte(s)), nil
}

func decodeBase64(s string) (string, error) {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return "", errors.New("the text is not base64")
	}
	if !utf8.Valid(b) {
		return "", errors.New("the decoded bytes are not UTF-8 text")
	}
	return string(b), nil
}

// distinctFunction is the library's distinct for strings, numbers and bools in
// linear time.
func distinctFunction() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "list", Type: cty.List(cty.DynamicPseudoType)}},
		Type:   func(args []cty.Value) (cty.Type, error) { return args[0].Type(), nil },
		Impl: func(args []cty.Value, t cty.Type) (cty.Value, error) {
			seen := map[string]bool{}
			var kept []cty.Value
			for it := args[0].ElementIterator(); it.Next(); {
				_, e := it.Element()
				if !e.IsKnown() {
					return cty.UnknownVal(t), nil
				}
				s, err := convert.Convert(e, cty.String)
				if err != nil || e.IsNull() {
					return cty.NilVal, errors.New("the elements must be strings, numbers or bools")
				}
				if !seen[s.AsString()] {
					seen[s.AsString()] = true
					kept = append(kept, e)
				}
			}
			if len(kept) == 0 {
				return cty.ListValEmpty(t.ElementType()), nil
			}
			return cty.ListVal(kept), nil
		},
	})
}
