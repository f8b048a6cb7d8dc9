package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/pipeline/plan"
)

func (a *app) newPlan() *cobra.Command {
	var against []string
	var output string
	var detailed bool
	cmd := &cobra.Command{
		Use:   "plan FILE...",
		Short: "Show what a change of a topology would do to a running one",
		Long: "Plan compares a topology with what it was (--against; without it, with none) and\n" +
			"shows what a running Strait would have to do, part by part: keep it, update it\n" +
			"without stopping anything or at a batch boundary, restart it, add or remove it; and\n" +
			"what is destructive, since it renames live data or reads it again. Each line names\n" +
			"the property that asks for it. It connects to nothing.\n\n" +
			"Exit codes: 0, and with --detailed-exitcode 2 where there is something to do.",
		Example: "  git show main:topology.hcl > before.hcl\n" +
			"  strait plan --against before.hcl topology.hcl\n" +
			"  strait plan --against before.hcl --output json --detailed-exitcode topology.hcl",
		Args: needsFile,
		RunE: func(_ *cobra.Command, args []string) error {
			if output != "text" && output != "json" {
				return fmt.Errorf("--output is %q, not text or json", output)
			}
			a.offline = true
			before := &model.Config{}
			if len(against) > 0 {
				cfg, err := a.load(against, a.p.Getenv)
				if err != nil {
					return err
				}
				before = cfg
			}
			after, err := a.load(args, a.p.Getenv)
			if err != nil {
				return err
			}
			p := plan.New(before, after)
			if err := a.view.Plan(p, output == "json"); err != nil {
				return failed(err)
			}
			if detailed && !p.Empty() {
				return &resultError{code: exitChanges}
			}
			return nil
		},
	}
	a.vars.register(cmd.Flags())
	cmd.Flags().StringArrayVar(&against, "against", nil, "`file` or directory with the topology as it was; may be given several times")
	cmd.Flags().StringVar(&output, "output", "text", "text or json")
	cmd.Flags().BoolVar(&detailed, "detailed-exitcode", false, "exit with 2 where there is something to do")
	return cmd
}
