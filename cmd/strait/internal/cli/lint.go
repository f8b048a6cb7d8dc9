package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/load"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/pipeline/lint"
	"github.com/strait-mirror/strait/pipeline/lint/format"
)

// lintFlags are the flags of lint.
type lintFlags struct {
	format        string
	failOn        string
	ignore        []string
	baseline      string
	online        bool
	timeout       time.Duration
	writeBaseline string
}

func (a *app) newLint() *cobra.Command {
	var f lintFlags
	cmd := &cobra.Command{
		Use:   "lint PATH...",
		Short: "Find what is wrong or risky in a topology",
		Long: "Lint reads a topology as run does (files and directories make one), without\n" +
			"needing its secrets, and says what is wrong, what probably surprises, and what to\n" +
			"do about it. A comment such as\n\n" +
			"  # strait:ignore ST402 tested by hand\n\n" +
			"on the line or above it lets a finding be. It exits with 3 when there are findings\n" +
			"from --fail-on upwards, else with 0. With --online it asks the clusters, too,\n" +
			"without changing anything.",
		Example: "  strait lint strait.hcl\n  strait lint --format=github-actions topology/\n" +
			"  strait lint --online mm2.properties\n  strait lint --write-baseline lint.json mm2.properties\n  strait lint --baseline lint.json mm2.properties",
		Args: a.needsTopology,
		RunE: func(cmd *cobra.Command, args []string) error { return a.lint(cmd.Context(), args, f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.format, "format", "text", "one of "+strings.Join(format.Names(), ", ")+"; also --output")
	flags.StringVar(&f.failOn, "fail-on", "warning", "least severity that makes the exit code 3: warning or error")
	flags.StringSliceVar(&f.ignore, "ignore", nil, "ids of rules to leave out")
	a.vars.register(flags)
	a.one.register(flags)
	flags.StringVar(&f.baseline, "baseline", "", "file with findings to let be")
	flags.StringVar(&f.writeBaseline, "write-baseline", "", "write the findings to this file and exit with 0")
	flags.BoolVar(&f.online, "online", false, "ask the clusters, too; exits with 1 when one cannot be reached")
	flags.DurationVar(&f.timeout, "timeout", 30*time.Second, "with --online: how long to wait for the clusters")
	flags.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		if name == "output" {
			name = "format"
		}
		return pflag.NormalizedName(name)
	})
	return cmd
}

func (a *app) lint(ctx context.Context, paths []string, f lintFlags) error {
	write, err := oneOf("--format", f.format, format.Writers(), format.Names())
	if err != nil {
		return err
	}
	least, err := oneOf("--fail-on", f.failOn, map[string]diag.Severity{"warning": diag.Warning, "error": diag.Error}, []string{"warning", "error"})
	if err != nil {
		return err
	}
	p := lint.Params{Paths: paths, Load: a.loadOptions(a.p.Getenv, nil), Ignore: f.ignore}
	if a.one.given() {
		p.Read = func(o load.Options) (*model.Config, diag.List) {
			return loadMirrorMaker1(a.one.options, o.Env, o.Sources)
		}
	}
	if p.Baseline, err = readBaseline(f.baseline); err != nil {
		return failed(err)
	}
	if f.online {
		limited, cancel := context.WithTimeout(ctx, f.timeout)
		defer cancel()
		p.Ask, p.Positions = askCluster(limited), askPositions(limited)
	}
	report, err := lint.Run(p)
	if err != nil {
		return fmt.Errorf("--ignore: %w", err)
	}
	if f.writeBaseline != "" {
		return failed(a.writeBaseline(f.writeBaseline, report))
	}
	var out bytes.Buffer
	if err := write(&out, report); err != nil {
		return failed(err)
	}
	a.view.Raw(out.Bytes())
	a.lintHints(report, f)
	if len(report.Unreachable) > 0 {
		return failed(errors.Join(report.Unreachable...))
	}
	for _, found := range report.Findings {
		if found.Severity <= least {
			return &resultError{code: exitFindings}
		}
	}
	return nil
}

// lintHints says what people may want to know next.
func (a *app) lintHints(report *lint.Report, f lintFlags) {
	if report.NotAsked {
		a.view.Note("the clusters were not asked: the topology has errors")
	}
	if report.Gone > 0 {
		a.view.Note("%d findings of %s are gone; --write-baseline takes them out", report.Gone, f.baseline)
	}
	if f.format == "text" && len(report.Findings) > 0 {
		a.view.Note("run %q to read about a rule", "strait explain "+report.Findings[0].Code)
	}
}

func readBaseline(path string) (lint.Baseline, error) {
	if path == "" {
		return lint.Baseline{}, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return lint.Baseline{}, fmt.Errorf("reading the baseline: %w", err)
	}
	return lint.ParseBaseline(text)
}

func (a *app) writeBaseline(path string, report *lint.Report) error {
	text, err := lint.WriteBaseline(report.Findings)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, text, 0o644); err != nil {
		return fmt.Errorf("writing the baseline: %w", err)
	}
	a.view.Note("%s: %d findings", path, len(report.Findings))
	return nil
}

// oneOf returns what a word of a flag stands for.
func oneOf[T any](flag, word string, values map[string]T, words []string) (T, error) {
	if v, ok := values[word]; ok {
		return v, nil
	}
	err := fmt.Errorf("%s is %q, not one of %s", flag, word, strings.Join(words, ", "))
	if near := field.Suggest(word, words); near != "" {
		err = fmt.Errorf("%s is %q: did you mean %q?", flag, word, near)
	}
	var none T
	return none, err
}
