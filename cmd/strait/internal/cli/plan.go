package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/pipeline/plan"
)

func (a *app) newPlan() *cobra.Command {
	var against []string
	var output string
	var detailed, online bool
	timeout := time.Minute
	cmd := &cobra.Command{
		Use:   "plan FILE...",
		Short: "Show what a change of a topology would do to a running one",
		Long: "Plan compares a topology with what it was (--against; without it, with none) and\n" +
			"shows what a running Strait would have to do, part by part: keep it, update it\n" +
			"without stopping anything or at a batch boundary, restart it, add or remove it; and\n" +
			"what is destructive, since it renames live data or reads it again. Each line names\n" +
			"the property that asks for it. It connects to nothing.\n\n" +
			"With --online it also asks the clusters what the enabled flows would create and\n" +
			"change there when they begin: topics, partitions, settings, ACLs, offsets of consumer\n" +
			"groups, and which permissions are missing for it. Brokers are asked to validate\n" +
			"changes, and nothing is written. Of groups it goes by what is stored of a flow, so\n" +
			"that of one that never ran nothing is known. It goes by the clusters as they are:\n" +
			"topics of dead letters are created by the first of them, and what one flow creates\n" +
			"another may copy. What is deleted by request (delete_topics_enabled,\n" +
			"delete_acls_enabled) is not shown.\n\n" +
			"Exit codes: 0, and with --detailed-exitcode 2 where there is something to do.",
		Example: "  git show main:topology.hcl > before.hcl\n" +
			"  strait plan --against before.hcl topology.hcl\n" +
			"  strait plan --online topology.hcl\n" +
			"  strait plan --against before.hcl --output json --detailed-exitcode topology.hcl",
		Args: needsFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			if timeout <= 0 {
				return errors.New("--timeout must be positive")
			}
			if output != "text" && output != "json" {
				return fmt.Errorf("--output is %q, not text or json", output)
			}
			a.offline = !online
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
			silent := false
			if online {
				p.Online, silent = a.foresee(cmd.Context(), after, timeout)
			}
			if err := a.view.Plan(p, output == "json"); err != nil {
				return failed(err)
			}
			switch {
			case silent:
				return &resultError{code: exitFailed}
			case detailed && (!p.Empty() || !p.Online.Empty()):
				return &resultError{code: exitChanges}
			}
			return nil
		},
	}
	a.vars.register(cmd.Flags())
	cmd.Flags().StringArrayVar(&against, "against", nil, "`file` or directory with the topology as it was; may be given several times")
	cmd.Flags().StringVar(&output, "output", "text", "text or json")
	cmd.Flags().BoolVar(&detailed, "detailed-exitcode", false, "exit with 2 where there is something to do")
	cmd.Flags().BoolVar(&online, "online", false, "ask the clusters, and show what would be created and changed there")
	cmd.Flags().DurationVar(&timeout, "timeout", timeout, "with --online: how long to wait for the clusters of a flow")
	return cmd
}

// foresee asks the clusters what the flows that would run create and change there, and
// which permissions they miss. What does not answer is shown, and silent is true.
func (a *app) foresee(ctx context.Context, cfg *model.Config, timeout time.Duration) (online *plan.Online, silent bool) {
	online = &plan.Online{}
	var flows []*model.Flow
	for _, f := range cfg.Flows {
		if !f.Enabled && !f.HeartbeatsOnly {
			continue
		}
		flows = append(flows, f)
		limited, cancel := context.WithTimeout(ctx, timeout)
		foreseen, err := a.p.Foresee(limited, cfg, f, slog.New(slog.DiscardHandler))
		cancel()
		if err != nil {
			a.view.Error(fmt.Errorf("flow %q: %w", f.Name, err))
			online.Silent, silent = append(online.Silent, f.Name), true
			continue
		}
		online.Flows = append(online.Flows, foreseen)
	}
	clusters, more := a.needed(ctx, cfg, flows, aclsFlags{online: true, timeout: timeout})
	for _, c := range clusters {
		online.Missing = append(online.Missing, c.Missing()...)
	}
	return online, silent || more
}
