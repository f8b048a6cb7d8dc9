package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/strait-mirror/strait/flows/internaltopic"
)

func (a *app) newInternalTopics() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "internal-topics",
		Short: "The topics in which MirrorMaker 2 and Strait keep what they know",
		Args:  knownCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.newInternalTopicsCat())
	return cmd
}

// catFlags are the flags of internal-topics cat.
type catFlags struct {
	cluster, topic, as, output string

	last, most int64
	follow     bool
}

func (a *app) newInternalTopicsCat() *cobra.Command {
	var f catFlags
	cmd := &cobra.Command{
		Use:   "cat FILE...",
		Short: "Print the records of an internal topic, decoded",
		Long: "Cat prints the records of a topic in which MirrorMaker 2 or Strait keeps what it\n" +
			"knows, one a line, from its start to its present end: heartbeats, checkpoints,\n" +
			"offset syncs, positions, and what Strait keeps of places and producers. With\n" +
			"--output json each line is a JSON object. Of Kafka Connect's configurations only\n" +
			"the keys are shown, since they may hold passwords. A topic whose name was changed\n" +
			"needs --as. It exits with 3 when a record cannot be decoded.",
		Example: "  strait internal-topics cat --cluster dc2 --topic mm2-offsets.dc1.internal mm2.properties\n" +
			"  strait internal-topics cat --cluster dc2 --topic dc1.checkpoints.internal --last 10 topology.hcl\n" +
			"  strait internal-topics cat --cluster dc2 --topic heartbeats --follow --output json topology.hcl",
		Args: needsFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return err
			}
			return a.catInternalTopic(cmd.Context(), args, f)
		},
	}
	flags := cmd.Flags()
	a.vars.register(flags)
	flags.StringVar(&f.cluster, "cluster", "", "alias of the cluster that has the topic")
	flags.StringVar(&f.topic, "topic", "", "its name there")
	flags.StringVar(&f.as, "as", "", "what it holds, where its name does not say: "+strings.Join(kinds(), ", "))
	flags.StringVar(&f.output, "output", "text", "text or json")
	flags.Int64Var(&f.last, "last", 0, "begin so many offsets before the end of each partition")
	flags.Int64Var(&f.most, "max", 0, "print this many records at most")
	flags.BoolVar(&f.follow, "follow", false, "go on with what arrives")
	completeWords(cmd, "output", "text", "json")
	completeWords(cmd, "as", kinds()...)
	return cmd
}

// kinds are the values of --as.
func kinds() []string {
	var out []string
	for _, k := range internaltopic.Kinds() {
		out = append(out, string(k))
	}
	return out
}

// check reports what is wrong with how the command was called.
func (f *catFlags) check() error {
	_, known := internaltopic.KindOf(f.topic)
	switch {
	case f.cluster == "" || f.topic == "":
		return errors.New("--cluster and --topic are required")
	case f.as != "" && !slices.Contains(kinds(), f.as):
		return fmt.Errorf("--as is %q, not one of %s", f.as, strings.Join(kinds(), ", "))
	case f.as == "" && !known:
		return fmt.Errorf("topic %q has not the name of an internal topic: say with --as what it holds", f.topic)
	case f.last < 0 || f.most < 0:
		return errors.New("--last and --max must not be negative")
	case f.output != "text" && f.output != "json":
		return fmt.Errorf("--output is %q, not text or json", f.output)
	}
	return nil
}

func (a *app) catInternalTopic(ctx context.Context, paths []string, f catFlags) error {
	cfg, err := a.load(paths, a.p.Getenv)
	if err != nil {
		return err
	}
	on := cfg.Cluster(f.cluster)
	if on == nil {
		return fmt.Errorf("the topology has no cluster %q", f.cluster)
	}
	var printed, bad int64
	var broken error
	err = internaltopic.Read(ctx, internaltopic.Params{
		Cluster: on, Topic: f.topic, Log: slog.New(slog.DiscardHandler),
		As: internaltopic.Kind(f.as), Last: f.last, Follow: f.follow,
	}, func(r internaltopic.Record) bool {
		if r.Problem != nil {
			bad++
		}
		broken = a.view.InternalRecord(f.topic, r, f.output == "json")
		printed++
		return broken == nil && printed != f.most
	})
	unknown, isUnknown := errors.AsType[*internaltopic.UnknownTopicError](err)
	switch {
	case broken != nil:
		return failed(broken)
	case isUnknown:
		a.view.Error(err)
		a.view.Hint("%s", unknown.Hint())
		return &resultError{code: exitFailed}
	case err != nil && !interrupted(ctx, err):
		return failed(err)
	case bad > 0:
		a.view.Note("%d of %d records cannot be decoded", bad, printed)
		return &resultError{code: exitFindings}
	}
	return nil
}
