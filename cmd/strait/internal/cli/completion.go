package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/config/schema"
	"github.com/strait-mirror/strait/pipeline/lint"
)

// completions adds what shells are offered to all commands, by what their flags
// and arguments are called: files of topologies, words, flows, clusters, rules. What
// a command has registered itself stays.
func (a *app) completions(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		a.completions(sub)
	}
	if cmd.ValidArgsFunction == nil && strings.ContainsAny(cmd.Use, " ") {
		cmd.ValidArgsFunction = filesOf(cmd)
	}
	words := map[string][]string{
		"output": {"text", "json"}, "log-format": {"text", "json"}, "log-level": {"debug", "info", "warn", "error"},
		"fail-on": {"warning", "error"}, "color": {"auto", "always", "never"},
	}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if _, registered := cmd.GetFlagCompletionFunc(f.Name); registered {
			return
		}
		switch {
		case words[f.Name] != nil:
			completeWords(cmd, f.Name, words[f.Name]...)
		case f.Name == "ignore":
			mustComplete(cmd, f.Name, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
				return ruleNames(), cobra.ShellCompDirectiveNoFileComp
			})
		case f.Name == "clusters":
			a.completeNames(cmd, f.Name, func(cfg *model.Config) (names []string) {
				for _, c := range cfg.Clusters {
					names = append(names, c.Alias)
				}
				return names
			})
		}
	})
}

// filesOf offers files that hold what a command reads.
func filesOf(cmd *cobra.Command) cobra.CompletionFunc {
	kinds := []string{"hcl", "properties"}
	switch {
	case !strings.Contains(cmd.Use, "FILE") && !strings.Contains(cmd.Use, "PATH"):
		return cobra.NoFileCompletions
	case cmd.Name() == "fmt":
		kinds = kinds[:1]
	case cmd.Name() == "convert":
		kinds = []string{"properties", "yaml", "yml", "json"}
	}
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return kinds, cobra.ShellCompDirectiveFilterFileExt
	}
}

// ruleNames are the ids of all rules with their titles.
func ruleNames() []string {
	var names []string
	for _, r := range lint.Rules() {
		names = append(names, r.ID+"\t"+r.Title)
	}
	return names
}

// attributeNames are the names of all attributes of HCL with what they mean.
func attributeNames() []string {
	var names []string
	for _, f := range schema.All() {
		doc, _, _ := strings.Cut(f.Doc, ". ")
		names = append(names, f.Name()+"\t"+doc)
	}
	return names
}

// completeWords has a flag offer its words.
func completeWords(cmd *cobra.Command, flag string, words ...string) {
	mustComplete(cmd, flag, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return words, cobra.ShellCompDirectiveNoFileComp
	})
}

// completeFlows has a flag offer the names of flows.
func (a *app) completeFlows(cmd *cobra.Command, flag string) {
	a.completeNames(cmd, flag, func(cfg *model.Config) (names []string) {
		for _, f := range cfg.Flows {
			names = append(names, f.Name+"\t"+f.From+" to "+f.To)
		}
		return names
	})
}

// completeNames has a flag offer names in the files that are on the command line
// already. A file with mistakes offers what could be read.
func (a *app) completeNames(cmd *cobra.Command, flag string, of func(*model.Config) []string) {
	mustComplete(cmd, flag, func(_ *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
		if len(args) == 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		a.offline = true
		cfg, _ := a.p.Load(args, a.p.Getenv, &diag.Sources{})
		if cfg == nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		names := slices.DeleteFunc(of(cfg), func(name string) bool { return !strings.HasPrefix(name, prefix) })
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
