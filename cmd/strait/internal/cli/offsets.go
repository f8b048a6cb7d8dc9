package cli

import (
	"github.com/spf13/cobra"
)

func (a *app) newOffsets() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "offsets",
		Short: "Positions of flows",
		Args:  knownCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.newOffsetsSeal())
	return cmd
}
