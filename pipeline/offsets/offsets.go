// Package offsets owns what people ask and change about offsets while nothing need
// run: how far flows are, where consumer groups are on either side, and which
// offsets of two clusters are the same place. Package supervisor keeps the same in
// step while a topology runs.
package offsets

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/groupsync"
	"github.com/strait-mirror/strait/flows/mirror"
	"github.com/strait-mirror/strait/flows/offsetsync"
	"github.com/strait-mirror/strait/flows/position"
	"github.com/strait-mirror/strait/flows/reconcile"
	"github.com/strait-mirror/strait/transforms/chain"
	"github.com/strait-mirror/strait/transforms/filter"
)

// Params is what Open needs. All of it is required.
type Params struct {
	Config *model.Config
	Flow   *model.Flow // of Config
	Log    *slog.Logger
}

// Pair is the two clusters of a flow. It is used by one goroutine at a time.
type Pair struct {
	flow           *model.Flow
	names          *chain.Chain
	groups         *filter.Groups
	source, target *cluster.Cluster
	store          *position.Store
	log            *slog.Logger
}

// Open builds a pair; it dials nothing. The caller closes it.
func Open(p Params) (*Pair, error) {
	if p.Flow.MirrorMaker1 != nil {
		return nil, fmt.Errorf("flow %q keeps its positions as MirrorMaker 1 does, as the offsets of group %q on %q: kafka-consumer-groups.sh shows and sets them",
			p.Flow.Name, p.Flow.MirrorMaker1.Group, p.Flow.From)
	}
	names, problems := chain.ForFlow(p.Flow)
	if problems.HasErrors() {
		return nil, fmt.Errorf("flow %q: %w", p.Flow.Name, problems.Err())
	}
	groups, problems := filter.GroupsForFlow(p.Flow)
	if problems.HasErrors() {
		return nil, fmt.Errorf("flow %q: %w", p.Flow.Name, problems.Err())
	}
	own := p.Flow.Connections
	source, err := cluster.New(cluster.Params{Config: cmp.Or(own.SourceAdmin, p.Config.Cluster(p.Flow.From)), Log: p.Log})
	if err != nil {
		return nil, err
	}
	target, err := cluster.New(cluster.Params{Config: cmp.Or(own.TargetAdmin, p.Config.Cluster(p.Flow.To)), Log: p.Log})
	if err != nil {
		source.Close()
		return nil, err
	}
	store, err := mirror.NewStore(p.Flow, target, p.Log)
	if err != nil {
		source.Close()
		target.Close()
		return nil, err
	}
	return &Pair{flow: p.Flow, names: names, groups: groups, source: source, target: target, store: store, log: p.Log}, nil
}

// Close ends the connections.
func (p *Pair) Close() {
	p.source.Close()
	p.target.Close()
}

// reach asks whether both clusters can be used at all.
func (p *Pair) reach(ctx context.Context) error {
	for _, c := range []*cluster.Cluster{p.source, p.target} {
		if err := c.Await(ctx, c.Ping); err != nil {
			return c.Explain(err)
		}
		if err := c.Verify(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Groups lists the consumer groups of the source, and what becomes of each.
func (p *Pair) Groups(ctx context.Context) ([]groupsync.Seen, error) {
	syncs, err := p.known(ctx)
	if err != nil {
		return nil, err
	}
	groups, err := groupsync.New(groupsync.Params{Flow: p.flow, Source: p.source, Target: p.target, Offsets: syncs, Log: p.log})
	if err != nil {
		return nil, err
	}
	return groups.Report(ctx)
}

// ForeseeGroups returns the offsets that the flow would write of consumer groups at the
// target now, and what keeps groups from being asked. It writes nothing.
func (p *Pair) ForeseeGroups(ctx context.Context) ([]reconcile.Event, []error, error) {
	syncs, err := p.known(ctx)
	if err != nil {
		return nil, nil, err
	}
	groups, err := groupsync.New(groupsync.Params{Flow: p.flow, Source: p.source, Target: p.target, Offsets: syncs, Log: p.log})
	if err != nil {
		return nil, nil, err
	}
	return groups.ForeseeOffsets(ctx)
}

// known reads what is stored of the flow's lanes.
func (p *Pair) known(ctx context.Context) (*offsetsync.Syncs, error) {
	if err := p.reach(ctx); err != nil {
		return nil, err
	}
	params, err := offsetsync.ForFlow(p.flow, p.source, p.target, p.log)
	if err != nil {
		return nil, err
	}
	params.ReadOnly = true
	syncs, err := offsetsync.New(params)
	if err != nil {
		return nil, err
	}
	if err := syncs.Load(ctx, nil); err != nil {
		return nil, err
	}
	anchors, err := p.Anchors(ctx)
	if err != nil {
		return nil, err
	}
	for _, a := range anchors {
		if !p.names.Selected(a.Topic) {
			continue
		}
		p.source.Metadata().Track(a.Topic)
		syncs.Stored(
			offsetsync.Partition{Topic: a.Topic, ID: a.SourceTopicID, Number: a.Partition},
			offsetsync.Partition{Topic: p.names.Name(a.Topic), ID: a.TargetTopicID, Number: a.Partition},
			a.Next(), a.TargetEnd)
	}
	if err := p.source.Metadata().Refresh(ctx); err != nil {
		return nil, p.source.Explain(err)
	}
	return syncs, nil
}

// Anchors reads the positions of all flows from the source to the target that keep
// them in the same place; none where there is no topic of them.
func (p *Pair) Anchors(ctx context.Context) ([]position.Anchor, error) {
	topics, err := p.target.TopicNames(ctx)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(topics, p.store.Topic()) {
		return nil, nil // not to create it
	}
	if err := p.store.Refresh(ctx); err != nil {
		return nil, p.target.Explain(err)
	}
	return p.store.All(), nil
}
