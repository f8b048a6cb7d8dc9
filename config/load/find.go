package load

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/hclfile"
)

// Find reads the HCL files that paths name, themselves or by their directory,
// and with recursive by the directories below it; hidden ones are left out.
// Other kinds of files are skipped in directories and refused by their path.
func Find(paths []string, recursive bool, opts Options) ([]hclfile.File, diag.List) {
	l := newLoader(opts)
	for _, p := range paths {
		info, err := os.Stat(p)
		if err != nil || !info.IsDir() {
			l.hclFile(p)
			continue
		}
		err = filepath.WalkDir(p, func(path string, entry fs.DirEntry, err error) error {
			hidden := strings.HasPrefix(entry.Name(), ".") && path != p
			switch {
			case err != nil:
				l.unreadable(path, err)
			case entry.IsDir() && path != p && (!recursive || hidden):
				return filepath.SkipDir
			case !entry.IsDir() && !hidden && filepath.Ext(path) == ".hcl":
				l.file(path)
			}
			return nil
		})
		if err != nil {
			l.unreadable(p, err)
		}
	}
	return l.hcl, l.problems
}

// hclFile reads a file that must be HCL.
func (l *loader) hclFile(path string) {
	if filepath.Ext(path) == ".properties" {
		l.problems.Add(diag.Errorf(diag.CodeUnreadable, diag.Range{File: path}, "only HCL files have a canonical form").
			WithFix("strait convert turns a properties file into HCL"))
		return
	}
	l.file(path)
}

// Syntax checks that the files and directories at paths can be parsed, and
// nothing more; it returns how many there are. A properties file has no syntax
// errors that MirrorMaker 2 would notice.
func Syntax(paths []string, opts Options) (files int, problems diag.List) {
	l := newLoader(opts)
	for _, p := range paths {
		l.path(p)
	}
	for _, f := range l.hcl {
		l.problems.Add(hclfile.Syntax(f, l.opts.Sources)...)
	}
	l.problems.Sort()
	return len(l.hcl) + len(l.properties), l.problems
}
