// Package cli owns the words of the program: commands, flags, exit codes and
// signals. It turns flags into values, calls the rooms below and hands what
// they answer to package view, which alone prints.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/strait-mirror/strait/cmd/strait/internal/engine"
	"github.com/strait-mirror/strait/cmd/strait/internal/view"
)

// Exit codes of every command.
const (
	exitOK       = 0
	exitFailed   = 1
	exitChanges  = 2 // of plan --detailed-exitcode
	exitFindings = 3
	exitUsage    = 64 // EX_USAGE
	exitConfig   = 78 // EX_CONFIG
)

// Params is what the process hands to Main.
type Params struct {
	Stdout, Stderr io.Writer        // required
	Signals        <-chan os.Signal // interrupts and requests to end; nil: none come
	// Hangups begins to take the signal to read the topology again; until then it
	// ends the process as ever. nil: there is none.
	Hangups func() (hangups <-chan os.Signal, stop func())

	// Test seams; zero means the real one.
	Load   engine.Loader
	Make   engine.Maker
	Stdin  io.Reader
	Getenv func(string) (string, bool)

	ListTopics engine.TopicLister
	Missing    engine.GrantChecker
	Seal       engine.Sealer
	OpenPair   engine.PairOpener
	Foresee    engine.Foreseer
	Exit       func(code int) // ends the process at once
}

// app is what every command shares.
type app struct {
	p    Params
	view *view.View
	vars vars     // of the command that runs
	one  oneFlags // of the command that runs

	record *recorder // of what a topology is read from; nil: nobody asks

	// offline is set by commands that connect to nothing: environment variables and
	// files that are missing on this machine are no errors then.
	offline bool
}

// Main runs the command that args name and returns the exit code.
func Main(ctx context.Context, args []string, p Params) int {
	p = withDefaults(p)
	a := &app{p: p, view: view.New(viewParams(p))}
	if p.Load == nil {
		a.p.Load = a.loadTopology
	}
	ctx, stop := a.watchSignals(ctx)
	defer stop()

	root := a.newRoot()
	root.SetArgs(legacyArgs(args))
	root.SetOut(p.Stdout)
	root.SetErr(p.Stderr)
	cmd, err := root.ExecuteContextC(ctx)
	return a.exitCode(cmd, err)
}

func withDefaults(p Params) Params {
	if p.Make == nil {
		p.Make = makeEngine
	}
	if p.ListTopics == nil {
		p.ListTopics = listTopics
	}
	if p.Missing == nil {
		p.Missing = missingGrants
	}
	if p.Seal == nil {
		p.Seal = seal
	}
	if p.Foresee == nil {
		p.Foresee = foresee
	}
	if p.OpenPair == nil {
		p.OpenPair = openPair
	}
	if p.Stdin == nil {
		p.Stdin = os.Stdin
	}
	if p.Getenv == nil {
		p.Getenv = os.LookupEnv
	}
	if p.Exit == nil {
		p.Exit = os.Exit
	}
	return p
}

func (a *app) newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "strait",
		Short: "Mirrors Apache Kafka topics between clusters",
		Long: "Strait mirrors Apache Kafka topics between clusters, byte for byte.\n" +
			"One file describes the topology: HCL, or an unchanged mm2.properties.",
		Example:       "  strait demo\n  strait run mm2.properties\n  strait run --once topology.hcl\n  strait mm2.properties --clusters B",
		Args:          knownCommand,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cmd.Help()
		},
	}
	root.SetFlagErrorFunc(suggestFlag)
	root.AddCommand(a.newRun(), a.newLint(), a.newRules(), a.newExplain(), a.newFmt(), a.newValidate(), a.newTest(), a.newConfig(),
		a.newGraph(), a.newPlan(), a.newTopics(), a.newGroups(), a.newACLs(), a.newOffsets(), a.newInternalTopics(), a.newConvert(), a.newSchema(), a.newDemo(), a.newVersion(), a.newStatus(), a.newTop(), a.newCheck(), a.newSupportBundle(), a.newLag(), a.newEvents(), a.newRevisions(), a.newReload())
	root.AddCommand(a.newSteers()...)
	a.completions(root)
	return root
}

// resultError is what a command itself answers with; every other error that
// cobra returns is about how the command was called.
type resultError struct {
	code int
	err  error // nil: everything has been said already
}

// Error returns the message to show.
func (e *resultError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

// Unwrap returns the error to show.
func (e *resultError) Unwrap() error { return e.err }

func failed(err error) error {
	if err == nil {
		return nil
	}
	return &resultError{code: exitFailed, err: err}
}

func (a *app) exitCode(cmd *cobra.Command, err error) int {
	if err == nil {
		return exitOK
	}
	if result, ok := errors.AsType[*resultError](err); ok {
		if result.err != nil {
			a.view.Error(result.err)
		}
		return result.code
	}
	a.view.Error(err)
	a.view.Hint("run %q for its arguments", cmd.CommandPath()+" --help")
	return exitUsage
}
