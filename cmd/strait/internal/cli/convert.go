package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/strait-mirror/strait/cmd/strait/internal/view"
	"github.com/strait-mirror/strait/config/convert"
)

// convertFlags are the flags of convert.
type convertFlags struct {
	from   string
	to     string
	report string
	format string
	bypass bool
	force  bool
}

func (a *app) newConvert() *cobra.Command {
	var f convertFlags
	cmd := &cobra.Command{
		Use:   "convert FILE...",
		Short: "Turn MirrorMaker 2's configuration into HCL",
		Long: "Convert turns a properties file of MirrorMaker 2, KafkaMirrorMaker2 resources of\n" +
			"Strimzi or MirrorMaker 2's connectors on Kafka Connect into HCL, and reports what\n" +
			"became of every key. What HCL does anyway is left out. Secrets are neither read\n" +
			"nor written: the HCL takes them from where they are, or from environment\n" +
			"variables that the report lists. The result is read again and compared.\n\n" +
			"Nothing is written while a key needs a decision of yours, unless\n" +
			"--bypass-errors says to leave a comment in its place.",
		Example: "  strait convert mm2.properties -o strait.hcl\n" +
			"  strait convert -f strimzi mirror.yaml -o topology/ -r report.txt\n" +
			"  strait convert -f connect source.json checkpoint.json heartbeat.json",
		Args: needsFile,
		RunE: func(_ *cobra.Command, args []string) error {
			if f.format != "text" && f.format != "json" {
				return fmt.Errorf("--output is %q, not text or json", f.format)
			}
			return a.convert(args, f)
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&f.from, "from", "f", "auto", "auto, mm2, strimzi or connect")
	flags.StringVarP(&f.to, "to", "o", "", "the .hcl file to write, or a directory for strait.hcl; default: the standard output")
	flags.StringVarP(&f.report, "report", "r", "", "file for the report on every key")
	flags.StringVar(&f.format, "output", "text", "form of the report: text or json")
	flags.BoolVar(&f.bypass, "bypass-errors", false, "write the HCL although keys need a decision, and exit with 0")
	flags.BoolVar(&f.force, "force", false, "replace a file that is there")
	return cmd
}

func (a *app) convert(paths []string, f convertFlags) error {
	to := f.to
	if to != "" && filepath.Ext(to) != ".hcl" {
		to = filepath.Join(to, "strait.hcl")
	}
	p := convert.Params{Format: convert.Format(f.from), Dir: filepath.Dir(to), Env: a.p.Getenv, ReadFile: os.ReadFile}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return failed(fmt.Errorf("reading what to convert: %w", err))
		}
		p.Files = append(p.Files, convert.File{Name: path, Text: text})
	}
	if f.from == "auto" {
		p.Format = convert.Detect(p.Files[0])
	}
	if err := convert.Check(p); err != nil {
		return err
	}
	result := convert.Convert(p)
	write := len(result.HCL) > 0 && (f.bypass || result.Report.Complete())
	if write && to != "" {
		if err := writeNew(to, result.HCL, f.force); err != nil {
			return failed(err)
		}
	}
	if err := a.showConversion(result, f, to, write); err != nil {
		return failed(err)
	}
	if !write {
		if len(result.HCL) > 0 {
			a.view.Hint("decide on the keys that need you and convert again, or write the rest with --bypass-errors")
		}
		return &resultError{code: exitFailed}
	}
	return nil
}

// showConversion writes the report where it is wanted, and the HCL unless it
// has gone to a file.
func (a *app) showConversion(result convert.Result, f convertFlags, to string, write bool) error {
	text := view.ConversionText(result.Report)
	if f.format == "json" {
		shown := to
		if !write {
			shown, result.HCL = "", nil
		}
		var err error
		if text, err = view.ConversionJSON(result, shown); err != nil {
			return fmt.Errorf("writing the report: %w", err)
		}
	}
	if f.report != "" {
		if err := os.WriteFile(f.report, text, 0o600); err != nil {
			return fmt.Errorf("writing the report: %w", err)
		}
	}
	switch {
	case f.format == "json" && f.report == "":
		a.view.Raw(text)
		return nil
	case write && to == "":
		a.view.Raw(result.HCL)
	}
	a.view.Conversion(result.Report)
	return nil
}

// writeNew writes a file and does not replace another one unless told to.
func writeNew(path string, text []byte, force bool) error {
	old, err := os.ReadFile(path)
	switch {
	case err == nil && !force && !bytes.Equal(old, text):
		return fmt.Errorf("%s is there already: --force replaces it", path)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("writing the HCL: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { // topologies are not secret
		return fmt.Errorf("writing the HCL: %w", err)
	}
	if err := os.WriteFile(path, text, 0o644); err != nil {
		return fmt.Errorf("writing the HCL: %w", err)
	}
	return nil
}
