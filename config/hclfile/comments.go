package hclfile

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/strait-mirror/strait/config/diag"
)

// Comments returns the comments of an HCL file in order. A text beyond the
// bounds of Read has none.
func Comments(name string, text []byte) []diag.Comment {
	var list []diag.Comment
	code, waiting := 0, 0 // line of the last token that is no comment; first comment without a line
	for _, tok := range lex(name, text) {
		switch tok.Type {
		case hclsyntax.TokenNewline, hclsyntax.TokenEOF:
		case hclsyntax.TokenComment:
			c := diag.Comment{Text: commentText(string(tok.Bytes)), Range: rangeOf(tok.Range)}
			if line := tok.Range.Start.Line; line == code {
				c.First, c.Last = line, line
			}
			list = append(list, c)
		default:
			for ; waiting < len(list); waiting++ {
				if list[waiting].First == 0 {
					list[waiting].First, list[waiting].Last = tok.Range.Start.Line, tok.Range.Start.Line
				}
			}
			code = tok.Range.End.Line
		}
	}
	return list
}

// NumberTemplates returns the places of ${1} and its like in strings: a number
// is interpolated only by those who mean a group of a regular expression.
func NumberTemplates(name string, text []byte) []diag.Range {
	var list []diag.Range
	tokens := lex(name, text)
	for i := 0; i+2 < len(tokens); i++ {
		open, number, end := tokens[i], tokens[i+1], tokens[i+2]
		if open.Type == hclsyntax.TokenTemplateInterp && number.Type == hclsyntax.TokenNumberLit &&
			end.Type == hclsyntax.TokenTemplateSeqEnd {
			list = append(list, rangeOf(hcl.RangeBetween(open.Range, end.Range)))
		}
	}
	return list
}

// lex returns the tokens of a text within the bounds of Read.
func lex(name string, text []byte) hclsyntax.Tokens {
	if len(text) > MaxBytes || countTokens(text) > maxTokens {
		return nil
	}
	tokens, _ := hclsyntax.LexConfig(text, name, hcl.InitialPos) // the parser complains
	return tokens
}

// commentText takes the marks off a comment.
func commentText(s string) string {
	if inner, ok := strings.CutPrefix(s, "/*"); ok {
		return strings.TrimSpace(strings.TrimSuffix(inner, "*/"))
	}
	if inner, ok := strings.CutPrefix(s, "//"); ok {
		return strings.TrimSpace(inner)
	}
	return strings.TrimSpace(strings.TrimPrefix(s, "#"))
}
