package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/strait-mirror/strait/cmd/strait/internal/view"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/pipeline/offsets"
)

func (a *app) newOffsetsShow() *cobra.Command {
	var f askFlags
	cmd := &cobra.Command{
		Use:   "show FILE...",
		Short: "Show how far flows have mirrored each partition",
		Long: "Show lists the positions of each flow as they are stored on the target: the offset\n" +
			"of the last mirrored record of each partition of the source, where its copy ends,\n" +
			"and how many offsets of the source are left. A running flow stores its positions\n" +
			"every few seconds. Without --flow it is for the enabled flows.",
		Example: "  strait offsets show mm2.properties\n  strait offsets show --flow 'dc1->dc2' --output json topology.hcl",
		Args:    needsFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return err
			}
			out, missed, err := a.positions(cmd.Context(), args, f)
			if err != nil {
				return err
			}
			return answered(missed, a.view.Positions(out, f.json()))
		},
	}
	a.registerAsk(cmd, &f)
	return cmd
}

// positions asks for those of flows.
func (a *app) positions(ctx context.Context, paths []string, f askFlags) (out view.Positions, missed bool, err error) {
	missed, err = a.eachFlow(ctx, paths, f, func(ctx context.Context, cfg *model.Config, flow *model.Flow) error {
		pair, err := a.p.OpenPair(cfg, flow, slog.New(slog.DiscardHandler))
		if err != nil {
			return err
		}
		defer pair.Close()
		list, err := pair.Positions(ctx)
		if err == nil {
			out.Flows = append(out.Flows, view.FlowPositions{Flow: flow, Positions: list})
		}
		return err
	})
	return out, missed, err
}

func (a *app) newOffsetsExport() *cobra.Command {
	var f askFlags
	format := "csv"
	cmd := &cobra.Command{
		Use:   "export FILE...",
		Short: "Print the positions of one flow, for offsets import or Kafka Connect",
		Long: "Export prints the positions of one flow: the offset of the last mirrored record of\n" +
			"each partition, as CSV or as the JSON of Kafka Connect's /connectors/…/offsets\n" +
			"(KIP-875). offsets import reads both.",
		Example: "  strait offsets export mm2.properties > positions.csv\n" +
			"  strait offsets export --flow 'dc1->dc2' --format json topology.hcl",
		Args: needsFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			if format != "csv" && format != "json" {
				return fmt.Errorf("--format is %q, not csv or json", format)
			}
			if err := f.check(); err != nil {
				return err
			}
			out, missed, err := a.positions(cmd.Context(), args, f)
			switch {
			case err != nil:
				return err
			case missed:
				return answered(true, nil)
			case len(out.Flows) != 1:
				return errSeveralFlows
			}
			text, err := offsets.Export(out.Flows[0].Flow.From, out.Flows[0].Positions, format)
			if err != nil {
				return failed(err)
			}
			a.view.Raw(text)
			return nil
		},
	}
	a.registerAsk(cmd, &f)
	cmd.Flags().StringVar(&format, "format", "csv", "csv or json")
	completeWords(cmd, "format", "csv", "json")
	if err := cmd.Flags().MarkHidden("output"); err != nil {
		panic(err) // it has just been added
	}
	return cmd
}

// errSeveralFlows is the error of commands that are about one flow.
var errSeveralFlows = errors.New("this is about one flow: name it with --flow")
