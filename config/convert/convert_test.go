package convert_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/strait-mirror/strait/config/convert"
	"github.com/strait-mirror/strait/config/diag"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// env is an environment with one number; everything else is not set.
func env(name string) (string, bool) {
	if name == "FACTOR" {
		return "3", true
	}
	return "", false
}

// TestGolden converts every archive's files and compares HCL and report.
func TestGolden(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatal(err, "no golden files")
	}
	for _, path := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			ar, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var inputs []txtar.File
			for _, f := range ar.Files {
				if !strings.HasPrefix(f.Name, "want.") {
					inputs = append(inputs, f)
				}
			}
			p := convert.Params{Env: env, ReadFile: os.ReadFile, Sources: &diag.Sources{}}
			p.Format = convert.Format(strings.Fields(string(ar.Comment))[0])
			for _, f := range inputs {
				p.Files = append(p.Files, convert.File{Name: f.Name, Text: f.Data})
			}
			result := convert.Convert(p)
			if strings.Contains(string(result.HCL)+show(result.Report), "hunter2") {
				t.Error("a secret is shown")
			}
			got := append(slices.Clone(inputs),
				txtar.File{Name: "want.hcl", Data: result.HCL},
				txtar.File{Name: "want.report", Data: []byte(show(result.Report))})
			for _, d := range result.Report.Differences {
				t.Error(d)
			}
			text := txtar.Format(&txtar.Archive{Comment: ar.Comment, Files: got})
			if *update {
				if err := os.WriteFile(path, text, 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(txtar.Format(ar)), string(text)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// show is a report as text, for comparison.
func show(r convert.Report) string {
	var b bytes.Buffer
	for _, k := range r.Keys {
		fmt.Fprintf(&b, "%d: %s: %s", k.At.Start.Line, k.Name, k.State)
		for _, part := range []string{k.Code, k.Note} {
			if part != "" {
				fmt.Fprintf(&b, ": %s", part)
			}
		}
		if len(k.To) > 0 {
			fmt.Fprintf(&b, " => %s", strings.Join(k.To, "; "))
		}
		b.WriteByte('\n')
	}
	for _, v := range r.Variables {
		fmt.Fprintf(&b, "set %s for %s: %s\n", v.Name, v.For, v.Note)
	}
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "note: %s\n", n)
	}
	for _, d := range r.Problems {
		fmt.Fprintf(&b, "problem: %s\n", d)
	}
	for _, d := range r.Differences {
		fmt.Fprintf(&b, "difference: %s\n", d)
	}
	fmt.Fprintln(&b, r.Summary())
	return b.String()
}

// TestExamples converts every example's properties without any complaint.
func TestExamples(t *testing.T) {
	files, err := filepath.Glob("../../examples/*/mm2.properties")
	if err != nil || len(files) < 2 {
		t.Fatal(err, files)
	}
	for _, name := range files {
		t.Run(filepath.Base(filepath.Dir(name)), func(t *testing.T) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			got := convert.Convert(convert.Params{
				Format: convert.MM2, Env: env, ReadFile: os.ReadFile,
				Files: []convert.File{{Name: name, Text: text}},
			})
			if !got.Report.Complete() || got.Report.Count(convert.Ignored) > 0 {
				t.Errorf("%s\n%s", got.HCL, show(got.Report))
			}
		})
	}
}

// TestCorpus converts the files that the reader is compared with MirrorMaker 2
// on: whatever can be read means the same as HCL.
func TestCorpus(t *testing.T) {
	files, err := filepath.Glob("../../integration/parity/testdata/corpus/*.properties")
	if err != nil || len(files) < 40 {
		t.Fatal(err, len(files))
	}
	t.Chdir("../../integration/parity/testdata") // where the paths in the files start
	converted := 0
	for _, path := range files {
		name := filepath.Join("corpus", filepath.Base(path))
		t.Run(filepath.Base(path), func(t *testing.T) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			got := convert.Convert(convert.Params{
				Format: convert.MM2, Env: env, ReadFile: os.ReadFile, Files: []convert.File{{Name: name, Text: text}},
			})
			if name == filepath.Join("corpus", "dotted-aliases.properties") { // "c->d" is no name in HCL
				if !strings.Contains(strings.Join(got.Report.Differences, "\n"), `must not contain "->"`) {
					t.Error("an alias that cannot be written is not reported")
				}
				return
			}
			for _, d := range got.Report.Differences {
				t.Error(d)
			}
			if len(got.HCL) == 0 && got.Report.Complete() {
				t.Error("nothing was converted, and nothing is said about it")
			}
			if got.Report.Complete() {
				converted++
			}
		})
	}
	if converted < 30 {
		t.Errorf("only %d files were converted", converted)
	}
}
