// Package mm1 reads what kafka-mirror-maker.sh (MirrorMaker 1, gone since Kafka
// 4.0) is started with, two properties files of Java clients and a few options,
// into a topology of one flow. What the files' keys mean for a connection is
// read as config/legacy/mm2 reads it; what MirrorMaker 1 does with its own is
// declared here.
package mm1

import (
	"errors"
	"io/fs"
	"slices"
	"strings"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/legacy/mm2"
	"github.com/strait-mirror/strait/config/model"
)

// Names of the two clusters and the flow: MirrorMaker 1 has none.
const (
	source = "source"
	target = "target"
	flow   = source + "->" + target
)

// Params is what Read needs.
type Params struct {
	Options  Options
	Env      func(name string) (string, bool)  // required; os.LookupEnv
	ReadFile func(path string) ([]byte, error) // required; os.ReadFile
	Sources  *diag.Sources                     // optional; filled with the texts, for diag.Render
}

// Read returns the topology of a command line of MirrorMaker 1. It is usable
// only if no diagnostic is an Error, but as complete as the texts allow.
func Read(p Params) (*model.Config, diag.List) {
	if p.Sources == nil {
		p.Sources = &diag.Sources{}
	}
	r := &reader{p: p, flow: newFlow()}
	r.options()
	r.from = r.open("--consumer.config", p.Options.ConsumerConfig)
	r.to = r.open("--producer.config", p.Options.ProducerConfig)
	cfg := &model.Config{Flows: []*model.Flow{r.flow}}
	if r.from != nil {
		cfg.Clusters = append(cfg.Clusters, r.consumer())
	}
	if r.to != nil {
		cfg.Clusters = append(cfg.Clusters, r.producer())
	}
	r.checkLoop(cfg)
	r.problems.Sort()
	return cfg, r.problems
}

// newFlow returns what MirrorMaker 1 does when it is told nothing, but for
// read_committed: it copies aborted transactions unless its file says otherwise.
func newFlow() *model.Flow {
	f := model.NewFlow(field.Properties)
	f.Name, f.From, f.To, f.Enabled = flow, source, target, true
	f.ReplicationPolicy, f.ReplicationFactor = model.PolicyIdentity, -1
	f.Start, f.Topics, f.TopicsExclude = model.StartLatest, nil, nil
	f.Delivery = model.AtLeastOnce // a group's offsets prove nothing about the target
	f.Ranges = model.Places{}
	one := &model.MirrorMaker1{}
	for _, d := range fields(one) {
		d.ApplyDefault(field.Properties)
	}
	f.MirrorMaker1 = one
	return f
}

// reader is the state of one Read.
type reader struct {
	p        Params
	flow     *model.Flow
	from, to *mm2.Client // nil: the file cannot be read
	problems diag.List
}

// open reads the file that an option names.
func (r *reader) open(option, path string) *mm2.Client {
	text, err := r.p.ReadFile(path)
	if err != nil {
		reason := err.Error()
		if pe, ok := errors.AsType[*fs.PathError](err); ok {
			reason = pe.Err.Error()
		}
		r.problems.Add(diag.Errorf(diag.CodeUnreadable, diag.Range{File: path}, "cannot read the file of %s: %s", option, reason))
		return nil
	}
	return mm2.OpenClient(mm2.Params{File: path, Text: text, Env: r.p.Env, ReadFile: r.p.ReadFile, Sources: r.p.Sources})
}

// consumer reads the source.
func (r *reader) consumer() *model.Cluster {
	c := r.from.Cluster(source)
	r.flow.Range = c.Range
	group, ok := r.from.Lookup("group.id")
	if r.flow.MirrorMaker1.Group = strings.TrimSpace(group.Text); r.flow.MirrorMaker1.Group == "" {
		at := diag.Range{File: r.p.Options.ConsumerConfig}
		if ok {
			at = group.At
		}
		r.problems.Add(diag.Errorf(diag.CodeMissing, at, "group.id is not set").
			WithFix("write the group.id that MirrorMaker 1 used: mirroring goes on where that group is"))
	}
	r.flow.Ranges["group"] = group.At
	c.ClientID = r.flow.MirrorMaker1.Group // MirrorMaker 1 overrides the file's
	r.reset()
	r.read(r.from, field.ScopeConsumer, consumerKeys())
	return c
}

// reset reads auto.offset.reset: "none" has MirrorMaker 1 fail where the group
// has no offset.
func (r *reader) reset() {
	v, ok := r.from.Lookup("auto.offset.reset")
	if ok && strings.EqualFold(strings.TrimSpace(v.Text), "none") {
		r.flow.Start = model.StartEarliest
		r.problems.Add(diag.Warnf(diag.CodeNoEffect, v.At,
			"auto.offset.reset: a partition without an offset of the group does not stop the mirror as \"none\" does; it begins at its start").
			WithFix("write earliest or latest"))
		return
	}
	for _, d := range model.FlowFields(r.flow) {
		if d.Key == "auto.offset.reset" {
			r.from.Set(d, r.flow.Ranges)
		}
	}
}

// producer reads the target.
func (r *reader) producer() *model.Cluster {
	c := r.to.Cluster(target)
	for _, d := range fields(r.flow.MirrorMaker1) {
		r.to.Set(d, r.flow.Ranges)
	}
	if v, ok := r.to.Lookup("partitioner.class"); ok && !slices.Contains(defaultPartitioners(), strings.TrimSpace(v.Text)) {
		r.problems.Add(diag.Errorf(diag.CodeJavaClass, v.At, "partitioner.class: a Java class cannot run here").
			WithFix("remove it to have Kafka's default partitioner, or add --keep-partitions to keep every record in its partition"))
	}
	r.read(r.to, field.ScopeProducer, producerKeys())
	return c
}

// read takes from a client's file what the model has a place for, says what
// becomes of the other keys, and hands over the file's problems.
func (r *reader) read(c *mm2.Client, scope field.Scope, rows []row) {
	for _, d := range model.FlowFields(r.flow) {
		if d.Scope == scope && d.Key != "auto.offset.reset" {
			c.Set(d, r.flow.Ranges)
		}
	}
	names := []string{"group.id"}
	for _, row := range rows {
		for _, key := range row.keys {
			names = append(names, key)
			v, ok := c.Lookup(key)
			if ok && row.concerns(v.Text) {
				r.problems.Add(row.diagnostic(v))
			}
		}
	}
	c.ReportUnused(names)
	r.problems.Add(c.Problems()...)
}

// checkLoop refuses a flow of a cluster into itself: its topics keep their
// names, so that every record would be copied again and again.
func (r *reader) checkLoop(cfg *model.Config) {
	if len(cfg.Clusters) < 2 {
		return
	}
	from, to := cfg.Clusters[0], cfg.Clusters[1]
	for _, server := range to.BootstrapServers {
		if slices.Contains(from.BootstrapServers, server) {
			r.problems.Add(diag.Errorf(diag.CodeFromEqualsTo, to.Range,
				"source and target are the same cluster (%s): every record would be copied again without end", server))
			return
		}
	}
}
