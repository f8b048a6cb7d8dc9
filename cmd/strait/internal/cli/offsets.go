package cli

import (
	"github.com/spf13/cobra"
)

func (a *app) newOffsets() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "offsets",
		Short: "Positions of flows, and offsets of consumer groups",
		Args:  knownCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.newOffsetsShow(), a.newOffsetsTranslate(), a.newOffsetsExport(), a.newOffsetsImport(), a.newOffsetsAlter(),
		a.newOffsetsReset(), a.newOffsetsSeal())
	return cmd
}
