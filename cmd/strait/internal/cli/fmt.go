package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/strait-mirror/strait/cmd/strait/internal/view"
	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/hclfile"
	"github.com/strait-mirror/strait/config/load"
)

// fmtFlags are the flags of fmt.
type fmtFlags struct {
	write     bool
	check     bool
	diff      bool
	recursive bool
	output    string
}

func (a *app) newFmt() *cobra.Command {
	var f fmtFlags
	cmd := &cobra.Command{
		Use:   "fmt PATH...",
		Short: "Write HCL files in their canonical form",
		Long: "Fmt brings HCL files into their canonical form: indentation, aligned \"=\", one\n" +
			"newline at the end. Comments and blank lines stay. Without a flag the text of one\n" +
			"file, or of the standard input for -, is written to the standard output.\n" +
			"A directory stands for its .hcl files. With --check it exits with 3 when a file is\n" +
			"not in that form. A file with a syntax error is left alone: exit code 78.",
		Example: "  strait fmt -w topology.hcl\n  strait fmt --check --diff -r .\n  strait fmt - < topology.hcl",
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return errors.New("fmt needs at least one file or directory, or - for the standard input")
			case f.output != "text" && f.output != "json":
				return fmt.Errorf("--output is %q, not text or json", f.output)
			case f.write && f.check:
				return errors.New("-w and --check exclude each other")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return a.fmt(cmd.InOrStdin(), args, f) },
	}
	flags := cmd.Flags()
	flags.BoolVarP(&f.write, "write", "w", false, "rewrite the files that are not in the canonical form, and name them")
	flags.BoolVar(&f.check, "check", false, "name the files that are not in the canonical form, and exit with 3 if there are any")
	flags.BoolVar(&f.diff, "diff", false, "show what would change, without secrets")
	flags.BoolVarP(&f.recursive, "recursive", "r", false, "also take the directories below")
	flags.StringVar(&f.output, "output", "text", "text or json")
	return cmd
}

func (a *app) fmt(stdin io.Reader, paths []string, f fmtFlags) error {
	src := &diag.Sources{}
	files, problems, err := a.findFiles(stdin, paths, f, src)
	if err != nil {
		return err
	}
	formatted := make([][]byte, len(files))
	for i, file := range files {
		out, bad := hclfile.Format(file, src)
		problems.Add(bad...)
		if formatted[i] = out; bad.HasErrors() {
			formatted[i] = file.Text
		}
	}
	problems.Sort()
	a.view.Diagnostics(problems, src)
	if !f.write && !f.check && !f.diff && f.output == "text" {
		if problems.HasErrors() {
			return &resultError{code: exitConfig}
		}
		a.view.Raw(formatted[0])
		return nil
	}
	return a.fmtReport(files, formatted, problems, f)
}

// findFiles returns the files to format.
func (a *app) findFiles(stdin io.Reader, paths []string, f fmtFlags, src *diag.Sources) ([]hclfile.File, diag.List, error) {
	plain := !f.write && !f.check && !f.diff && f.output == "text"
	if len(paths) == 1 && paths[0] == "-" {
		if f.write {
			return nil, nil, errors.New("-w needs a file to write to, not the standard input")
		}
		text, err := io.ReadAll(io.LimitReader(stdin, hclfile.MaxBytes+1))
		if err != nil {
			return nil, nil, failed(fmt.Errorf("reading the standard input: %w", err))
		}
		return []hclfile.File{{Name: "<stdin>", Text: text}}, nil, nil
	}
	files, problems := load.Find(paths, f.recursive, load.Options{Env: a.p.Getenv, Sources: src})
	if plain && len(files) != 1 && !problems.HasErrors() {
		return nil, nil, fmt.Errorf("%d files are named: use -w to rewrite them, or --check or --diff to look at them", len(files))
	}
	if len(files) == 0 && problems.HasErrors() {
		a.view.Diagnostics(problems, src)
		return nil, nil, &resultError{code: exitConfig}
	}
	return files, problems, nil
}

// fmtReport names, shows or rewrites the files that change.
func (a *app) fmtReport(files []hclfile.File, formatted [][]byte, problems diag.List, f fmtFlags) error {
	report := view.Formatted{Files: []view.FormattedFile{}, Diff: f.diff}
	after := make([]hclfile.File, len(files))
	for i, file := range files {
		after[i] = hclfile.File{Name: file.Name, Text: formatted[i]}
	}
	var old, now [][]byte
	if f.diff {
		old, now = hclfile.Mask(files), hclfile.Mask(after)
	}
	changes := false
	for i, file := range files {
		shown := view.FormattedFile{Path: file.Name, Changed: !bytes.Equal(file.Text, formatted[i])}
		changes = changes || shown.Changed
		if f.diff && shown.Changed {
			shown.Before, shown.After = old[i], now[i]
		}
		if f.write && shown.Changed {
			if err := replaceFile(file.Name, formatted[i]); err != nil {
				return failed(err)
			}
		}
		report.Files = append(report.Files, shown)
	}
	if err := a.view.Formatted(report, f.output == "json"); err != nil {
		return failed(err)
	}
	switch {
	case problems.HasErrors():
		return &resultError{code: exitConfig}
	case f.check && changes:
		return &resultError{code: exitFindings}
	}
	return nil
}

// replaceFile writes text to the file that path leads to, whole or not at all.
func replaceFile(path string, text []byte) (err error) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return fmt.Errorf("rewriting %s: %w", path, err)
	}
	info, err := os.Stat(real)
	if err != nil {
		return fmt.Errorf("rewriting %s: %w", path, err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(real), ".strait-fmt-*")
	if err != nil {
		return fmt.Errorf("rewriting %s: %w", path, err)
	}
	_, err = tmp.Write(text)
	err = errors.Join(err, tmp.Chmod(info.Mode().Perm()), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), real)
	}
	if err != nil {
		_ = os.Remove(tmp.Name()) // what is left of a failed attempt
		return fmt.Errorf("rewriting %s: %w", path, err)
	}
	return nil
}
