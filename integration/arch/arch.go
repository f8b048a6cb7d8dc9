// Package arch owns the rules of the source tree that a compiler does not know:
// which room may import which, which folder may use which library, how long a
// file may be, and that state has an owner. Its test applies them to the whole
// repository. It parses in this process: what `go list` answers may come from
// go's test cache.
package arch

import (
	"bufio"
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Module is the import path of the repository's root.
const Module = "github.com/strait-mirror/strait"

const (
	maxLines     = 600
	maxTestLines = 900
)

// Rules is what a tree is held to. Paths are relative to its root, with
// slashes.
type Rules struct {
	Below   map[string][]string // room to the rooms it may import; a missing room may import all
	Only    map[string][]string // import path prefix to the folders that may use it
	Apart   Apart
	Calls   map[string][]string // function as importpath.Name to the folders that may call it
	Globals map[string]string   // "folder.name" of a package-level variable to the reason it is allowed
}

// Apart keeps the packages of one room from importing each other.
type Apart struct {
	Room   string
	Shared []string // packages of the room that all others may import
	Joins  []string // packages of the room that may import all of it
}

// Check returns what in the tree below root breaks the rules, one line each, in
// the order of the files.
func Check(root string, rules Rules) ([]string, error) {
	var found []string
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if entry.IsDir() {
			if base := entry.Name(); rel != "." && (base == "testdata" || base == "vendor" || strings.HasPrefix(base, ".")) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(rel, ".go") {
			return nil
		}
		problems, err := checkFile(name, rel, rules)
		found = append(found, problems...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("checking the tree below %s: %w", root, err)
	}
	return found, nil
}

// file is one parsed file under its rules.
type file struct {
	rel   string // its path below the root
	dir   string // its folder
	test  bool
	rules Rules
	set   *token.FileSet
	ast   *ast.File
	found []string
}

func checkFile(name, rel string, rules Rules) ([]string, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", rel, err)
	}
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, rel, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, fmt.Errorf("parsing %s: %w", rel, err)
	}
	f := &file{
		rel: rel, dir: path.Dir(rel), test: strings.HasSuffix(rel, "_test.go"),
		rules: rules, set: set, ast: parsed,
	}
	if !ast.IsGenerated(parsed) {
		f.checkLength(text)
	}
	f.checkImports()
	f.checkCalls()
	f.checkDeclarations()
	return f.found, nil
}

func (f *file) report(pos token.Pos, format string, args ...any) {
	f.found = append(f.found, fmt.Sprintf("%s:%d: %s", f.rel, f.set.Position(pos).Line, fmt.Sprintf(format, args...)))
}

func (f *file) checkLength(text []byte) {
	lines := 0
	for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
		lines++
	}
	most := maxLines
	if f.test {
		most = maxTestLines
	}
	if lines > most {
		f.found = append(f.found, fmt.Sprintf("%s: %d lines, more than %d", f.rel, lines, most))
	}
}

func (f *file) checkImports() {
	for _, spec := range f.ast.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue // the parser has accepted it, so this cannot be
		}
		if inside, ok := strings.CutPrefix(imported, Module+"/"); ok {
			f.checkRoom(spec, inside)
			continue
		}
		for prefix, folders := range f.rules.Only {
			if within(imported, prefix) && !f.inAny(folders) {
				f.report(spec.Pos(), "imports %s, which only %s may", imported, strings.Join(folders, ", "))
			}
		}
	}
}

func (f *file) checkRoom(spec *ast.ImportSpec, imported string) {
	mine, theirs := room(f.rel), room(imported)
	if allowed, ruled := f.rules.Below[mine]; ruled && mine != theirs && !slices.Contains(allowed, theirs) {
		f.report(spec.Pos(), "%s imports %s: %s may import %s", f.dir, imported, mine, orNone(allowed))
	}
	apart := f.rules.Apart
	if mine != apart.Room || theirs != apart.Room || imported == apart.Room {
		return
	}
	from, to := member(f.dir), member(imported)
	if from != to && !slices.Contains(apart.Shared, to) && !slices.Contains(apart.Joins, from) {
		f.report(spec.Pos(), "%s imports %s: packages of %s are kept apart", f.dir, imported, mine)
	}
}

