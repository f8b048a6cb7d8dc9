// Package load turns paths into one topology: it picks the reader for every
// file and merges what they say. The readers themselves are config/hclfile and
// config/legacy/mm2; what is risky about the whole is said by pipeline/lint.
package load

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/hclfile"
	"github.com/strait-mirror/strait/config/model"
)

// Options is how Load reads. The zero value reads this process's files and
// environment and refuses what is missing.
type Options struct {
	Vars map[string]string // values for HCL variables
	// VarFiles are paths of files with name = value lines for HCL variables;
	// later ones beat earlier ones, and Vars beats all.
	VarFiles []string
	Version  string // of this program, for required_version in HCL
	// AllowMissing makes environment variables and files that do not exist
	// warnings; lint sets it, run does not.
	AllowMissing bool
	// Unchecked leaves the certificates and other files of connections alone, for
	// topologies that are only converted.
	Unchecked bool
	Sources   *diag.Sources                     // optional; filled with the text of every file, for diag.Render
	Env       func(name string) (string, bool)  // default os.LookupEnv
	ReadFile  func(path string) ([]byte, error) // default: os.ReadFile up to 16 MiB
}

// Load reads the files and directories at paths as one topology. A directory
// stands for its .hcl files, by name; other files must end in .hcl or
// .properties. All HCL files share clusters, variables and locals. The model
// is usable only if no diagnostic is an Error.
func Load(paths []string, opts Options) (*model.Config, diag.List) {
	l := newLoader(opts)
	if len(paths) == 0 {
		l.problems.Add(diag.Errorf(diag.CodeUnreadable, diag.Range{}, "no file is given").
			WithFix("name a .hcl or .properties file, or a directory with .hcl files"))
	}
	for _, p := range paths {
		l.path(p)
	}
	cfg := l.read()
	l.problems.Sort()
	return cfg, l.problems
}

// loader is the state of one Load.
type loader struct {
	opts       Options
	problems   diag.List
	hcl        []hclfile.File
	properties []hclfile.File
	seen       []string
}

// newLoader fills in what opts leaves out.
func newLoader(opts Options) *loader {
	l := &loader{opts: opts}
	if l.opts.Sources == nil {
		l.opts.Sources = &diag.Sources{}
	}
	if l.opts.Env == nil {
		l.opts.Env = os.LookupEnv
	}
	if l.opts.ReadFile == nil {
		l.opts.ReadFile = ReadFile
	}
	return l
}

// maxFile is what the readers accept; one byte more lets them say so.
const maxFile = hclfile.MaxBytes + 1

// ReadFile is what Load reads with: os.ReadFile for regular files of bounded size, and for pipes
// such as <(...) of a shell.
func ReadFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err //nolint:wrapcheck // a *fs.PathError names the path
	}
	defer func() { _ = f.Close() }() // only read from
	text, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return nil, err //nolint:wrapcheck // a *fs.PathError names the path
	}
	return text, nil
}

// path adds one argument.
func (l *loader) path(path string) {
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		l.directory(path)
		return
	}
	l.file(path)
}

// directory adds the .hcl files of a directory, hidden ones left out.
func (l *loader) directory(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		l.unreadable(dir, err)
		return
	}
	found := false
	for _, e := range entries { // sorted by name
		if !strings.HasPrefix(e.Name(), ".") && filepath.Ext(e.Name()) == ".hcl" {
			found = true
			l.file(filepath.Join(dir, e.Name()))
		}
	}
	if !found {
		l.problems.Add(diag.Errorf(diag.CodeUnreadable, diag.Range{File: dir}, "the directory holds no .hcl file").
			WithFix("a .properties file is given by its own path"))
	}
}

// file reads one file; naming it twice reads it once.
func (l *loader) file(path string) {
	clean := filepath.Clean(path)
	if slices.Contains(l.seen, clean) {
		return
	}
	l.seen = append(l.seen, clean)
	ext := filepath.Ext(path)
	if ext != ".hcl" && ext != ".properties" {
		if _, err := os.Stat(path); err != nil {
			l.unreadable(path, err)
			return
		}
		l.problems.Add(diag.Errorf(diag.CodeUnreadable, diag.Range{File: path}, "the kind of the file is unknown").
			WithFix("its name must end in .hcl or .properties"))
		return
	}
	text, err := l.opts.ReadFile(path)
	if err != nil {
		l.unreadable(path, err)
		return
	}
	f := hclfile.File{Name: path, Text: text}
	if ext == ".hcl" {
		l.hcl = append(l.hcl, f)
	} else {
		l.properties = append(l.properties, f)
	}
}

func (l *loader) unreadable(path string, err error) {
	l.problems.Add(diag.Errorf(diag.CodeUnreadable, diag.Range{File: path}, "cannot read: %s", reason(err)))
}

// reason is why a file cannot be read, without its path.
func reason(err error) string {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err.Error()
	}
	return err.Error()
}

// read runs the readers and merges their results.
func (l *loader) read() *model.Config {
	cfg := &model.Config{}
	if len(l.hcl) > 0 || len(l.opts.VarFiles)+len(l.opts.Vars) > 0 {
		part, problems := hclfile.Read(hclfile.Params{
			Files: l.hcl, Vars: l.opts.Vars, VarFiles: l.varFiles(), Env: l.opts.Env, ReadFile: l.opts.ReadFile,
			AllowMissing: l.opts.AllowMissing, Unchecked: l.opts.Unchecked, Sources: l.opts.Sources,
			Version: l.opts.Version, Include: l.include,
		})
		l.problems.Add(problems...)
		cfg.Deployment, cfg.Metrics, cfg.Server, cfg.Tests = part.Deployment, part.Metrics, part.Server, part.Tests
		l.merge(cfg, part)
	}
	for _, f := range l.properties {
		part, problems := l.readProperties(f)
		l.problems.Add(problems...)
		l.merge(cfg, part)
	}
	l.applyProperties(cfg)
	return cfg
}

// merge adds part to cfg and refuses names that both have.
func (l *loader) merge(cfg, part *model.Config) {
	for _, c := range part.Clusters {
		if old := cfg.Cluster(c.Alias); old != nil {
			l.duplicate(c.Range, fmt.Sprintf("cluster %q", c.Alias), old.Range)
			continue
		}
		cfg.Clusters = append(cfg.Clusters, c)
	}
	for _, f := range part.Flows {
		i := slices.IndexFunc(cfg.Flows, func(old *model.Flow) bool { return old.Name == f.Name })
		if i >= 0 {
			l.duplicate(f.Range, fmt.Sprintf("flow %q", f.Name), cfg.Flows[i].Range)
			continue
		}
		cfg.Flows = append(cfg.Flows, f)
	}
}

func (l *loader) duplicate(at diag.Range, what string, first diag.Range) {
	l.problems.Add(diag.Errorf(diag.CodeDuplicateName, at, "%s is already declared at %s", what, first))
}
