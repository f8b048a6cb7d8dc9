package cli

import (
	"context"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/strait-mirror/strait/cmd/strait/internal/view"
	"github.com/strait-mirror/strait/config/model"
)

func (a *app) newGroups() *cobra.Command {
	var f askFlags
	cmd := &cobra.Command{
		Use:   "groups FILE...",
		Short: "Show what becomes of consumer groups at the target, and why",
		Long: "Groups lists all groups of the source of each flow, of every type, and says which\n" +
			"are taken along: in how many partitions of mirrored topics they have an offset, in\n" +
			"how many of those it is known what that offset is at the target, how many of those\n" +
			"are exact, and in how many the group is not as far at the target yet. Those that\n" +
			"are left alone have the reason beside them. It writes nothing, and what it knows of\n" +
			"a running flow is some seconds old. Without --flow it is for the enabled flows.",
		Example: "  strait groups mm2.properties\n  strait groups --flow 'dc1->dc2' --output json topology.hcl",
		Args:    needsFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return err
			}
			return a.groups(cmd.Context(), args, f)
		},
	}
	a.registerAsk(cmd, &f)
	return cmd
}

func (a *app) groups(ctx context.Context, paths []string, f askFlags) error {
	var out view.Groups
	missed, err := a.eachFlow(ctx, paths, f, func(ctx context.Context, cfg *model.Config, flow *model.Flow) error {
		pair, err := a.p.OpenPair(cfg, flow, slog.New(slog.DiscardHandler))
		if err != nil {
			return err
		}
		defer pair.Close()
		seen, err := pair.Groups(ctx)
		if err == nil {
			out.Flows = append(out.Flows, view.FlowGroups{Flow: flow, Groups: seen})
		}
		return err
	})
	if err != nil {
		return err
	}
	return answered(missed, a.view.Groups(out, f.json()))
}