// checkCalls finds uses of functions that only some folders may call.
func (f *file) checkCalls() {
	names := map[string]string{} // as written in this file, to import path
	for _, spec := range f.ast.Imports {
		imported, _ := strconv.Unquote(spec.Path.Value)
		name := path.Base(imported)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		names[name] = imported
	}
	ast.Inspect(f.ast, func(n ast.Node) bool {
		selector, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := selector.X.(*ast.Ident); ok && names[x.Name] != "" {
			called := names[x.Name] + "." + selector.Sel.Name
			if folders, ruled := f.rules.Calls[called]; ruled && !f.test && !f.inAny(folders) {
				f.report(selector.Pos(), "uses %s, which only %s may", called, strings.Join(folders, ", "))
			}
		}
		return true
	})
}

// checkDeclarations finds init functions and state without an owner.
func (f *file) checkDeclarations() {
	for _, d := range f.ast.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil && d.Name.Name == "init" {
				f.report(d.Pos(), "has an init function")
			}
		case *ast.GenDecl:
			if d.Tok == token.VAR && !f.test {
				f.checkVars(d)
			}
		}
	}
}

func (f *file) checkVars(d *ast.GenDecl) {
	for _, s := range d.Specs {
		spec, ok := s.(*ast.ValueSpec)
		if !ok || embedded(d.Doc) || embedded(spec.Doc) {
			continue
		}
		for i, name := range spec.Names {
			if _, allowed := f.rules.Globals[f.dir+"."+name.Name]; allowed || name.Name == "_" {
				continue
			}
			if i < len(spec.Values) && (isError(name.Name, spec.Values[i]) || isTable(spec.Values[i])) {
				continue
			}
			f.report(name.Pos(), "has the package-level variable %s", name.Name)
		}
	}
}

// embedded reports whether a variable is filled by the compiler.
func embedded(doc *ast.CommentGroup) bool {
	return doc != nil && slices.ContainsFunc(doc.List, func(c *ast.Comment) bool {
		return strings.HasPrefix(c.Text, "//go:embed ")
	})
}

// isError reports whether a variable is an error to compare with.
func isError(name string, value ast.Expr) bool {
	made := calls(value, "errors.New", "fmt.Errorf")
	return made && (strings.HasPrefix(name, "err") || strings.HasPrefix(name, "Err"))
}

// isTable reports whether a value is compiled once and never changes.
func isTable(value ast.Expr) bool {
	return calls(value, "regexp.MustCompile", "crc32.MakeTable")
}

func calls(value ast.Expr, functions ...string) bool {
	call, ok := value.(*ast.CallExpr)
	if !ok {
		return false
	}
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	x, ok := selector.X.(*ast.Ident)
	return ok && slices.Contains(functions, x.Name+"."+selector.Sel.Name)
}

// inAny reports whether the file is in one of the folders or below it. A folder
// with the suffix "_test" stands for the test files there.
func (f *file) inAny(folders []string) bool {
	return slices.ContainsFunc(folders, func(folder string) bool {
		folder, testsOnly := strings.CutSuffix(folder, "_test")
		return within(f.dir, folder) && (f.test || !testsOnly)
	})
}

// within reports whether name is prefix or below it.
func within(name, prefix string) bool {
	rest, ok := strings.CutPrefix(name, prefix)
	return ok && (rest == "" || rest[0] == '/' || strings.HasSuffix(prefix, "/"))
}

// room is the first element of a path.
func room(p string) string { return strings.SplitN(p, "/", 2)[0] }

// member is the second element of a path, or "" at the top of a room.
func member(dir string) string {
	parts := strings.SplitN(dir, "/", 3)
	if len(parts) < 2 {
		return ""
	}
	return parts[1]
}

func orNone(rooms []string) string {
	if len(rooms) == 0 {
		return "no other room"
	}
	return "only " + strings.Join(rooms, ", ")
}
