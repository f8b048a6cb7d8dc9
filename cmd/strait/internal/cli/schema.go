package cli

import (
	"github.com/spf13/cobra"

	"github.com/strait-mirror/strait/config/schema"
)

func (a *app) newSchema() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the configuration language for programs",
		Long: "Schema prints a description of the configuration language as JSON: every block and\n" +
			"attribute with its type, range, default, documentation, what a change costs and the\n" +
			"MirrorMaker 2 key it stands for. It is made for editors and generators; people\n" +
			"find the same in docs/reference.",
		Example: "  strait schema > strait.schema.json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return failed(a.view.JSON(schema.HCL()))
		},
	}
}
