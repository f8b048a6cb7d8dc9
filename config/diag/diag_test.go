package diag_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/strait-mirror/strait/config/diag"
)

// at is the range of the first occurrence of what in text, file "f".
func at(text, what string) diag.Range {
	i := strings.Index(text, what)
	pos := func(i int) diag.Pos {
		before := text[:i]
		return diag.Pos{Line: 1 + strings.Count(before, "\n"), Column: i - strings.LastIndex(before, "\n"), Byte: i}
	}
	return diag.Range{File: "f", Start: pos(i), End: pos(i + len(what))}
}

func TestRender(t *testing.T) {
	const text = "a = 1\n\tkey = \"pässword\" # x\nlast"
	tests := map[string]struct {
		d      diag.Diagnostic
		hidden string
		want   string
	}{
		"plain":         {diag.Errorf("ST001", at(text, "a"), "bad %s", "a"), "", "f:1:1: error: bad a (ST001)\n  a = 1\n  ^\n"},
		"fix":           {diag.Warnf("ST002", at(text, "1"), "odd").WithFix("use %d", 2), "", "f:1:5: warning: odd (ST002)\n  a = 1\n      ^\n  fix: use 2\n"},
		"tab":           {diag.Infof("ST003", at(text, "key"), "note"), "", "f:2:2: info: note (ST003)\n   key = \"pässword\" # x\n   ^^^\n"},
		"secret":        {diag.Errorf("ST001", at(text, "# x"), "bad"), "pässword", "f:2:20: error: bad (ST001)\n   key = \"(secret)\" # x\n                    ^^^\n"},
		"in the secret": {diag.Errorf("ST001", at(text, "ss"), "bad"), "pässword", "f:2:12: error: bad (ST001)\n   key = \"(secret)\" # x\n                  ^\n"},
		"last line":     {diag.Errorf("ST001", at(text, "last"), "bad"), "", "f:3:1: error: bad (ST001)\n  last\n  ^^^^\n"},
		"several lines": {diag.Errorf("ST001", at(text, "1\n\tkey"), "bad"), "", "f:1:5: error: bad (ST001)\n  a = 1\n      ^\n"},
		"no place":      {diag.Errorf("ST001", diag.Range{}, "bad"), "", "error: bad (ST001)\n"},
		"no line":       {diag.Errorf("ST001", diag.Range{File: "f"}, "bad"), "", "f: error: bad (ST001)\n"},
		"other file":    {diag.Errorf("ST001", diag.Range{File: "g", Start: diag.Pos{Line: 9, Column: 9}}, "bad"), "", "g:9:9: error: bad (ST001)\n"},
		"beyond":        {diag.Errorf("ST001", diag.Range{File: "f", Start: diag.Pos{Line: 9, Column: 9, Byte: 999}, End: diag.Pos{Byte: 1000}}, "bad"), "", "f:9:9: error: bad (ST001)\n  last\n      ^\n"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var src diag.Sources
			src.Add("f", []byte(text))
			if tt.hidden != "" {
				src.Hide(at(text, tt.hidden))
				src.Hide(at(text, tt.hidden[:3]))
			}
			var out strings.Builder
			if err := diag.Render(&out, diag.List{tt.d}, &src); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, out.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRenderBounds(t *testing.T) {
	var src diag.Sources
	src.Add("f", []byte(strings.Repeat("x", 1<<20)+"\x1b[31m"))
	var out strings.Builder
	d := diag.Errorf("ST001", diag.Range{File: "f", Start: diag.Pos{Line: 1, Column: 1}, End: diag.Pos{Byte: 1 << 20}}, "bad")
	if err := diag.Render(&out, diag.List{d}, &src); err != nil || out.String() != "f:1:1: error: bad (ST001)\n" {
		t.Errorf("got %d bytes, %v", out.Len(), err)
	}
	if err := diag.Render(failing{}, diag.List{d}, nil); !errors.Is(err, errFull) {
		t.Errorf("got %v", err)
	}
}

var errFull = errors.New("full")

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errFull }

func TestListErr(t *testing.T) {
	l := diag.List{diag.Warnf("ST002", diag.Range{File: "b"}, "w"), diag.Errorf("ST001", diag.Range{File: "a"}, "e")}
	l.Sort()
	err := l.Err()
	if err == nil || err.Error() != "a: error: e (ST001)" {
		t.Errorf("got %v", err)
	}
	if f, ok := errors.AsType[*diag.Failure](err); !ok || len(f.List) != 2 {
		t.Errorf("got %v", f)
	}
	if err := l[1:].Err(); err != nil {
		t.Errorf("a warning is an error: %v", err)
	}
}
