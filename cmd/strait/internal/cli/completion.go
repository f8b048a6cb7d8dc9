package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/strait-mirror/strait/config/diag"
)

// completeFiles offers files that hold topologies.
func completeFiles(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return []string{"hcl", "properties"}, cobra.ShellCompDirectiveFilterFileExt
}

// completeWords has a flag offer its words.
func completeWords(cmd *cobra.Command, flag string, words ...string) {
	mustComplete(cmd, flag, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return words, cobra.ShellCompDirectiveNoFileComp
	})
}

// completeFlows has a flag offer the names of flows in the files that are on the
// command line already. A file with mistakes offers what could be read.
func (a *app) completeFlows(cmd *cobra.Command, flag string) {
	mustComplete(cmd, flag, func(_ *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
		var names []string
		if len(args) > 0 {
			cfg, _ := a.p.Load(args, a.p.Getenv, &diag.Sources{})
			if cfg == nil {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			for _, f := range cfg.Flows {
				if strings.HasPrefix(f.Name, prefix) {
					names = append(names, f.Name+"\t"+f.From+" to "+f.To)
				}
			}
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	})
}

// mustComplete registers a completion; only a flag that is not there, a
// programmer's mistake, is refused.
func mustComplete(cmd *cobra.Command, flag string, complete cobra.CompletionFunc) {
	if err := cmd.RegisterFlagCompletionFunc(flag, complete); err != nil {
		panic("cli: completing --" + flag + ": " + err.Error())
	}
}
