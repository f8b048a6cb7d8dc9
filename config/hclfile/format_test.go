package hclfile

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/model"
)

func format(text string) (string, diag.List) {
	out, problems := Format(File{Name: "f.hcl", Text: []byte(text)}, &diag.Sources{})
	return string(out), problems
}

func TestFormat(t *testing.T) {
	tests := map[string]struct{ in, want string }{
		"empty":      {"", ""},
		"blank":      {"\n \n\t\n", ""},
		"alignment":  {"cluster \"A\" {\nbootstrap_servers=[\"a:1\"]\n  client_id = \"x\"\n}", "cluster \"A\" {\n  bootstrap_servers = [\"a:1\"]\n  client_id         = \"x\"\n}\n"},
		"comments":   {"# top\n\nflow \"A->B\" { // end\n/* in */topics=[\n\"a\", # first\n]\n}\n\n\n", "# top\n\nflow \"A->B\" { // end\n  /* in */ topics = [\n    \"a\", # first\n  ]\n}\n"},
		"heredoc":    {"locals {\na = <<E\n  kept   as  is\n X\nE\n}", "locals {\n  a = <<E\n  kept   as  is\n X\nE\n}\n"},
		"no newline": {"deployment=\"x\"", "deployment = \"x\"\n"},
	}
	for name, tt := range tests {
		got, problems := format(tt.in)
		if diff := cmp.Diff(tt.want, got); diff != "" || len(problems) > 0 {
			t.Errorf("%s: %v\n%s", name, problems, diff)
		}
	}
	for _, broken := range []string{"a = (", "a {", "\xef\xbb\xbfa = 1", strings.Repeat("(", 1000)} {
		if got, problems := format(broken); !problems.HasErrors() || got != "" {
			t.Errorf("%.20q: got %q, %v", broken, got, problems)
		}
	}
}

// TestReferencePage formats and reads every text of the page about the
// language; what a text leaves out is in clusters.
func TestReferencePage(t *testing.T) {
	page, err := os.ReadFile("../../docs/reference/hcl.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(page), "```hcl\n")[1:]
	if len(blocks) < 4 {
		t.Fatalf("%d texts", len(blocks))
	}
	for _, block := range blocks {
		text, _, _ := strings.Cut(block, "```")
		if got, problems := format(text); got != text || len(problems) > 0 {
			t.Errorf("%v\n%s", problems, cmp.Diff(text, got))
		}
		if _, problems := read(clusters + text); len(problems) > 0 {
			t.Errorf("%v in\n%s", problems, text)
		}
	}
	for name := range plainFunctions() {
		if !bytes.Contains(page, []byte("`"+name+"`")) {
			t.Errorf("function %s is not on the page", name)
		}
	}
}

func TestMask(t *testing.T) {
	files := []File{
		{Name: "a.hcl", Text: []byte("locals {\n  x = \"hunter2\"\n  the_password = \"hunter2\"\n  plain = \"seen\"\n}\nvariable \"pw\" { default = \"hunter2\" }\n")},
		{Name: "b.hcl", Text: []byte("cluster \"A\" {\n  sasl \"plain\" {\n    username = \"seen\"\n    password = local.x\n  }\n  properties = { \"ssl.key.password\" = \"hunter2\", \"a.b\" = \"seen\" }\n}\n")},
		{Name: "broken.hcl", Text: []byte("password = \"hunter2\" }}\n")},
	}
	masked := bytes.Join(Mask(files), nil)
	if bytes.Contains(masked, []byte("hunter2")) || bytes.Count(masked, []byte("seen")) != 3 || bytes.Count(masked, []byte("(secret)")) != 5 {
		t.Errorf("got:\n%s", masked)
	}
}

// FuzzFormat holds for any text that can be parsed: formatting again changes
// nothing, only blanks differ, and it says the same.
func FuzzFormat(f *testing.F) {
	f.Add(clusters + `flow "A->B" { topics = ["a.*"] }`)
	f.Add("locals {\n a = \"${local.b[0]}%{ if true }x%{ endif }\"\n b = [1, -2, !true] # c\n}")
	f.Add("a = <<-E\n  x\n  ${ b }\n  E\nb /* c */ = { for k , v in { } : k => v... }\n// d")
	f.Add("cluster \"A\" {\r\n bootstrap_servers = [\r\n\"a:1\"]\r\n}\r\n")
	f.Add("a = -1 - - 1\nb = a ? b : c\nc = a.*.b[*].c\n\n\n")
	f.Fuzz(func(t *testing.T, text string) {
		once, problems := format(text)
		if problems.HasErrors() {
			return
		}
		twice, problems := format(once)
		if problems.HasErrors() || once != twice {
			t.Fatalf("%v\nonce:  %q\ntwice: %q", problems, once, twice)
		}
		if !sameTokens([]byte(text), []byte(once)) {
			t.Fatalf("another text:\n%q\n%q", text, once)
		}
		before, saidBefore := read(text)
		after, saidAfter := read(once)
		places := cmp.Options{
			cmpopts.IgnoreTypes(diag.Range{}, model.Places{}), cmpopts.EquateEmpty(),
			cmp.Comparer(func(a, b model.Secret) bool { return a.Equal(b) }),
		}
		if diff := cmp.Diff(before, after, places); diff != "" || len(saidBefore) != len(saidAfter) {
			t.Fatalf("%s\n%v\n%v", diff, saidBefore, saidAfter)
		}
	})
}

// sameTokens reports whether two texts differ in nothing but blanks.
func sameTokens(a, b []byte) bool {
	ta, _ := hclsyntax.LexConfig(a, "", hcl.InitialPos)
	tb, _ := hclsyntax.LexConfig(b, "", hcl.InitialPos)
	ta, tb = withoutNewlines(ta), withoutNewlines(tb)
	if len(ta) != len(tb) {
		return false
	}
	for i := range ta {
		if ta[i].Type != tb[i].Type || !bytes.Equal(bytes.TrimSpace(ta[i].Bytes), bytes.TrimSpace(tb[i].Bytes)) {
			return false
		}
	}
	return true
}

func withoutNewlines(tokens hclsyntax.Tokens) hclsyntax.Tokens {
	kept := tokens[:0:0]
	for _, t := range tokens {
		if t.Type != hclsyntax.TokenNewline {
			kept = append(kept, t)
		}
	}
	return kept
}
