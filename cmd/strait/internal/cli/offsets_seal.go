package cli

import (
	"context"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/strait-mirror/strait/cmd/strait/internal/view"
	"github.com/strait-mirror/strait/config/model"
)

func (a *app) newOffsetsSeal() *cobra.Command {
	var f askFlags
	cmd := &cobra.Command{
		Use:   "seal FILE...",
		Short: "Write positions so that MirrorMaker 2 without exactly once can go on",
		Long: "Seal writes the committed positions of each flow once more, outside of any\n" +
			"transaction. MirrorMaker 2 without exactly.once.source.support takes the last\n" +
			"position it finds for true, also one of a transaction that was aborted. Stop Strait,\n" +
			"seal, then start MirrorMaker 2. A Strait that still runs a flow with delivery =\n" +
			"\"transactional\" is fenced: it stops there until it is alone for half a minute.\n" +
			"Without --flow it is for the enabled flows.",
		Example: "  strait offsets seal mm2.properties\n  strait offsets seal --flow 'dc1->dc2' topology.hcl",
		Args:    needsFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return err
			}
			return a.seal(cmd.Context(), args, f)
		},
	}
	a.registerAsk(cmd, &f)
	return cmd
}

func (a *app) seal(ctx context.Context, paths []string, f askFlags) error {
	var out []view.Sealed
	missed, err := a.eachFlow(ctx, paths, f, func(ctx context.Context, cfg *model.Config, flow *model.Flow) error {
		n, err := a.p.Seal(ctx, cfg.Cluster(flow.To), flow, slog.New(slog.DiscardHandler))
		if err == nil {
			out = append(out, view.Sealed{Flow: flow.Name, Positions: n})
		}
		return err
	})
	if err != nil {
		return err
	}
	return answered(missed, a.view.Sealed(out, f.json()))
}
