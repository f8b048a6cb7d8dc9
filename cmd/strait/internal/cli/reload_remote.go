package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/strait-mirror/strait/pipeline/httpapi"
)

func (a *app) newReload() *cobra.Command {
	var f remoteFlags
	cmd := &cobra.Command{
		Use:   "reload",
		Short: "Have a running Strait read its topology again, and say what became of it",
		Long: "Reload has a running Strait read its files again and apply what changed, as it does\n" +
			"by itself when they change, and waits for the outcome.\n\n" + remoteLong + "\n\n" +
			"Exit code 0 says that the files run now, or change nothing that does; 3 that the\n" +
			"edit was refused, and why: everything runs on as it was.",
		Example: "  strait reload\n  strait reload --server 127.0.0.1:8844 --output json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			refused := false
			err := a.ask(cmd.Context(), &f, func(ctx context.Context, c *httpapi.Client) error {
				r, err := c.Reload(ctx)
				if err != nil {
					return err
				}
				refused = !r.Reload.Successful
				return a.view.Reloaded(r, f.output == "json")
			})
			if err == nil && refused {
				return &resultError{code: exitFindings}
			}
			return err
		},
	}
	f.register(cmd)
	return cmd
}
