package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/strait-mirror/strait/cmd/strait/internal/view"
	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/load"
)

func (a *app) newValidate() *cobra.Command {
	var syntaxOnly bool
	var output string
	cmd := &cobra.Command{
		Use:   "validate PATH...",
		Short: "Check that a topology would start",
		Long: "Validate reads a topology as run does, environment and secrets included, and says\n" +
			"what would keep it from starting; it connects to nothing. Exit code 0 or 78, so it\n" +
			"fits in front of a start or a reload. Lint also says what is risky.",
		Example: "  strait validate topology.hcl\n  strait validate --syntax-only topology/",
		Args: func(cmd *cobra.Command, args []string) error {
			if err := a.needsTopology(cmd, args); err != nil {
				return err
			}
			if a.one.given() && syntaxOnly {
				return errors.New("--syntax-only is for topologies")
			}
			if output != "text" && output != "json" {
				return fmt.Errorf("--output is %q, not text or json", output)
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			return a.validate(args, syntaxOnly, output == "json")
		},
	}
	a.vars.register(cmd.Flags())
	a.one.register(cmd.Flags())
	cmd.Flags().BoolVar(&syntaxOnly, "syntax-only", false, "only check that the files can be parsed")
	cmd.Flags().StringVar(&output, "output", "text", "text or json")
	return cmd
}

func (a *app) validate(paths []string, syntaxOnly, asJSON bool) error {
	src := &diag.Sources{}
	var report view.Validation
	var problems diag.List
	if syntaxOnly {
		report.Files, problems = load.Syntax(paths, load.Options{Env: a.p.Getenv, Sources: src})
	} else {
		cfg, found := a.readTopology(paths, src)
		problems = found
		if cfg != nil {
			report.Clusters, report.Flows = len(cfg.Clusters), len(cfg.Flows)
		}
	}
	for _, d := range problems {
		if d.Severity == diag.Error {
			report.Problems.Add(d)
		}
	}
	report.SyntaxOnly = syntaxOnly
	if err := a.view.Validation(report, src, asJSON); err != nil {
		return failed(err)
	}
	if len(report.Problems) > 0 {
		return &resultError{code: exitConfig}
	}
	return nil
}
