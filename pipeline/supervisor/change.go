package supervisor

import (
	"maps"
	"slices"
	"sync"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/pipeline/graph"
)

// change is what becomes of the units of a supervisor by an edit that leaves its
// clusters what they are.
type change struct {
	*building

	next  []*unit       // in file order
	defs  []*model.Flow // what they are then
	leave []*unit       // are stopped
	fresh []*unit       // are started, once what leaves has ended
	live  []*unit       // are changed while they run
}

// change finds what an edit changes, and builds what is new; nothing is started,
// stopped or dialled. Where there is an error nothing is left of it; else the change
// is carried out or discarded.
func (s *Supervisor) change(cfg *model.Config) (*change, error) {
	b := s.building(cfg)
	c := &change{building: b}
	before := map[string]*unit{}
	for _, u := range s.all() {
		before[u.def.Name] = u
	}
	for _, def := range cfg.Flows {
		if !b.wants(def) {
			continue
		}
		u := before[def.Name]
		switch {
		case u != nil && u.is.Same(b.identity(def, def)):
			delete(before, def.Name)
		case u != nil && b.changesLive(u, def):
			delete(before, def.Name)
			c.live = append(c.live, u)
		default:
			var err error
			if u, err = b.build(def); err != nil {
				c.discard()
				return nil, err
			}
			c.fresh = append(c.fresh, u)
		}
		c.next, c.defs = append(c.next, u), append(c.defs, def)
	}
	c.leave = slices.Collect(maps.Values(before))
	return c, nil
}

// changesLive reports whether a flow differs from what a unit runs in nothing but
// what can be changed while it runs.
func (b *building) changesLive(u *unit, def *model.Flow) bool {
	return u.flow != nil && def.Enabled && graph.ChangesLive(b.runs, b.cfg, u.def, def) &&
		u.is.Same(b.identity(model.WithoutLive(u.def, def), def))
}

// discard forgets what was built.
func (c *change) discard() { c.sweep(c.all()) }

// end stops what leaves, and waits for it.
func (c *change) end() {
	var wait sync.WaitGroup
	for _, u := range c.leave {
		wait.Go(u.end)
	}
	wait.Wait()
}

// begin changes what stays and starts what is new, after end.
func (c *change) begin() {
	for i, u := range c.next {
		u.def = c.defs[i] // of those that stay, too: it has the places of the new text
	}
	for _, u := range c.live {
		c.update(u)
	}
	c.runs = c.cfg
	c.sweep(c.next)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.units = c.next
	for _, t := range c.teams {
		t.set(c.next)
		t.Select(selection(c.cfg, t.from, t.to))
		if c.run.team != nil && !c.run.ended && !t.joined {
			c.joinLocked(t)
		}
	}
	for _, u := range c.fresh {
		c.startLocked(u)
	}
}

// update changes a running flow. One whose patterns cannot be used keeps its own:
// the topology was checked, so that there is none.
func (c *change) update(u *unit) {
	if err := u.flow.Update(u.def); err != nil {
		c.p.Log.Error("flow not updated", "flow", u.def.Name, "err", err)
		return
	}
	if err := u.control.renew(u.def); err != nil {
		c.p.Log.Error("control plane not updated", "flow", u.def.Name, "err", err)
	}
	u.is = c.identity(u.def, u.def)
}

// sweep closes the clusters that neither units nor teams use, and forgets teams that
// were never joined and have none of the units.
func (s *Supervisor) sweep(units []*unit) {
	used := map[*cluster.Cluster]bool{}
	needed := map[*team]bool{}
	for _, u := range units {
		needed[u.team] = true
		for _, c := range u.uses {
			used[c] = true
		}
	}
	s.mu.Lock()
	s.teams = slices.DeleteFunc(s.teams, func(t *team) bool { return !t.joined && !needed[t] })
	for _, t := range s.teams {
		used[t.target] = true
	}
	var idle []*cluster.Cluster
	for key, c := range s.open {
		if !used[c] {
			idle = append(idle, c)
			delete(s.open, key)
		}
	}
	s.mu.Unlock()
	for _, c := range idle {
		c.Close()
	}
}
