package main

import (
	_ "embed"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/strait-mirror/strait/config/schema"
)

// conformance lists what a replacement of MirrorMaker 2 has to do as it does: a
// number, or a range of them, and a sentence; "#" begins a section.
//
//go:embed conformance.txt
var conformance string

// cited is where the comment of a test names the items that it proves.
var cited = regexp.MustCompile(`(?i)conformance items? ((?:\d+(?:, and |, | and | to )?)+)`)

// writeCompatibility writes the page of what is as in MirrorMaker 2, with the test
// that shows it, and what is not.
func writeCompatibility() error {
	tests, err := citations()
	if err != nil {
		return err
	}
	for _, d := range schema.Differences() {
		for _, n := range d.Items {
			tests[n] = append(tests[n], fmt.Sprintf("[difference](#%s)", d.Anchor()))
		}
	}
	var w strings.Builder
	w.WriteString(schema.Compatibility())
	w.WriteString("\n# Conformance\n\nWhat a replacement has to do as MirrorMaker 2 does, and the tests that show it. " +
		"A test names its items in its comment; what has none is not proven yet. Some hold otherwise, as a deliberate difference says.\n")
	for line := range strings.Lines(conformance) {
		number, text, _ := strings.Cut(strings.TrimSpace(line), " ")
		if number == "#" {
			fmt.Fprintf(&w, "\n## %s\n\n| item | what | shown by |\n|---|---|---|\n", text)
			continue
		}
		var by []string
		for _, n := range numbers(strings.ReplaceAll(number, "-", " to ")) {
			by = append(by, tests[n]...)
		}
		slices.Sort(by)
		shown := strings.Join(slices.Compact(by), "<br>")
		fmt.Fprintf(&w, "| %s | %s | %s |\n", number, strings.ReplaceAll(text, "|", "\\|"), shown)
	}
	if err := os.WriteFile(filepath.Join(root, "docs", "compatibility.md"), []byte(w.String()), 0o644); err != nil {
		return fmt.Errorf("writing the compatibility page: %w", err)
	}
	return nil
}

// citations returns the tests whose comments name conformance items, by item.
func citations() (map[int][]string, error) {
	tests := map[int][]string{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (entry.Name() == "testdata" || strings.HasPrefix(entry.Name(), ".") && path != root) {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return fmt.Errorf("parsing %s: %w", path, err)
		}
		folder, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		for _, n := range cites(parsed) {
			tests[n.item] = append(tests[n.item], fmt.Sprintf("`%s` %s", filepath.ToSlash(folder), n.test))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("looking for conformance items: %w", err)
	}
	return tests, nil
}

// citation is a test and an item that it names.
type citation struct {
	item int
	test string
}

func cites(f *ast.File) []citation {
	var out []citation
	for _, d := range f.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Doc == nil || !strings.HasPrefix(fn.Name.Name, "Test") {
			continue
		}
		for _, m := range cited.FindAllStringSubmatch(strings.ReplaceAll(fn.Doc.Text(), "\n", " "), -1) {
			for _, n := range numbers(m[1]) {
				out = append(out, citation{n, fn.Name.Name})
			}
		}
	}
	return out
}

// numbers reads "1, 3 to 5 and 7".
func numbers(text string) []int {
	var out []int
	through := false
	for word := range strings.FieldsSeq(strings.ReplaceAll(text, ",", " ")) {
		n, err := strconv.Atoi(word)
		switch {
		case err != nil:
			through = word == "to"
			continue
		case through && len(out) > 0:
			for next := out[len(out)-1] + 1; next <= n; next++ {
				out = append(out, next)
			}
		default:
			out = append(out, n)
		}
		through = false
	}
	return out
}
