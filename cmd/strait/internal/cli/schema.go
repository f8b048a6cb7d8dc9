package cli

import (
	"github.com/spf13/cobra"

	"github.com/strait-mirror/strait/config/schema"
)

func (a *app) newSchema() *cobra.Command {
	var form string
	cmd := &cobra.Command{
		Use:   "schema",
		Short: "Print the configuration language for programs",
		Long: "Schema prints a description of the configuration language as JSON: every block and\n" +
			"attribute with its type, range, default, documentation, what a change costs and the\n" +
			"MirrorMaker 2 key it stands for. It is made for editors and generators; people\n" +
			"find the same in docs/reference.\n\n" +
			"--format json-schema prints a JSON Schema (draft 7) of a topology in HCL's JSON\n" +
			"syntax, as tools write it that turn HCL into JSON.",
		Example: "  strait schema > strait.json\n" +
			"  strait schema --format json-schema > strait.schema.json",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			show, err := oneOf("--format", form, map[string]func() error{
				"strait":      func() error { return a.view.JSON(schema.HCL()) },
				"json-schema": func() error { return a.view.JSON(schema.JSONSchema()) },
			}, schemaForms())
			if err != nil {
				return err
			}
			return failed(show())
		},
	}
	cmd.Flags().StringVar(&form, "format", "strait", "strait or json-schema")
	completeWords(cmd, "format", schemaForms()...)
	return cmd
}

func schemaForms() []string { return []string{"strait", "json-schema"} }
