package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/strait-mirror/strait/cmd/strait/internal/view"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/cluster"
)

// translateFlags are the flags of offsets translate.
type translateFlags struct {
	askFlags

	group string
	at    string
	back  bool
	yes   bool
}

func (a *app) newOffsetsTranslate() *cobra.Command {
	var f translateFlags
	cmd := &cobra.Command{
		Use:   "translate FILE...",
		Short: "Say where a consumer group goes on at the other cluster, and take it there",
		Long: "Translate says what offsets of the source are at the target of a flow: those that a\n" +
			"consumer group has committed in mirrored topics (--group), or one (--offset\n" +
			"TOPIC/PARTITION=OFFSET). With --back it goes the other way, for consumers that\n" +
			"return: from the copies on the target to the topics on the source. An offset is\n" +
			"exact where nothing is read twice; else it is a little earlier, never later.\n" +
			"Nothing is written unless --yes is given: then the group gets the offsets at the\n" +
			"other cluster, where nobody may be in it, also backwards. What a running flow\n" +
			"mirrored in the last seconds may not be known yet.",
		Example: "  strait offsets translate --group billing topology.hcl\n" +
			"  strait offsets translate --group billing --back --yes topology.hcl\n" +
			"  strait offsets translate --flow 'dc1->dc2' --offset orders/3=1200 topology.hcl",
		Args: needsFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return err
			}
			return a.translate(cmd.Context(), args, f)
		},
	}
	a.registerAsk(cmd, &f.askFlags)
	flags := cmd.Flags()
	flags.StringVar(&f.group, "group", "", "the consumer group, by its name on the source")
	flags.StringVar(&f.at, "offset", "", "in place of a group: one offset, as TOPIC/PARTITION=OFFSET")
	flags.BoolVar(&f.back, "back", false, "from the target to the source")
	flags.BoolVar(&f.yes, "yes", false, "set the group's offsets at the other cluster")
	return cmd
}

func (f *translateFlags) check() error {
	switch {
	case (f.group == "") == (f.at == ""):
		return errors.New("translate needs either --group or --offset")
	case f.yes && f.group == "":
		return errors.New("--yes is for a group")
	}
	if f.at != "" {
		if _, _, err := parseOffset(f.at); err != nil {
			return fmt.Errorf("--offset: %w", err)
		}
	}
	return f.askFlags.check()
}

// parseOffset reads TOPIC/PARTITION=OFFSET.
func parseOffset(text string) (at cluster.TopicPartition, offset int64, err error) {
	place, number, ok := strings.Cut(text, "=")
	topic, part, split := strings.Cut(place, "/")
	if !ok || !split || topic == "" {
		return at, 0, fmt.Errorf("%q is not like orders/3=1200", text)
	}
	partition, err := strconv.ParseInt(part, 10, 32)
	if err != nil || partition < 0 {
		return at, 0, fmt.Errorf("%q of %q is not the number of a partition", part, text)
	}
	offset, err = strconv.ParseInt(number, 10, 64)
	if err != nil || offset < 0 {
		return at, 0, fmt.Errorf("%q of %q is not an offset", number, text)
	}
	return cluster.TopicPartition{Topic: topic, Partition: int32(partition)}, offset, nil
}

func (a *app) translate(ctx context.Context, paths []string, f translateFlags) error {
	out := view.Translation{Group: f.group}
	missed, err := a.eachFlow(ctx, paths, f.askFlags, func(ctx context.Context, cfg *model.Config, flow *model.Flow) error {
		shown := view.FlowTranslation{Flow: flow, From: flow.From, To: flow.To}
		if f.back {
			shown.From, shown.To = flow.To, flow.From
		}
		pair, err := a.p.OpenPair(cfg, flow, slog.New(slog.DiscardHandler))
		if err != nil {
			return err
		}
		defer pair.Close()
		if f.group == "" {
			at, offset, _ := parseOffset(f.at)
			one, err := pair.Offset(ctx, at, offset, f.back)
			if err != nil {
				return err
			}
			shown.Offsets = append(shown.Offsets, one)
		} else {
			if shown.Offsets, err = pair.Group(ctx, f.group, f.back); err != nil {
				return err
			}
			if _, shown.Group, err = pair.Called(f.group, f.back); err != nil {
				return err
			}
			if f.yes {
				shown.Moved, err = pair.Move(ctx, f.group, shown.Offsets, f.back)
			}
		}
		out.Flows = append(out.Flows, shown)
		return err
	})
	if err != nil {
		return err
	}
	return answered(missed, a.view.Translation(out, f.yes, f.json()))
}
