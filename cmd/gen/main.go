// Command gen writes what is derived from the code: THIRD_PARTY_NOTICES, the
// licences of every module in the program, on any of the systems it is built
// for, the reference pages of the configuration language and the lint rules, and the
// page of compatibility with MirrorMaker 2.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

//go:generate go run .

// root is the repository's, seen from the folder that go generate runs in.
const root = "../.."

func main() {
	if err := errors.Join(writeNotices(context.Background()), writeReference(), writeRules(), writeCompatibility()); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

// module is one module of the program.
type module struct {
	path, version, dir string
}

func writeNotices(ctx context.Context) error {
	modules, err := linked(ctx)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	out.WriteString("Strait contains the following modules under their own licences.\n")
	for _, m := range modules {
		texts, err := licences(m)
		if err != nil {
			return err
		}
		fmt.Fprintf(&out, "\n%s\n%s %s\n%[1]s\n", strings.Repeat("-", 80), m.path, m.version)
		for _, text := range texts {
			fmt.Fprintf(&out, "\n%s\n", bytes.TrimSpace(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))))
		}
	}
	if err := os.WriteFile(filepath.Join(root, "THIRD_PARTY_NOTICES"), out.Bytes(), 0o644); err != nil {
		return fmt.Errorf("writing the notices: %w", err)
	}
	return nil
}

// linked lists the modules that cmd/strait is built from, by path.
func linked(ctx context.Context) ([]module, error) {
	var list []module
	for _, system := range []string{"linux", "darwin", "windows"} {
		cmd := exec.CommandContext(ctx, "go", "list", "-deps", "-f",
			"{{with .Module}}{{if not .Main}}{{.Path}}\t{{.Version}}\t{{.Dir}}{{end}}{{end}}", "./cmd/strait")
		cmd.Dir = root
		cmd.Env = append(os.Environ(), "GOOS="+system, "CGO_ENABLED=0")
		cmd.Stderr = os.Stderr
		text, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("listing the modules for %s: %w", system, err)
		}
		for line := range strings.Lines(string(text)) {
			if f := strings.Split(strings.TrimSpace(line), "\t"); len(f) == 3 {
				list = append(list, module{f[0], f[1], f[2]})
			}
		}
	}
	slices.SortFunc(list, func(a, b module) int { return strings.Compare(a.path, b.path) })
	return slices.Compact(list), nil
}

// licences returns the texts that have to go with a module.
func licences(m module) ([][]byte, error) {
	entries, err := os.ReadDir(m.dir)
	if err != nil {
		return nil, fmt.Errorf("reading the folder of %s: %w", m.path, err)
	}
	var texts [][]byte
	for _, e := range entries {
		name := strings.ToUpper(e.Name())
		wanted := slices.ContainsFunc([]string{"LICENSE", "LICENCE", "COPYING", "NOTICE", "PATENTS"}, func(p string) bool {
			return strings.HasPrefix(name, p)
		})
		if !wanted || e.IsDir() || strings.HasSuffix(name, ".GO") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(m.dir, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("reading a licence of %s: %w", m.path, err)
		}
		texts = append(texts, text)
	}
	if len(texts) == 0 {
		return nil, fmt.Errorf("reading the licences of %s: there are none in it", m.path)
	}
	return texts, nil
}
