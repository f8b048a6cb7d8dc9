package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/strait-mirror/strait/cmd/strait/internal/draw"
	"github.com/strait-mirror/strait/pipeline/graph"
)

func (a *app) newGraph() *cobra.Command {
	var format string
	var expand bool
	cmd := &cobra.Command{
		Use:   "graph FILE...",
		Short: "Draw a topology",
		Long: "Graph draws a topology: its clusters, the flows between them, which topics each\n" +
			"copies, and whether batches pass through as they are, are transcoded or decoded,\n" +
			"and why. With --expand it draws every source, stage and sink, in its cluster.\n" +
			"DOT is for Graphviz, Mermaid for Markdown, JSON for programs.",
		Example: "  strait graph topology.hcl | dot -Tsvg > topology.svg\n" +
			"  strait graph --format mermaid mm2.properties\n  strait graph --format json --expand topology.hcl",
		Args: a.needsTopology,
		RunE: func(_ *cobra.Command, args []string) error {
			a.offline = true
			cfg, err := a.topology(args)
			if err != nil {
				return err
			}
			g := graph.New(cfg, graph.NewKey())
			switch format {
			case "dot":
				a.view.Raw(draw.DOT(g, expand))
			case "mermaid":
				a.view.Raw(draw.Mermaid(g, expand))
			case "json":
				return failed(a.view.JSON(g.Document()))
			default:
				return fmt.Errorf("--format is %q, not dot, mermaid or json", format)
			}
			return nil
		},
	}
	a.vars.register(cmd.Flags())
	a.one.register(cmd.Flags())
	cmd.Flags().StringVar(&format, "format", "dot", "dot, mermaid or json")
	cmd.Flags().BoolVar(&expand, "expand", false, "draw every source, stage and sink")
	completeWords(cmd, "format", "dot", "mermaid", "json")
	return cmd
}

// needsFile is for commands that read a topology.
func needsFile(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return errors.New(cmd.Name() + " needs at least one file")
	}
	return nil
}
