// Package examples_test proves what examples/ ships: that both forms of every
// topology mean the same, that one converts to the other, that the files are
// formatted as the program formats them, and, on real brokers, that each does
// what its README says.
package examples_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/strait-mirror/strait/config/convert"
	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/load"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/pipeline/plan"
	"github.com/strait-mirror/strait/transforms/filter"
)

// root is where the examples are.
const root = "../../examples"

// pem is what the examples' certificate authorities hold; it lasts for a century.
const pem = `-----BEGIN CERTIFICATE-----
MIIBgjCCASegAwIBAgIUZn6ZFVcOb9MJhzQ+PlDUuNEThm0wCgYIKoZIzj0EAwIw
FTETMBEGA1UEAwwKZXhhbXBsZS1jYTAgFw0yNjExMjIyMjQxMjNaGA8yMTI2MTAy
OTIyNDEyM1owFTETMBEGA1UEAwwKZXhhbXBsZS1jYTBZMBMGByqGSM49AgEGCCqG
SM49AwEHA0IABL9iDr4+urNbhW733iG/XjTKoJrn0SS3G5Ak0Mwvq6HRUgG8bMFn
fOoDkAV9W6cEIRgYI16EeczUXZFnD7xxJsyjUzBRMB0GA1UdDgQWBBSbnxYBDBoO
LAoE/7xVt65uVU+RyDAfBgNVHSMEGDAWgBSbnxYBDBoOLAoE/7xVt65uVU+RyDAP
BgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0kAMEYCIQDd/+BNcX7lY/ZEfRQ7
yptrI5bs5RvzIbkDLPArymrCYgIhALXcJxRzg/eKDXOoFhdpAK2uyhW5A6KbDBpY
YSuRuZPh
-----END CERTIFICATE-----
`

// env answers for what the examples take from the environment.
func env(name string) (string, bool) {
	if strings.HasSuffix(name, "_BROKERS") {
		return strings.ToLower(name[:1]) + "1:9092," + strings.ToLower(name[:1]) + "2:9092", true
	}
	return "of-" + name, true
}

// readFile answers for the certificates that the examples name.
func readFile(path string) ([]byte, error) {
	if filepath.Ext(path) == ".pem" {
		return []byte(pem), nil
	}
	return os.ReadFile(path)
}

// topologies are the names of the examples with a topology.
func topologies(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "*", "strait.hcl"))
	if err != nil || len(files) < 6 {
		t.Fatal(err, files)
	}
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = filepath.Base(filepath.Dir(f))
	}
	return names
}

// bothForms are those that MirrorMaker 2 can express as well; the others say that
// it cannot.
func bothForms(t *testing.T) []string {
	t.Helper()
	return slices.DeleteFunc(topologies(t), func(name string) bool {
		text, err := os.ReadFile(filepath.Join(root, name, "README.md"))
		if err != nil {
			t.Error(err)
		}
		_, err = os.Stat(filepath.Join(root, name, "mm2.properties"))
		if cannot := strings.Contains(string(text), "MirrorMaker 2 cannot express"); cannot != errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: the README says that MirrorMaker 2 cannot: %t; its file: %v", name, cannot, err)
		}
		return err != nil
	})
}

// read loads a topology, which must be without any complaint.
func read(t *testing.T, path string) *model.Config {
	t.Helper()
	cfg, problems := load.Load([]string{path}, load.Options{Env: env, ReadFile: readFile})
	for _, f := range cfg.Flows {
		_, bad := filter.ForFlow(f)
		problems.Add(bad...)
	}
	for _, d := range problems {
		t.Errorf("%s", d)
	}
	return cfg
}

func TestFormsAreEqual(t *testing.T) {
	for _, name := range bothForms(t) {
		t.Run(name, func(t *testing.T) {
			t.Chdir(filepath.Join(root, name)) // where paths in a properties file start
			native, legacy := read(t, "."), read(t, "mm2.properties")
			legacy.Flows = slices.DeleteFunc(legacy.Flows, func(f *model.Flow) bool { return f.HeartbeatsOnly && f.Range.Start.Line == 0 })
			for _, d := range model.Diff(native, legacy) {
				t.Error(d)
			}
		})
	}
}

// TestConvert converts the properties form: nothing is left to the user, and
// the result is the HCL form in other words.
func TestConvert(t *testing.T) {
	for _, name := range bothForms(t) {
		t.Run(name, func(t *testing.T) {
			t.Chdir(filepath.Join(root, name))
			const path = "mm2.properties"
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			p := convert.Params{
				Format: convert.MM2, Files: []convert.File{{Name: path, Text: text}},
				Env: env, ReadFile: readFile, Sources: &diag.Sources{},
			}
			got := convert.Convert(p)
			if !got.Report.Complete() || got.Report.Count(convert.Ignored) > 0 {
				t.Errorf("%s: %+v", got.Report.Summary(), got.Report.Keys)
			}
			native := read(t, ".")
			t.Chdir(t.TempDir()) // only the names of other files may matter
			if err := os.WriteFile("strait.hcl", got.HCL, 0o600); err != nil {
				t.Fatal(err)
			}
			for _, d := range model.Diff(native, read(t, "strait.hcl")) {
				t.Error(d)
			}
			if slices.ContainsFunc(strings.Fields(string(got.HCL)), func(w string) bool { return strings.Contains(w, "strait-origin") }) {
				t.Errorf("a marker is left:\n%s", got.HCL)
			}
		})
	}
}

// TestPlans plans every example: all of it is new, and nothing is to be done where
// it runs already.
func TestPlans(t *testing.T) {
	for _, name := range topologies(t) {
		t.Run(name, func(t *testing.T) {
			t.Chdir(filepath.Join(root, name))
			native := read(t, ".")
			enabled := slices.DeleteFunc(slices.Clone(native.Flows), func(f *model.Flow) bool { return !f.Enabled })
			fresh := plan.New(&model.Config{}, native)
			if len(fresh.Clusters) != len(native.Clusters) || len(fresh.Flows) != len(enabled) || len(enabled) == 0 || fresh.Empty() {
				t.Errorf("of %d clusters and %d flows: %+v", len(native.Clusters), len(enabled), fresh)
			}
			if again := plan.New(native, read(t, ".")); !again.Empty() {
				t.Errorf("nothing has changed: %+v", again)
			}
		})
	}
}
