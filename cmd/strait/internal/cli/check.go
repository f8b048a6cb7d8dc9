package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/strait-mirror/strait/cmd/strait/internal/view"
	"github.com/strait-mirror/strait/pipeline/httpapi"
)

// defaultMetrics is where the checks of health ask, as the guides have it.
const defaultMetrics = "127.0.0.1:9404"

func (a *app) newCheck() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check that a running Strait is well, or that clusters can be used",
		Long: "Check answers by its exit code: 0 for good, 1 for not. As a probe of a container it\n" +
			"needs no shell and no other program in the image.",
		Example: "  strait check healthy\n  strait check ready --metrics :9404\n  strait check connect topology.hcl",
		Args:    knownCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		a.newCheckHealth("healthy", "/healthz", "Check that a running Strait answers",
			"Healthy asks a running Strait whether it answers. What its clusters do does not\n"+
				"matter: a restart would mend nothing there. It is for liveness probes."),
		a.newCheckHealth("ready", "/readyz?verbose", "Check that a running Strait has set up its flows",
			"Ready asks a running Strait whether every flow has been set up, and shows each with\n"+
				"its state. A flow that waits for a cluster counts: it goes on by itself. It is for\n"+
				"readiness and startup probes."),
		a.newCheckConnect(),
	)
	return cmd
}

// newCheckHealth makes a command that asks a running process at path.
func (a *app) newCheckHealth(name, path, short, long string) *cobra.Command {
	var address, output string
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   name,
		Short: short,
		Long: long + "\n\nThe running process needs metrics { listen }, or strait run --metrics-listen.\n" +
			"It exits with 1 where the answer is no, or there is none.",
		Example: "  strait check " + name + "\n  strait check " + name + " --metrics 127.0.0.1:9404 --timeout 2s",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkedFlags(output, timeout); err != nil {
				return err
			}
			fromEnv, _ := a.p.Getenv("STRAIT_METRICS")
			ctx, cancel := context.WithTimeout(cmd.Context(), timeout)
			defer cancel()
			text, good, err := httpapi.Probe(ctx, cmp.Or(address, fromEnv, defaultMetrics), path)
			if err != nil {
				return failed(err)
			}
			if err := a.view.Health(view.Health{Check: name, Good: good, Answer: text}, output == "json"); err != nil {
				return failed(err)
			}
			if !good {
				return &resultError{code: exitFailed}
			}
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&address, "metrics", "", "`address` of the running process's metrics, host:port (default $STRAIT_METRICS, else "+defaultMetrics+")")
	flags.DurationVar(&timeout, "timeout", 5*time.Second, "how long to wait for the answer")
	flags.StringVar(&output, "output", "text", "text or json")
	return cmd
}

// checkedFlags says what is wrong with flags that all checks have.
func checkedFlags(output string, timeout time.Duration) error {
	switch {
	case timeout <= 0:
		return errors.New("--timeout must be positive")
	case output != "text" && output != "json":
		return fmt.Errorf("--output is %q, not text or json", output)
	}
	return nil
}

func (a *app) newCheckConnect() *cobra.Command {
	var output string
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "connect FILE...",
		Short: "Go the way to every broker of a topology, step by step",
		Long: "Connect goes the way of a client to each bootstrap server of each cluster, and then\n" +
			"to each broker at the address that clients are sent to: the name's addresses, the\n" +
			"connection, TLS and until when certificates are valid, the versions of the protocol,\n" +
			"the login, and what the broker says of its cluster. Each step has its time, and the\n" +
			"one that fails what to do about it. Nothing is changed. What our user may do there\n" +
			"is a matter of strait acls --online and strait lint --online.",
		Example: "  strait check connect topology.hcl\n  strait check connect --output json mm2.properties",
		Args:    a.needsTopology,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkedFlags(output, timeout); err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), timeout)
			defer cancel()
			return a.checkConnect(ctx, args, output == "json")
		},
	}
	flags := cmd.Flags()
	a.vars.register(flags)
	a.one.register(flags)
	flags.DurationVar(&timeout, "timeout", 30*time.Second, "how long to wait for all of them")
	flags.StringVar(&output, "output", "text", "text or json")
	return cmd
}

func (a *app) checkConnect(ctx context.Context, paths []string, json bool) error {
	cfg, err := a.topology(paths)
	if err != nil {
		return err
	}
	walks := make([]view.Walk, len(cfg.Clusters))
	var group errgroup.Group
	for i, c := range cfg.Clusters {
		group.Go(func() error {
			visits, err := walkCluster(ctx, c)
			walks[i] = view.Walk{Cluster: c.Alias, Visits: visits}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return failed(err)
	}
	bad, err := a.view.Walks(walks, json)
	if err != nil {
		return failed(err)
	}
	if bad > 0 {
		return &resultError{code: exitFailed}
	}
	return nil
}
