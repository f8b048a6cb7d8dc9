// Package groupsync owns what becomes of the consumer groups of a source at the
// target: MirrorMaker 2's topic of checkpoints, which says where each group is to
// go on, and the groups' own offsets there (KIP-545). What an offset of the source
// is on the target is package offsetsync's knowledge.
package groupsync

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/internal/recent"
	"github.com/strait-mirror/strait/flows/internal/tail"
	"github.com/strait-mirror/strait/flows/offsetsync"
	"github.com/strait-mirror/strait/transforms/chain"
	"github.com/strait-mirror/strait/transforms/filter"
	"github.com/strait-mirror/strait/transforms/rename"
)

// readBudget is how many bytes of the source one pass may read for translating
// offsets exactly. What is over is translated coarsely, and exactly later on.
const readBudget = 64 << 20

// Params is what New needs. All of it is required.
type Params struct {
	Flow    *model.Flow
	Source  *cluster.Cluster
	Target  *cluster.Cluster
	Offsets *offsetsync.Syncs
	Log     *slog.Logger
}

// Groups keeps the groups of one flow in step. Its methods may be called from
// anywhere; passes come one at a time.
type Groups struct {
	p           Params
	filter      *filter.Groups
	names       *chain.Chain
	checkpoints *tail.Topic // on the target

	mu     sync.Mutex         // held by a pass; guards the rest
	listed time.Time          // when the groups of the source were; zero: never
	groups []string           // of the source, that are taken along
	called map[string]string  // what those are called at the target
	unable map[string]error   // groups of the source that are not, though they are selected
	last   map[key]checkpoint // by what readers of the topic know
	wrote  map[key]int64      // offsets of groups at the target, since the start

	timing sync.Mutex // guards took; a pass holds mu for long
	took   recent.Values
}

// Latency returns what there was lately of the seconds from when a checkpoint was
// taken until the target had it.
func (g *Groups) Latency(now time.Time) recent.Summary {
	g.timing.Lock()
	defer g.timing.Unlock()
	return g.took.At(now)
}

// key names a partition at the target and a group that is in it.
type key struct {
	group, topic string
	partition    int32
}

// New checks p and returns what has made no pass.
func New(p Params) (*Groups, error) {
	if p.Flow == nil || p.Source == nil || p.Target == nil || p.Offsets == nil || p.Log == nil {
		return nil, errors.New("building group sync: flow, source, target, offsets and log are required")
	}
	groups, problems := filter.GroupsForFlow(p.Flow)
	names, more := chain.ForFlow(p.Flow)
	problems.Add(more...)
	if problems.HasErrors() {
		return nil, fmt.Errorf("building group sync: %w", problems.Err())
	}
	return &Groups{
		p: p, filter: groups, names: names,
		checkpoints: tail.NewTopic(p.Target, rename.ForFlow(p.Flow).CheckpointsTopic(p.Flow.From), "checkpoints", p.Flow.Control.CheckpointsTopicReplicationFactor),
		last:        map[key]checkpoint{}, wrote: map[key]int64{},
	}, nil
}

// position is where a group is on the source, and what that is on the target.
type position struct {
	key             // of the group on the source, and the partition at the target
	called   string // the group at the target
	source   cluster.TopicPartition
	upstream int64
	to       offsetsync.Translation
	metadata string
	before   int64 // what the group has at the target, where that is to change; -1: nothing
}

// there is the place of p in the offsets of groups of the target.
func (p position) there() key { return key{p.called, p.topic, p.partition} }

// observe returns the positions of groups that are known at the target, and what
// kept others from being asked.
func (g *Groups) observe(ctx context.Context) ([]position, map[string]error, error) {
	if err := g.refresh(ctx); err != nil {
		return nil, nil, err
	}
	committed, refused, err := committedOffsets(ctx, g.p.Source, g.groups)
	if err != nil {
		return nil, nil, err
	}
	maps.Copy(refused, g.unable)
	return g.translated(ctx, committed), refused, nil
}

// translated returns where committed offsets of mirrored topics are at the target,
// as far as that is known.
func (g *Groups) translated(ctx context.Context, committed []committed) []position {
	translator := g.p.Offsets.Translator(readBudget)
	var out []position
	for _, c := range committed {
		if !g.names.Selected(c.at.Topic) || c.offset < 0 {
			continue
		}
		to, ok := translator.Translate(ctx, c.at.Topic, c.at.Partition, c.offset)
		if !ok || to.Offset < 0 {
			continue
		}
		out = append(out, position{
			key: key{c.group, g.names.Name(c.at.Topic), to.Partition}, called: g.called[c.group],
			source: c.at, upstream: c.offset, to: to, metadata: c.metadata,
		})
	}
	return together(out)
}

// together keeps one of the positions that topics mirrored into one have at one
// place of a group: the first, behind which nothing is left out.
func together(all []position) []position {
	places := make(map[key]int, len(all))
	out := all[:0]
	for _, p := range all {
		i, seen := places[p.key]
		switch {
		case !seen:
			places[p.key] = len(out)
			out = append(out, p)
		case p.to.Offset < out[i].to.Offset:
			out[i] = p
		}
	}
	return out
}

// refresh lists the groups of the source when that is due.
func (g *Groups) refresh(ctx context.Context) error {
	c := &g.p.Flow.Control
	if !g.listed.IsZero() && (!c.RefreshGroupsEnabled || time.Since(g.listed) < c.RefreshGroupsInterval) {
		return nil
	}
	listed, err := list(ctx, g.p.Source)
	if err != nil {
		return err
	}
	g.choose(listed)
	g.listed = time.Now()
	return nil
}
