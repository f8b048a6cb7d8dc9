package cli

import (
	"errors"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/legacy/mm1"
	"github.com/strait-mirror/strait/config/model"
)

// oneFlags are the options of kafka-mirror-maker.sh, and what run adds to them.
type oneFlags struct{ options mm1.Options }

// register declares the options under the names that MirrorMaker 1 gave them.
func (f *oneFlags) register(flags *pflag.FlagSet) {
	text := func(p *string, name, usage string) {
		flags.StringVar(p, name, "", usage)
	}
	flag := func(p *bool, name, usage string) {
		flags.BoolVar(p, name, false, usage)
	}
	o := &f.options
	text(&o.ConsumerConfig, "consumer.config", "MirrorMaker 1: properties `file` of the source's consumer")
	text(&o.ProducerConfig, "producer.config", "MirrorMaker 1: properties `file` of the target's producer")
	text(&o.Include, "include", "MirrorMaker 1: Java `regex` of the topics to mirror; a comma means or")
	text(&o.Whitelist, "whitelist", "MirrorMaker 1: old name of --include")
	text(&o.NumStreams, "num.streams", "MirrorMaker 1: accepted; every partition is copied in parallel")
	text(&o.CommitInterval, "offset.commit.interval.ms", "MirrorMaker 1: `ms` between two commits to the group (default 60000)")
	text(&o.AbortOnSendFailure, "abort.on.send.failure", "MirrorMaker 1: false skips and counts records that the target refuses for good (default true)")
	text(&o.RebalanceListener, "consumer.rebalance.listener", "MirrorMaker 1: refused, a Java class")
	text(&o.RebalanceListenerArgs, "rebalance.listener.args", "MirrorMaker 1: refused with it")
	text(&o.MessageHandler, "message.handler", "MirrorMaker 1: refused, a Java class")
	text(&o.MessageHandlerArgs, "message.handler.args", "MirrorMaker 1: refused with it")
	flag(&o.NewConsumer, "new.consumer", "MirrorMaker 1: accepted without effect")
	flag(&o.KeepPartitions, "keep-partitions", "with MirrorMaker 1's options: pass batches through to the partition they came from instead of partitioning by key")
	flag(&o.NoCreateTopics, "no-create-topics", "with MirrorMaker 1's options: leave the target's topics as they are")
	for _, name := range []string{
		"whitelist", "num.streams", "consumer.rebalance.listener", "rebalance.listener.args",
		"message.handler", "message.handler.args", "new.consumer",
	} {
		flags.Lookup(name).Hidden = true // known to those who have them in a script
	}
}

// given reports whether the command line is one of MirrorMaker 1.
func (f *oneFlags) given() bool { return f.options != mm1.Options{} }

// needsTopology is for commands that read a topology, or what MirrorMaker 1 is
// started with.
func (a *app) needsTopology(cmd *cobra.Command, args []string) error {
	o := a.one.options
	switch {
	case !a.one.given():
		return needsFile(cmd, args)
	case len(args) > 0:
		return errors.New(cmd.Name() + " takes a topology or the options of MirrorMaker 1, not both")
	case o.ConsumerConfig == "", o.ProducerConfig == "", o.Include == "" && o.Whitelist == "":
		return errors.New(cmd.Name() + " as MirrorMaker 1 needs --consumer.config, --producer.config and --include")
	}
	return nil
}

// readTopology reads the files, or what MirrorMaker 1 is started with.
func (a *app) readTopology(paths []string, src *diag.Sources) (*model.Config, diag.List) {
	if a.one.given() {
		return loadMirrorMaker1(a.one.options, a.p.Getenv, src)
	}
	return a.p.Load(paths, a.p.Getenv, src)
}

// topology reads a topology and shows what is wrong with it; its error has been
// shown already.
func (a *app) topology(paths []string) (*model.Config, error) {
	var src diag.Sources
	cfg, problems := a.readTopology(paths, &src)
	return a.judge(cfg, problems, &src)
}
