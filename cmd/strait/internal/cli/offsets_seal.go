package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"github.com/strait-mirror/strait/cmd/strait/internal/view"
)

// sealFlags are the flags of offsets seal.
type sealFlags struct {
	flows   []string
	output  string
	timeout time.Duration
}

func (a *app) newOffsetsSeal() *cobra.Command {
	var f sealFlags
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
		Args:    needsFile, ValidArgsFunction: completeFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case f.timeout <= 0:
				return errors.New("--timeout must be positive")
			case f.output != "text" && f.output != "json":
				return fmt.Errorf("--output is %q, not text or json", f.output)
			}
			return a.seal(cmd.Context(), args, f)
		},
	}
	flags := cmd.Flags()
	a.vars.register(flags)
	flags.StringArrayVar(&f.flows, "flow", nil, "for this flow only; may be given several times")
	flags.StringVar(&f.output, "output", "text", "text or json")
	flags.DurationVar(&f.timeout, "timeout", time.Minute, "how long to wait for a target cluster")
	a.completeFlows(cmd, "flow")
	completeWords(cmd, "output", "text", "json")
	return cmd
}

func (a *app) seal(ctx context.Context, paths []string, f sealFlags) error {
	cfg, err := a.load(paths, a.p.Getenv)
	if err != nil {
		return err
	}
	flows, err := pickFlows(cfg, f.flows)
	if err != nil {
		return err
	}
	var out []view.Sealed
	missed := false
	for _, flow := range flows {
		limited, cancel := context.WithTimeout(ctx, f.timeout)
		n, err := a.p.Seal(limited, cfg.Cluster(flow.To), flow, slog.New(slog.DiscardHandler))
		cancel()
		if err != nil {
			a.view.Error(fmt.Errorf("flow %q: %w", flow.Name, err))
			missed = true
			continue
		}
		out = append(out, view.Sealed{Flow: flow.Name, Positions: n})
	}
	if err := a.view.Sealed(out, f.output == "json"); err != nil {
		return failed(err)
	}
	if missed {
		return &resultError{code: exitFailed}
	}
	return nil
}
