package hclfile

import (
	"bytes"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/strait-mirror/strait/config/diag"
)

// Bounds of one file. The parser of hashicorp/hcl recurses per nested bracket,
// template, block and unary operator, and evaluation recurses per operator;
// 200 KB of "(((" overflow the Go stack, which nothing can recover. So the
// tokens, which a state machine makes without recursion, are looked at before
// the parser sees them. The depth is far beyond what people write, the other
// rest only keep out what a generator made: a token costs about 100 bytes, and a
// topology with the most flows there may be has not half of the braces.
const (
	MaxBytes     = 16 << 20
	MaxDepth     = 250
	maxOperators = 4096
	maxTokens    = 4 << 20
	maxBraces    = 200_000
	maxDigits    = 400
)

// checkBounds reports a text the parser must not see.
func checkBounds(name string, src []byte) diag.List {
	if len(src) > MaxBytes {
		return diag.List{diag.Errorf(diag.CodeTooBig, diag.Range{File: name},
			"the file has more than 16 MiB; no more are read")}
	}
	if problem, wrong := encoding(name, src); wrong {
		return diag.List{problem}
	}
	if countTokens(src) > maxTokens {
		return diag.List{diag.Errorf(diag.CodeTooBig, diag.Range{File: name},
			"the file has more than %d words and punctuation marks", maxTokens).WithFix("split it into several files")}
	}
	if bytes.Count(src, []byte("{")) > maxBraces {
		return diag.List{diag.Errorf(diag.CodeTooBig, diag.Range{File: name},
			"the file has more than %d opening braces", maxBraces).WithFix("split it into several topologies")}
	}
	// The lexer's own complaints come again from the parser.
	tokens, _ := hclsyntax.LexConfig(src, name, hcl.InitialPos)
	b := bounder{tokens: tokens}
	switch tok := b.scan(); {
	case b.depth > MaxDepth:
		return diag.List{diag.Errorf(diag.CodeTooBig, rangeOf(tok.Range),
			"nested more than %d levels deep", MaxDepth).WithFix("close brackets, blocks and templates earlier, or use locals")}
	case b.operators > maxOperators:
		return diag.List{diag.Errorf(diag.CodeTooBig, rangeOf(tok.Range),
			"more than %d operators in one expression", maxOperators).WithFix("split the expression into locals")}
	case b.number:
		return diag.List{diag.Errorf(diag.CodeTooBig, rangeOf(tok.Range), "the number is too long").WithFix("write it as a string")}
	}
	return nil
}

// countTokens is an upper bound of the number of tokens of src: a run of
// letters and digits is one, every other character but a blank is one.
func countTokens(src []byte) int {
	n, inWord := 0, false
	for _, c := range src {
		word := c == '_' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= 0x80
		if (word && !inWord) || (!word && c != ' ' && c != '\t') {
			n++
		}
		inWord = word
	}
	return n
}

// level is one open nesting level.
type level struct {
	close     hclsyntax.TokenType // what closes it
	unary     int                 // unary operators in front of the operand awaited here
	operators int                 // operators of the expression being read here
	blocks    int                 // %{if} and %{for} not closed yet, in a template
}

// bounder measures nesting without recursion. In broken text it may count too
// much, never too little: a closing token that does not fit closes nothing.
type bounder struct {
	tokens    hclsyntax.Tokens
	stack     []level
	depth     int  // open levels, template directives and pending unary operators
	operators int  // operators of all expressions that are open
	operand   bool // the last token ended an operand
	number    bool // a number nobody writes was seen: parsing it takes quadratic time
}

// tooLong reports whether a number has more than maxDigits digits, or as 1e99999
// more than four in its exponent.
func tooLong(number []byte) bool {
	_, exponent, ok := bytes.Cut(bytes.ToLower(number), []byte("e"))
	return len(number) > maxDigits || ok && len(bytes.TrimLeft(exponent, "+-0")) > 4
}

// scan returns the token at which a bound was passed, or the last one.
func (b *bounder) scan() hclsyntax.Token {
	b.stack = []level{{close: hclsyntax.TokenEOF}}
	for i, tok := range b.tokens {
		b.token(tok)
		if tok.Type == hclsyntax.TokenTemplateControl && i+1 < len(b.tokens) {
			b.directive(string(b.tokens[i+1].Bytes))
		}
		if b.depth > MaxDepth || b.operators > maxOperators || b.number {
			return tok
		}
	}
	return hclsyntax.Token{}
}

func (b *bounder) top() *level { return &b.stack[len(b.stack)-1] }

