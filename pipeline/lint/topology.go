package lint

import (
	"errors"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/position"
	"github.com/strait-mirror/strait/flows/survey"
	"github.com/strait-mirror/strait/transforms/chain"
	"github.com/strait-mirror/strait/transforms/filter"
	"github.com/strait-mirror/strait/transforms/rename"
)

// topology is what the checks look at.
type topology struct {
	cfg        *model.Config // never nil
	src        *diag.Sources
	p          Params
	broken     bool // the text has errors, so that something may be missing
	enabled    []*model.Flow
	chains     map[*model.Flow]*chain.Chain // none where the patterns are wrong
	selections map[*model.Flow]*filter.Topics

	facts   map[string]*survey.Facts          // of the clusters that answered, by alias
	unknown map[string]error                  // why the others did not
	anchors map[*model.Flow][]position.Anchor // as far as they could be read
	known   []pair                            // see pairs
	met     []shared                          // see targets
}

// atOnce is how many clusters are asked at a time.
const atOnce = 8

// ask collects the answers of the clusters that enabled flows use.
func (t *topology) ask(p Params) {
	t.facts, t.unknown = map[string]*survey.Facts{}, map[string]error{}
	sources, targets := map[string][]*model.Flow{}, map[string][]*model.Flow{}
	for _, f := range t.enabled {
		sources[f.From], targets[f.To] = append(sources[f.From], f), append(targets[f.To], f)
	}
	var mu sync.Mutex
	var g errgroup.Group
	g.SetLimit(atOnce)
	for _, c := range t.cfg.Clusters {
		from, to := sources[c.Alias], targets[c.Alias]
		if len(from)+len(to) == 0 {
			continue
		}
		g.Go(func() error {
			answer := p.Ask(c, survey.Wanted{
				Topic: func(topic string) bool { return t.wants(from, to, topic) },
				Group: wantedGroups(from, to), Quotas: wantedQuotas(c, from, to),
			})
			mu.Lock()
			defer mu.Unlock()
			if answer.Err != nil {
				t.unknown[c.Alias] = answer.Err
			} else {
				t.facts[c.Alias] = answer.Facts
			}
			return nil
		})
	}
	_ = g.Wait() // its functions return nil
	t.askPositions(p)
}

// askPositions reads the positions of flows both of whose clusters answered. What
// is in the way of reading them is not lint's to judge.
func (t *topology) askPositions(p Params) {
	t.anchors = map[*model.Flow][]position.Anchor{}
	if p.Positions == nil {
		return
	}
	var mu sync.Mutex
	var g errgroup.Group
	g.SetLimit(atOnce)
	for _, f := range t.enabled {
		if f.MirrorMaker1 != nil || t.facts[f.From] == nil || t.facts[f.To] == nil {
			continue
		}
		g.Go(func() error {
			anchors, err := p.Positions(t.cfg, f)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				t.anchors[f] = anchors
			}
			return nil
		})
	}
	_ = g.Wait() // its functions return nil
}

// wantedQuotas is whose quotas are of interest: ours, where a flow has a limit to
// compare them with.
func wantedQuotas(c *model.Cluster, from, to []*model.Flow) string {
	if slices.ContainsFunc(slices.Concat(from, to), func(f *model.Flow) bool { return f.BytesPerSecond > 0 }) {
		return strings.TrimPrefix(cluster.Principal(c), "User:")
	}
	return ""
}

// wants reports whether one of the flows copies the topic from the cluster, or
// made it there.
func (t *topology) wants(from, to []*model.Flow, topic string) bool {
	copies := func(f *model.Flow, name string) bool {
		s := t.selections[f]
		return s != nil && s.Decide(name).Copy
	}
	return slices.ContainsFunc(from, func(f *model.Flow) bool { return copies(f, topic) }) ||
		slices.ContainsFunc(to, func(f *model.Flow) bool {
			upstream, ok := rename.ForFlow(f).UpstreamTopic(topic)
			return ok && t.remote(f, upstream) == topic && copies(f, upstream)
		})
}

// wantedGroups returns which groups' offsets are of interest: those that flows
// from the cluster take along. The groups of a target are only listed.
func wantedGroups(from, to []*model.Flow) func(group string) bool {
	syncs := func(f *model.Flow) bool { return f.Control.SyncGroupOffsetsEnabled }
	if !slices.ContainsFunc(slices.Concat(from, to), syncs) {
		return nil
	}
	var selected []func(string) bool
	for _, f := range from {
		if syncs(f) {
			selected = append(selected, groupsOf(f))
		}
	}
	return func(group string) bool {
		return slices.ContainsFunc(selected, func(takes func(string) bool) bool { return takes(group) })
	}
}

// unreachable lists the clusters nothing is known of, in the order of the file.
// A refused login is a finding instead.
func (t *topology) unreachable() []error {
	var list []error
	for _, c := range t.cfg.Clusters {
		err := t.unknown[c.Alias]
		if _, refused := errors.AsType[*survey.RefusedError](err); err != nil && !refused {
			list = append(list, err)
		}
	}
	return list
}

func newTopology(cfg *model.Config, src *diag.Sources, p Params) *topology {
	if cfg == nil {
		cfg = &model.Config{}
	}
	t := &topology{cfg: cfg, src: src, p: p, chains: map[*model.Flow]*chain.Chain{}, selections: map[*model.Flow]*filter.Topics{}}
	for _, f := range cfg.Flows {
		if f.Enabled {
			t.enabled = append(t.enabled, f)
		}
	}
	return t
}
