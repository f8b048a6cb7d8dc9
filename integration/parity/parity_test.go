// Package parity asks MirrorMaker 2's own classes what they make of a corpus of
// properties files, and compares Strait's answer key by key; and it has both run one
// of them, and compares what they leave on the clusters field by field.
package parity

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/legacy/mm2/effective"
	"github.com/strait-mirror/strait/config/props"
	"github.com/strait-mirror/strait/integration/kafka"
)

var update = flag.Bool("update", false, "write the table of definitions from the Java classes")

const (
	oracle = "testdata/oracle/Oracle.java"
	table  = "../../config/legacy/mm2/effective/definitions.txt"
)

// environment is what the providers of the corpus find.
func environment() map[string]string {
	return map[string]string{
		"STRAIT_PARITY_NAME": "from-env", "STRAIT_PARITY_TRUE": "true", "STRAIT_PARITY_FALSE": "false",
	}
}

// answer is what either side makes of one file.
type answer struct {
	Rejected string                                  `json:"rejected,omitempty"`
	Flows    map[string]map[string]map[string]string `json:"flows,omitempty"`
}

// ask runs the oracle and returns what it wrote.
func ask(t *testing.T, args ...string) []byte {
	t.Helper()
	kafka.Require(t)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	out := filepath.Join(t.TempDir(), "answer")
	var env []string
	for name, value := range environment() {
		env = append(env, name+"="+value)
	}
	err := kafka.RunSource(ctx, kafka.SourceOptions{File: oracle, Args: append([]string{out}, args...), Env: env})
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// lay copies the corpus into a directory of its own, so that its files can name
// others by absolute paths, and returns the paths.
func lay(t *testing.T) []string {
	t.Helper()
	dir := t.TempDir()
	for _, sub := range []string{"other", "dir/sub"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	place := func(from, to string) string {
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		to = filepath.Join(dir, to)
		if err := os.WriteFile(to, bytes.ReplaceAll(text, []byte("@DIR@"), []byte(dir)), 0o600); err != nil {
			t.Fatal(err)
		}
		return to
	}
	place("testdata/files/secret.properties", "secret.properties")
	for _, name := range []string{"token", "ca.crt"} {
		place("testdata/files/dir/"+name, "dir/"+name)
	}
	corpus, err := filepath.Glob("testdata/corpus/*.properties")
	if err != nil || len(corpus) < 40 {
		t.Fatalf("the corpus has %d files: %v", len(corpus), err)
	}
	for i, file := range corpus {
		corpus[i] = place(file, filepath.Base(file))
	}
	return corpus
}

// TestEffective compares every configuration of every flow of every file, and
// what is rejected.
// It is conformance items 1 to 6, 8, 9 and 12 to 15.
func TestEffective(t *testing.T) {
	files := lay(t)
	var want map[string]answer
	if err := json.Unmarshal(ask(t, files...), &want); err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		t.Run(strings.TrimSuffix(name, ".properties"), func(t *testing.T) {
			w, ok := want[name]
			if !ok {
				t.Fatal("the oracle did not answer")
			}
			got, problems := compute(t, file)
			if rejected := strings.HasPrefix(name, "reject-"); rejected != (w.Rejected != "") {
				t.Errorf("the file is called %s, but the oracle says %q", name, w.Rejected)
			}
			if (w.Rejected != "") != problems.HasErrors() {
				t.Fatalf("MirrorMaker 2 says %q, Strait says %v", w.Rejected, problems)
			}
			if w.Rejected != "" {
				return
			}
			if diff := cmp.Diff(w.Flows, got); diff != "" {
				t.Errorf("MirrorMaker 2 is -, Strait is +:\n%s", diff)
			}
		})
	}
}

// compute is Strait's answer.
func compute(t *testing.T, file string) (map[string]map[string]map[string]string, diag.List) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	doc, problems := props.Parse(file, text, props.Latin1)
	env := environment()
	c, more := effective.Read(effective.Params{
		Doc: doc, ReadFile: os.ReadFile,
		Env: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
	})
	problems.Add(more...)
	flows := map[string]map[string]map[string]string{}
	for _, p := range c.Pairs() {
		f := c.Flow(p)
		problems.Add(f.Problems()...)
		flow := map[string]map[string]string{}
		for name, m := range f.All(c) {
			flow[name] = map[string]string{}
			for key, v := range m {
				flow[name][key] = v.Text
			}
		}
		flows[p.Name()] = flow
	}
	return flows, problems
}

// TestDefinitions compares the embedded table with the Java classes.
func TestDefinitions(t *testing.T) {
	got := ask(t)
	if *update {
		if err := os.WriteFile(table, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(lines(want), lines(got)); diff != "" {
		t.Errorf("definitions.txt is -, the classes are + (-update writes them):\n%s", diff)
	}
}

func lines(text []byte) []string {
	return slices.Collect(strings.Lines(string(text)))
}
