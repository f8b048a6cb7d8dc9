package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/strait-mirror/strait/cmd/strait/internal/view"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/pipeline/offsets"
)

// setFlags are the flags of commands that set positions.
type setFlags struct {
	askFlags

	yes bool
}

const setLong = "It shows what would change, and changes it with --yes. Stop whoever mirrors the flow\n" +
	"first: it is refused while positions move or MirrorMaker 2 runs between the clusters,\n" +
	"but an idle Strait cannot be seen from outside. What is between an old position and a\n" +
	"later one is not mirrored; what is behind an earlier one is mirrored again."

func (a *app) newOffsetsAlter() *cobra.Command {
	var f setFlags
	var at []string
	cmd := &cobra.Command{
		Use:   "alter FILE...",
		Short: "Set positions of a flow",
		Long: "Alter sets the positions of partitions of a flow's source: the offset of the last\n" +
			"record that counts as mirrored, so that the next one is mirrored next, as in Kafka\n" +
			"Connect's PATCH /connectors/…/offsets (KIP-875).\n" + setLong,
		Example: "  strait offsets alter --offset orders/3=1199 topology.hcl\n" +
			"  strait offsets alter --offset orders/3=1199 --yes topology.hcl",
		Args: needsFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			to := map[cluster.TopicPartition]int64{}
			for _, text := range at {
				place, offset, err := parseOffset(text)
				if err != nil {
					return fmt.Errorf("--offset: %w", err)
				}
				to[place] = offset
			}
			if len(to) == 0 {
				return errors.New("alter needs --offset")
			}
			return a.set(cmd.Context(), args, f, func(context.Context, *offsets.Pair) (map[cluster.TopicPartition]int64, error) { return to, nil })
		},
	}
	a.registerSet(cmd, &f)
	cmd.Flags().StringArrayVar(&at, "offset", nil, "a position, as TOPIC/PARTITION=OFFSET; may be given several times")
	return cmd
}

func (a *app) newOffsetsReset() *cobra.Command {
	var f setFlags
	var topics []string
	cmd := &cobra.Command{
		Use:   "reset FILE...",
		Short: "Delete positions of a flow, which then begins anew there",
		Long: "Reset deletes the positions of a flow's topics, of those named with --topic or of\n" +
			"all, as Kafka Connect's DELETE /connectors/…/offsets does (KIP-875): the flow begins\n" +
			"there as with a partition that it never saw, by default at the first record.\n" + setLong,
		Example: "  strait offsets reset --topic orders topology.hcl\n  strait offsets reset --yes topology.hcl",
		Args:    needsFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.set(cmd.Context(), args, f, func(ctx context.Context, pair *offsets.Pair) (map[cluster.TopicPartition]int64, error) {
				return pair.None(ctx, topics)
			})
		},
	}
	a.registerSet(cmd, &f)
	cmd.Flags().StringArrayVar(&topics, "topic", nil, "a topic of the source; may be given several times; default: all")
	return cmd
}

func (a *app) newOffsetsImport() *cobra.Command {
	var f setFlags
	from := ""
	cmd := &cobra.Command{
		Use:   "import FILE...",
		Short: "Set positions of a flow from what offsets export or Kafka Connect has printed",
		Long: "Import sets the positions of a flow to those of a file: CSV as offsets export prints\n" +
			"it, or the JSON of it and of Kafka Connect's GET /connectors/…/offsets (KIP-875),\n" +
			"where an offset of null deletes a position. Partitions that are not in the file are\n" +
			"left alone.\n" + setLong,
		Example: "  strait offsets import --from positions.csv topology.hcl\n" +
			"  curl -s connect:8083/connectors/mirror-source/offsets | strait offsets import --from - --yes topology.hcl",
		Args: needsFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			if from == "" {
				return errors.New("import needs --from")
			}
			text, err := a.readSome(from)
			if err != nil {
				return failed(err)
			}
			return a.set(cmd.Context(), args, f, func(_ context.Context, pair *offsets.Pair) (map[cluster.TopicPartition]int64, error) {
				return pair.Import(text)
			})
		},
	}
	a.registerSet(cmd, &f)
	cmd.Flags().StringVar(&from, "from", "", "file with positions; - is standard input")
	return cmd
}

// readSome reads a file of bounded size.
func (a *app) readSome(path string) ([]byte, error) {
	from := a.p.Stdin
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return nil, fmt.Errorf("reading positions: %w", err)
		}
		defer file.Close()
		from = file
	}
	text, err := io.ReadAll(io.LimitReader(from, maxList+1))
	if err == nil && len(text) > maxList {
		err = fmt.Errorf("%s has more than %d bytes", path, maxList)
	}
	if err != nil {
		return nil, fmt.Errorf("reading positions: %w", err)
	}
	return text, nil
}

func (a *app) registerSet(cmd *cobra.Command, f *setFlags) {
	a.registerAsk(cmd, &f.askFlags)
	cmd.Flags().BoolVar(&f.yes, "yes", false, "change it")
}

// set plans what wanted says, shows it, and does it where --yes was given.
func (a *app) set(ctx context.Context, paths []string, f setFlags, wanted func(context.Context, *offsets.Pair) (map[cluster.TopicPartition]int64, error)) error {
	if err := f.check(); err != nil {
		return err
	}
	cfg, err := a.load(paths, a.p.Getenv)
	if err != nil {
		return err
	}
	flows, err := pickFlows(cfg, f.flows)
	if err != nil {
		return err
	}
	if len(flows) != 1 {
		return errSeveralFlows
	}
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	edits, err := a.edit(ctx, cfg, flows[0], f.yes, wanted)
	if edits != nil || err == nil {
		shown := view.Edits{Flow: flows[0].Name, Edits: edits, Written: f.yes && err == nil}
		if err := a.view.Edits(shown, f.json()); err != nil {
			return failed(err)
		}
	}
	return failed(err)
}

func (a *app) edit(ctx context.Context, cfg *model.Config, flow *model.Flow, yes bool, wanted func(context.Context, *offsets.Pair) (map[cluster.TopicPartition]int64, error)) ([]offsets.Edit, error) {
	pair, err := a.p.OpenPair(cfg, flow, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	defer pair.Close()
	to, err := wanted(ctx, pair)
	if err != nil {
		return nil, err
	}
	edits, err := pair.Plan(ctx, to)
	if err != nil {
		return nil, err
	}
	if yes {
		err = pair.Set(ctx, edits)
	}
	return edits, err
}
