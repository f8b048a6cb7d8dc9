package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/strait-mirror/strait/config/model"
)

// askFlags are the flags of commands that ask the clusters of flows.
type askFlags struct {
	flows   []string
	output  string
	timeout time.Duration
}

// registerAsk adds the flags, and those of variables.
func (a *app) registerAsk(cmd *cobra.Command, f *askFlags) {
	flags := cmd.Flags()
	a.vars.register(flags)
	flags.StringArrayVar(&f.flows, "flow", nil, "for this flow only; may be given several times")
	flags.StringVar(&f.output, "output", "text", "text or json")
	flags.DurationVar(&f.timeout, "timeout", time.Minute, "how long to wait for the clusters of a flow")
	a.completeFlows(cmd, "flow")
}

// check reports what is wrong with how a command was called.
func (f *askFlags) check() error {
	switch {
	case f.timeout <= 0:
		return errors.New("--timeout must be positive")
	case f.output != "text" && f.output != "json":
		return fmt.Errorf("--output is %q, not text or json", f.output)
	}
	return nil
}

func (f *askFlags) json() bool { return f.output == "json" }

// eachFlow reads a topology and calls do for each of its flows that is asked for, each
// with the time that it may take. What fails for one is shown, and missed.
func (a *app) eachFlow(ctx context.Context, paths []string, f askFlags, do func(context.Context, *model.Config, *model.Flow) error) (missed bool, err error) {
	cfg, err := a.load(paths, a.p.Getenv)
	if err != nil {
		return false, err
	}
	flows, err := pickFlows(cfg, f.flows)
	if err != nil {
		return false, err
	}
	for _, flow := range flows {
		limited, cancel := context.WithTimeout(ctx, f.timeout)
		err := do(limited, cfg, flow)
		cancel()
		if err != nil {
			a.view.Error(fmt.Errorf("flow %q: %w", flow.Name, err))
			missed = true
		}
	}
	return missed, nil
}

// answered returns the error of a command that has shown all it knows.
func answered(missed bool, err error) error {
	switch {
	case err != nil:
		return failed(err)
	case missed:
		return &resultError{code: exitFailed}
	}
	return nil
}
