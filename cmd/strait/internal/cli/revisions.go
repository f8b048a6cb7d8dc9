package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/strait-mirror/strait/pipeline/httpapi"
)

func (a *app) newRevisions() *cobra.Command {
	var f remoteFlags
	cmd := &cobra.Command{
		Use:   "revisions",
		Short: "Show the last edits of a running Strait's topology, and what became of them",
		Long: "Revisions asks a running Strait for the last topologies that it read, oldest first:\n" +
			"when and why they were read, what they change compared to what ran, whether they run\n" +
			"since or were refused, and why. Those of this process are kept, up to 50.\n\n" + remoteLong,
		Example: "  strait revisions\n  strait revisions --output json --server 127.0.0.1:8844",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.ask(cmd.Context(), &f, func(ctx context.Context, c *httpapi.Client) error {
				list, err := c.Revisions(ctx)
				if err != nil {
					return err
				}
				return a.view.Revisions(list, f.output == "json")
			})
		},
	}
	f.register(cmd)
	return cmd
}
