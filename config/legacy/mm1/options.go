package mm1

import (
	"strings"
	"time"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
)

// Options is a command line of kafka-mirror-maker.sh, as text: an option that
// was not given is "". Include or Whitelist is required, and both files are.
type Options struct {
	ConsumerConfig, ProducerConfig              string // --consumer.config, --producer.config: paths
	Include, Whitelist                          string // --include, and --whitelist, its old name, which it beats
	NumStreams                                  string // --num.streams
	CommitInterval                              string // --offset.commit.interval.ms
	AbortOnSendFailure                          string // --abort.on.send.failure
	RebalanceListener, RebalanceListenerArgs    string // --consumer.rebalance.listener, --rebalance.listener.args
	MessageHandler, MessageHandlerArgs          string // --message.handler, --message.handler.args
	NewConsumer, KeepPartitions, NoCreateTopics bool   // the last two are ours
}

// fields declares what MirrorMaker 1's producer file and options say of a flow
// beyond the model's own declarations.
func fields(m *model.MirrorMaker1) []field.Def {
	return []field.Def{
		field.Int(&m.BatchSize, "batch_size", 0, field.MaxInt32,
			"Bytes after which records without a key go to another partition.").
			Legacy("batch.size", field.ScopeProducer).Default("16384"),
		field.Duration(&m.Linger, "linger", 0, time.Minute,
			"How long a batch of re-partitioned records waits for more.").
			Legacy("linger.ms", field.ScopeProducer).Default("0s"),
		field.Bool(&m.IgnoreKeys, "ignore_keys", "Spread records with a key as those without one.").
			Legacy("partitioner.ignore.keys", field.ScopeProducer).Default("false"),
		field.Duration(&m.CommitInterval, "commit_interval", 0, field.MaxInt32*time.Millisecond,
			"How often offsets are committed.").Default("1m"),
	}
}

// options reads the command line.
func (r *reader) options() {
	o := r.p.Options
	r.include(o)
	r.flow.MirrorMaker1.KeepPartitions, r.flow.MirrorMaker1.LeaveTopics = o.KeepPartitions, o.NoCreateTopics
	if d := r.option("--offset.commit.interval.ms", o.CommitInterval,
		field.Duration(&r.flow.MirrorMaker1.CommitInterval, "", 0, field.MaxInt32*time.Millisecond, "")); d != nil {
		r.problems.Add(*d)
	}
	streams := int32(1)
	if d := r.option("--num.streams", o.NumStreams, field.Int(&streams, "", 1, field.MaxInt32, "")); d != nil {
		r.problems.Add(*d)
	} else if streams != 1 {
		r.problems.Add(diag.Infof(diag.CodeNoEffect, option("--num.streams"), "--num.streams has no effect: every partition is copied in parallel"))
	}
	abort := true
	if d := r.option("--abort.on.send.failure", o.AbortOnSendFailure, field.Bool(&abort, "", "")); d != nil {
		r.problems.Add(*d)
	}
	if !abort {
		r.flow.ErrorsTolerance = "all"
	}
	if o.NewConsumer {
		r.problems.Add(diag.Infof(diag.CodeNoEffect, option("--new.consumer"), "--new.consumer has no effect, as in MirrorMaker 1"))
	}
	r.classes(o)
}

// option is the place of what was given on the command line.
func option(name string) diag.Range { return diag.Range{File: name} }

// option stores the value of an option, if it was given, by a declaration.
func (r *reader) option(name, text string, d field.Def) *diag.Diagnostic {
	if text == "" {
		return nil
	}
	problem := d.Set(field.Properties, field.Value{Text: text})
	if problem != nil {
		problem.Subject = option(name)
	}
	return problem
}

// classes refuses the Java classes that MirrorMaker 1 calls.
func (r *reader) classes(o Options) {
	const (
		handler  = "use transform blocks in an HCL topology for names and records, or --keep-partitions if all it does is to keep partitions"
		listener = "remove it: Strait is no member of the group and has no rebalances; positions are committed before it ends"
	)
	for _, c := range []struct{ name, text, fix string }{
		{"--message.handler", o.MessageHandler, handler},
		{"--message.handler.args", o.MessageHandlerArgs, handler},
		{"--consumer.rebalance.listener", o.RebalanceListener, listener},
		{"--rebalance.listener.args", o.RebalanceListenerArgs, listener},
	} {
		if c.text != "" {
			r.problems.Add(diag.Errorf(diag.CodeJavaClass, option(c.name), "%s: a Java class cannot run here", c.name).WithFix("%s", c.fix))
		}
	}
}

// include reads the pattern of topics. It becomes a text of its own, so that
// problems in it are shown with their place.
func (r *reader) include(o Options) {
	name, text := "--include", o.Include
	switch {
	case text == "":
		name, text = "--whitelist", o.Whitelist
		if text != "" {
			r.problems.Add(diag.Infof(diag.CodeRemovedKey, option(name), "--whitelist is the old name of --include"))
		}
	case o.Whitelist != "":
		r.problems.Add(diag.Warnf(diag.CodeNoEffect, option("--whitelist"), "--whitelist has no effect beside --include"))
	}
	pattern := topicPattern(text)
	if pattern == "" {
		r.problems.Add(diag.Errorf(diag.CodeMissing, option(name), "%s names no topic", name).WithFix(`write --include "orders|payments.*"`))
		return
	}
	r.p.Sources.Add(name, []byte(pattern))
	at := diag.Range{File: name, Start: diag.Pos{Line: 1, Column: 1}, End: diag.Pos{Line: 1, Column: len(pattern) + 1, Byte: len(pattern)}}
	r.flow.Topics = []string{pattern}
	r.flow.Ranges["topics"] = at
	r.flow.Ranges[model.Element("topics", 0)] = at
}

// topicPattern is what MirrorMaker 1 makes of its option before it compiles it
// (kafka.utils.TopicFilter): a list may be written with commas, as in its days of
// ZooKeeper.
func topicPattern(text string) string {
	text = strings.TrimFunc(text, func(r rune) bool { return r <= ' ' }) // Java's trim
	text = strings.NewReplacer(",", "|", " ", "").Replace(text)
	return strings.Trim(text, `"'`)
}
