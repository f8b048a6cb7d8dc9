package cli

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"regexp"

	"github.com/spf13/cobra"

	"github.com/strait-mirror/strait/pipeline/stagetest"
)

// testFlags are the flags of test.
type testFlags struct {
	run, junit, output string
}

func (a *app) newTest() *cobra.Command {
	var f testFlags
	cmd := &cobra.Command{
		Use:   "test PATH...",
		Short: "Run the test blocks of a topology",
		Long: "Test sends the records of test blocks through the stages of their flows, as they\n" +
			"would go from one cluster to the other, and compares what comes out with what is\n" +
			"expected. It connects to nothing and needs no secrets. Exit code 0, or 1 where a\n" +
			"test failed.\n\n" +
			"  test \"cards are gone\" {\n    flow = \"dc1->dc2\"\n    input {\n      topic = \"orders\"\n      value = \"{\\\"id\\\":1,\\\"card\\\":\\\"4711\\\"}\"\n    }\n" +
			"    expect {\n      topic = \"dc1.orders\"\n      value = \"{\\\"id\\\":1}\"\n    }\n  }",
		Example: "  strait test strait.hcl\n  strait test --run cards --junit report.xml topology/",
		Args:    a.needsTopology,
		RunE:    func(_ *cobra.Command, args []string) error { return a.test(args, f) },
	}
	flags := cmd.Flags()
	a.vars.register(flags)
	flags.StringVar(&f.run, "run", "", "only tests whose names this regular expression matches somewhere")
	flags.StringVar(&f.junit, "junit", "", "write a JUnit report to this file")
	flags.StringVar(&f.output, "output", "text", "text or json")
	return cmd
}

func (a *app) test(paths []string, f testFlags) error {
	if f.output != "text" && f.output != "json" {
		return fmt.Errorf("--output is %q, not text or json", f.output)
	}
	match, err := regexp.Compile(f.run)
	if err != nil {
		return fmt.Errorf("--run: %w", err)
	}
	a.offline = true
	cfg, err := a.topology(paths)
	if err != nil {
		return err
	}
	results := stagetest.Run(cfg, match.MatchString)
	if f.junit != "" {
		var text bytes.Buffer
		err := stagetest.JUnit(&text, results)
		if err == nil {
			err = os.WriteFile(f.junit, text.Bytes(), 0o644)
		}
		if err != nil {
			return failed(err)
		}
	}
	if err := a.view.Tests(results, f.output == "json"); err != nil {
		return failed(err)
	}
	if len(cfg.Tests) == 0 {
		a.view.Note("there are no test blocks; %q shows one", "strait test --help")
	} else if len(results) == 0 {
		return failed(errors.New("--run: no test has such a name"))
	}
	for _, r := range results {
		if len(r.Failures) > 0 {
			return &resultError{code: exitFailed}
		}
	}
	return nil
}
