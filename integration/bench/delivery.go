package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/integration/kafka"
)

// deliveries are the modes that are compared, the cheapest promise first: the
// others are measured against it.
func deliveries() []model.Delivery {
	return []model.Delivery{model.AtLeastOnce, model.ExactlyOnce, model.Transactional}
}

// exactlyOnceCost is the most processor time that exactly_once may take, as a
// multiple of at_least_once's. It is held against large batches: in small ones the
// same requests and comparisons are there for less data, which is only reported.
const exactlyOnceCost = 1.02

// delivered are the runs of all modes over one data set, by mode and turn.
type delivered map[model.Delivery][]*sample

// delivery measures what exactly_once and transactional cost beside
// at_least_once: the same binary on the same data, one property apart.
func (b *bench) delivery(ctx context.Context) (*page, error) {
	p := &page{title: "Cost of delivery"}
	p.say("One process mirrors the same data with `delivery = \"at_least_once\"`, `\"exactly_once\"` and `\"transactional\"`, in turns that begin with another mode each time. Processor time is user and system time of the whole process `strait run --once`, its start and its last anchors included; throughput is that of the whole process, since the markers of transactions take offsets, so that an offset does not tell the last record.")
	p.say("After each run the target's log segments are read: they held every record once, in all modes.")
	ratios := spreadTable("ratio to at_least_once, pair by pair")
	runs := table{head: []string{"data", "run", "delivery", "CPU s", "CPU s/GB", "MB/s whole", "peak RSS MiB"}}
	for _, w := range []work{large(), small()} {
		data, err := b.fill(ctx, w.data.scaled(b.s.scale))
		if err != nil {
			return nil, err
		}
		made, err := b.deliver(ctx, data)
		if err != nil {
			return nil, err
		}
		p.say("%s: %s records with values of %s bytes in batches of %s, %d partitions, %s on the wire. Seed %d.",
			w.title, count(data.total()), span(data.least, data.most), plural(data.perBatch, "record"), data.partitions, bytesText(data.wire), b.s.seed)
		cpu := made.report(w.title, data, &ratios, &runs)
		if w.data.prefix == large().data.prefix {
			p.goals = append(p.goals, atMost("CPU of exactly_once / at_least_once, large batches, median", cpu, median, exactlyOnceCost, ""))
		}
	}
	p.tables = append(p.tables, ratios, runs)
	return p, nil
}

// deliver mirrors one data set in all modes in turns.
func (b *bench) deliver(ctx context.Context, data set) (delivered, error) {
	modes := deliveries()
	made := delivered{}
	for i := range b.s.runs {
		for k := range modes {
			mode := modes[(i+k)%len(modes)]
			s, err := b.deliverOnce(ctx, mode, data)
			if err != nil {
				return nil, fmt.Errorf("run %d of %s: %w", i+1, mode, err)
			}
			b.log.Info("run ended", "run", i+1, "delivery", mode, "cpu", s.cpu, "wall", s.wall, "rss", s.rss)
			made[mode] = append(made[mode], s)
		}
	}
	return made, nil
}

// deliverOnce mirrors one data set in one mode, checks the copy and removes it.
func (b *bench) deliverOnce(ctx context.Context, mode model.Delivery, data set) (*sample, error) {
	t := b.lab.topology(data.pattern(), false)
	c := contender{name: nameStrait, ends: true, start: func(_ context.Context, dir, _ string, once bool) (*kafka.Program, error) {
		return b.runStrait(filepath.Join(dir, "topology.hcl"), b.lab.hcl(t, mode, b.s.straitMM), once)
	}}
	w, err := b.launch(ctx, c, t, true)
	if err != nil {
		return nil, err
	}
	defer w.finish() //nolint:errcheck // it has been waited for, or an error is on its way already
	if err := w.wait(ctx); err != nil {
		return nil, err
	}
	s := &sample{}
	if err := s.take(w); err != nil {
		return nil, err
	}
	have, err := storedIn(b.lab.target.LogDir(1), b.observe(t, data.shape).topics, data.partitions)
	if err != nil {
		return nil, err
	}
	if have.records != data.total() {
		return nil, fmt.Errorf("the target holds %d records of %d", have.records, data.total())
	}
	return s, b.lab.clean(ctx)
}

// hcl is the topology in HCL, which can say at_least_once. As in text, nothing
// but copying goes on.
func (l *lab) hcl(t topology, mode model.Delivery, more []string) string {
	return fmt.Sprintf(`cluster %q { bootstrap_servers = [%q] }
cluster "t" { bootstrap_servers = [%q] }

flow "%s->t" {
  topics                       = [%q]
  delivery                     = %q
  emit_heartbeats_enabled      = false
  emit_checkpoints_enabled     = false
  sync_topic_acls_enabled      = false
  replication_factor           = 1
  %s
}
`, t.alias, l.source.Bootstrap()[0], l.target.Bootstrap()[0], t.alias, t.topics, mode, strings.Join(more, "\n  "))
}

// report adds the runs and their ratios, and returns those of exactly_once's
// processor time.
func (d delivered) report(title string, data set, ratios, runs *table) []float64 {
	base := d[model.AtLeastOnce]
	var exactly []float64
	for _, mode := range deliveries() {
		var cpu, speed []float64
		for i, s := range d[mode] {
			runs.add(title, i+1, mode, number(s.cpu.Seconds()), number(perGB(s.cpu, data.wire)), number(mbps(data.wire, s.wall)), number(mib(s.rss)))
			cpu, speed = append(cpu, ratio(s.cpu, base[i].cpu)), append(speed, ratio(base[i].wall, s.wall))
		}
		if mode == model.AtLeastOnce {
			continue
		}
		if mode == model.ExactlyOnce {
			exactly = cpu
		}
		ratios.spread(fmt.Sprintf("%s: CPU of %s", title, mode), cpu)
		ratios.spread(fmt.Sprintf("%s: throughput of %s", title, mode), speed)
	}
	return exactly
}