// token counts one token. "?", ":" and "=>" nest to the right, "[" and binary
// operators to the left.
func (b *bounder) token(tok hclsyntax.Token) {
	t := tok.Type
	if closer, ok := closerOf(t); ok {
		b.push(closer)
		return
	}
	switch t {
	case hclsyntax.TokenCParen, hclsyntax.TokenCBrack, hclsyntax.TokenCBrace, hclsyntax.TokenCQuote,
		hclsyntax.TokenCHeredoc, hclsyntax.TokenTemplateSeqEnd:
		b.pop(t)
	case hclsyntax.TokenIdent, hclsyntax.TokenNumberLit:
		b.number = b.number || t == hclsyntax.TokenNumberLit && tooLong(tok.Bytes)
		b.endOperand()
	case hclsyntax.TokenComma:
		b.endExpression()
	case hclsyntax.TokenNewline:
		if c := b.top().close; c == hclsyntax.TokenCBrace || c == hclsyntax.TokenEOF {
			b.endExpression()
		}
	case hclsyntax.TokenBang, hclsyntax.TokenMinus:
		if !b.operand || t == hclsyntax.TokenBang {
			b.top().unary++
			b.depth++
			break
		}
		b.operator()
	case hclsyntax.TokenPlus, hclsyntax.TokenStar, hclsyntax.TokenSlash, hclsyntax.TokenPercent,
		hclsyntax.TokenAnd, hclsyntax.TokenOr, hclsyntax.TokenEqualOp, hclsyntax.TokenNotEqual,
		hclsyntax.TokenGreaterThan, hclsyntax.TokenGreaterThanEq, hclsyntax.TokenLessThan,
		hclsyntax.TokenLessThanEq, hclsyntax.TokenQuestion, hclsyntax.TokenColon, hclsyntax.TokenFatArrow:
		b.operator()
	default: // nothing else nests
	}
}

// closerOf returns the token that closes what t opens.
func closerOf(t hclsyntax.TokenType) (hclsyntax.TokenType, bool) {
	switch t {
	case hclsyntax.TokenOParen:
		return hclsyntax.TokenCParen, true
	case hclsyntax.TokenOBrack:
		return hclsyntax.TokenCBrack, true
	case hclsyntax.TokenOBrace:
		return hclsyntax.TokenCBrace, true
	case hclsyntax.TokenOQuote:
		return hclsyntax.TokenCQuote, true
	case hclsyntax.TokenOHeredoc:
		return hclsyntax.TokenCHeredoc, true
	case hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
		return hclsyntax.TokenTemplateSeqEnd, true
	default:
		return hclsyntax.TokenNil, false
	}
}

func (b *bounder) operator() {
	b.top().operators++
	b.operators++
	b.operand = false
}

func (b *bounder) push(closer hclsyntax.TokenType) {
	b.operator()
	b.stack = append(b.stack, level{close: closer})
	b.depth++
}

func (b *bounder) pop(t hclsyntax.TokenType) {
	top := *b.top()
	if top.close != t {
		return
	}
	b.stack = b.stack[:len(b.stack)-1]
	b.depth -= 1 + top.unary + top.blocks
	b.operators -= top.operators
	b.endOperand()
}

// endOperand forgets the unary operators in front of the operand just read.
func (b *bounder) endOperand() {
	b.depth -= b.top().unary
	b.top().unary = 0
	b.operand = true
}

// endExpression forgets the operators of the expression just read.
func (b *bounder) endExpression() {
	b.endOperand()
	b.operators -= b.top().operators
	b.top().operators = 0
	b.operand = false
}

// directive counts the blocks of a template by the word behind "%{", whose
// level is already open.
func (b *bounder) directive(word string) {
	if len(b.stack) < 2 {
		return
	}
	template := &b.stack[len(b.stack)-2]
	switch word {
	case "if", "for":
		template.blocks++
		b.depth++
	case "endif", "endfor":
		if template.blocks > 0 {
			template.blocks--
			b.depth--
		}
	}
}

// encoding reports a file that is not UTF-8 as a whole, of which the parser would
// say something at every other character.
func encoding(name string, src []byte) (diag.Diagnostic, bool) {
	const fix = "save it as UTF-8 without a byte order mark"
	starts := func(mark string) bool { return bytes.HasPrefix(src, []byte(mark)) }
	switch {
	case starts("\xef\xbb\xbf"):
		return diag.Errorf(diag.CodeSyntax, rangeAt(name, 0, 3), "the file starts with a byte order mark").WithFix(fix), true
	case starts("\xff\xfe"), starts("\xfe\xff"):
		return diag.Errorf(diag.CodeSyntax, diag.Range{File: name}, "the file is encoded in UTF-16").WithFix(fix), true
	case bytes.IndexByte(src, 0) >= 0:
		return diag.Errorf(diag.CodeSyntax, diag.Range{File: name}, "the file is not text: it has bytes of value 0").
			WithFix("name a text file, saved as UTF-8"), true
	}
	return diag.Diagnostic{}, false
}
