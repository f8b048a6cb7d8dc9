package convert_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/strait-mirror/strait/config/convert"
	"github.com/strait-mirror/strait/config/legacy/mm2"
)

// FuzzMM2 converts any properties file that can be read without errors: the
// HCL must read as the same topology.
func FuzzMM2(f *testing.F) {
	for _, pattern := range []string{"../../examples/*/mm2.properties", "../load/testdata/*.txtar", "testdata/mm2*.txtar"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, name := range files {
			text, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(text)
		}
	}
	absent := func(path string) ([]byte, error) {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		_, problems := mm2.Read(mm2.Params{File: "x", Text: text, Env: env, ReadFile: absent, AllowMissing: true})
		got := convert.Convert(convert.Params{
			Format: convert.MM2, Env: env, ReadFile: absent, Files: []convert.File{{Name: "x", Text: text}},
		})
		if problems.HasErrors() || got.Report.Count(convert.NeedsYou) > 0 || got.Report.Problems.HasErrors() {
			return
		}
		if len(got.Report.Differences) > 0 {
			t.Errorf("%q\n%s\n%s", text, got.HCL, strings.Join(got.Report.Differences, "\n"))
		}
	})
}
