package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/strait-mirror/strait/cmd/strait/internal/view"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/grant"
)

// aclsFlags are the flags of acls.
type aclsFlags struct {
	principal string
	flows     []string
	online    bool
	output    string
	timeout   time.Duration
}

func (a *app) newACLs() *cobra.Command {
	var f aclsFlags
	cmd := &cobra.Command{
		Use:   "acls FILE...",
		Short: "Print the least ACLs that a topology needs",
		Long: "Acls prints the least set of ACLs that each cluster has to grant, as kafka-acls.sh\n" +
			"lines with the reason for each operation. Patterns of topics become names and\n" +
			"prefixes, which is what ACLs know. The principal is who a cluster takes the\n" +
			"configured user for by Kafka's default rules, or the one that is given. Where\n" +
			"clients have users of their own, each gets what it needs.\n" +
			"With --online it prints the ones that are missing: it reads the ACLs where our\n" +
			"user may (Describe on the cluster), and looks at what that user may do with the\n" +
			"topics that are there where not. Without --flow it is for the enabled flows.",
		Example: "  strait acls topology.hcl\n  strait acls --principal User:strait mm2.properties | sh\n" +
			"  strait acls --online --output json topology.hcl",
		Args: a.needsTopology,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case f.timeout <= 0:
				return errors.New("--timeout must be positive")
			case f.output != "text" && f.output != "json":
				return fmt.Errorf("--output is %q, not text or json", f.output)
			case f.principal != "" && !strings.Contains(f.principal, ":"):
				return fmt.Errorf("--principal is %q, not like User:strait", f.principal)
			}
			return a.acls(cmd.Context(), args, f)
		},
	}
	flags := cmd.Flags()
	a.vars.register(flags)
	a.one.register(flags)
	flags.StringVar(&f.principal, "principal", "", "who is granted the permissions, as in User:strait; default: the user of each cluster")
	flags.StringArrayVar(&f.flows, "flow", nil, "for this flow only; may be given several times")
	flags.BoolVar(&f.online, "online", false, "ask the clusters, and print only what is missing")
	flags.StringVar(&f.output, "output", "text", "text or json")
	flags.DurationVar(&f.timeout, "timeout", 30*time.Second, "with --online: how long to wait for a cluster")
	a.completeFlows(cmd, "flow")
	return cmd
}

func (a *app) acls(ctx context.Context, paths []string, f aclsFlags) error {
	a.offline = !f.online && f.principal != "" // else the login says who we are
	cfg, err := a.topology(paths)
	if err != nil {
		return err
	}
	flows, err := pickFlows(cfg, f.flows)
	if err != nil {
		return err
	}
	if len(f.flows) == 0 {
		flows = append(flows, slices.DeleteFunc(slices.Clone(cfg.Flows), func(f *model.Flow) bool { return !f.HeartbeatsOnly })...)
	}
	out := view.ACLs{Missing: f.online}
	var silent bool
	out.Clusters, silent = a.needed(ctx, cfg, flows, f)
	if err := a.view.ACLs(out, f.output == "json"); err != nil {
		return failed(err)
	}
	if silent {
		return &resultError{code: exitFailed}
	}
	return nil
}

// needed returns what flows need of each cluster, or with f.online what is missing of
// that. A cluster that does not answer is shown and left out, and silent is true.
func (a *app) needed(ctx context.Context, cfg *model.Config, flows []*model.Flow, f aclsFlags) (list []view.ClusterACLs, silent bool) {
	who := func(alias string, settings *model.Cluster) string {
		return cmp.Or(f.principal, cluster.Principal(cmp.Or(settings, cfg.Cluster(alias))))
	}
	for _, on := range grant.For(flows, who) {
		c := cmp.Or(on.As, cfg.Cluster(on.Alias))
		shown := view.ClusterACLs{Alias: on.Alias, Servers: c.BootstrapServers, Principal: on.Principal, Entries: on.Entries}
		if f.online {
			var err error
			shown.Entries, err = a.missing(ctx, shown, func(ctx context.Context, wanted []grant.Grant) ([]grant.Grant, error) {
				return a.p.Missing(ctx, c, shown.Principal, wanted, slog.New(slog.DiscardHandler))
			}, f.timeout)
			if err != nil {
				a.view.Error(err)
				silent = true
				continue
			}
		}
		list = append(list, shown)
	}
	return list, silent
}

// missing returns the entries that a cluster does not grant.
func (a *app) missing(ctx context.Context, c view.ClusterACLs, ask func(context.Context, []grant.Grant) ([]grant.Grant, error), timeout time.Duration) ([]grant.Entry, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	wanted := make([]grant.Grant, len(c.Entries))
	for i, e := range c.Entries {
		wanted[i] = e.Grant
	}
	lacking, err := ask(ctx, wanted)
	if err != nil {
		return nil, err
	}
	var left []grant.Entry
	for _, e := range c.Entries {
		for _, g := range lacking {
			if g == e.Grant {
				left = append(left, e)
			}
		}
	}
	return left, nil
}
