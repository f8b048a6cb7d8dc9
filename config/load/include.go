package load

import (
	"path/filepath"
	"slices"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/hclfile"
	"github.com/strait-mirror/strait/config/legacy/mm2"
	"github.com/strait-mirror/strait/config/model"
)

// readProperties reads one properties file.
func (l *loader) readProperties(f hclfile.File) (*model.Config, diag.List) {
	return mm2.Read(mm2.Params{
		File: f.Name, Text: f.Text, Env: l.opts.Env, ReadFile: l.opts.ReadFile,
		AllowMissing: l.opts.AllowMissing, Unchecked: l.opts.Unchecked, Sources: l.opts.Sources,
	})
}

// include reads the properties file that an HCL file includes at a place. One
// that is also given by its own path, or included again, is read once.
func (l *loader) include(path string, at diag.Range) (*model.Config, diag.List) {
	clean := filepath.Clean(path)
	if filepath.Ext(clean) != ".properties" {
		return nil, diag.List{diag.Errorf(diag.CodeUnreadable, at, "include: %s is not a properties file", path).
			WithFix("HCL files are given together by their paths, or as a directory")}
	}
	i := slices.IndexFunc(l.properties, func(f hclfile.File) bool { return filepath.Clean(f.Name) == clean })
	if i >= 0 {
		f := l.properties[i]
		l.properties = slices.Delete(l.properties, i, i+1)
		return l.readProperties(f)
	}
	if slices.Contains(l.seen, clean) {
		return nil, nil
	}
	l.seen = append(l.seen, clean)
	text, err := l.opts.ReadFile(path)
	if err != nil {
		return nil, diag.List{diag.Errorf(diag.CodeUnreadable, at, "include: cannot read %s: %s", path, reason(err))}
	}
	return l.readProperties(hclfile.File{Name: path, Text: text})
}

// varFiles reads the files of values for variables.
func (l *loader) varFiles() []hclfile.File {
	var files []hclfile.File
	for _, path := range l.opts.VarFiles {
		text, err := l.opts.ReadFile(path)
		if err != nil {
			l.unreadable(path, err)
			continue
		}
		files = append(files, hclfile.File{Name: path, Text: text})
	}
	return files
}
