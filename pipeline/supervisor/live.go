package supervisor

import (
	"slices"

	"github.com/strait-mirror/strait/config/model"
)

// differsLive reports whether a topology differs from what a ship runs in nothing
// but what can be changed while its flows run. Flows that share the positions of
// their topics are not among those: one of them would have to leave a topic before
// another begins with it.
func (f *Fleet) differsLive(s *ship, cfg *model.Config) bool {
	same := *cfg
	same.Flows = slices.Clone(cfg.Flows)
	for i, def := range cfg.Flows {
		if !s.p.mine(def) {
			continue
		}
		before := flowNamed(s.runs, def.Name)
		if before == nil || taken(def, cfg.Flows) != nil {
			return false
		}
		if def.Enabled {
			same.Flows[i] = model.WithoutLive(before, def)
		}
	}
	return s.is.Same(f.identity(&same, s.pair))
}

func flowNamed(cfg *model.Config, name string) *model.Flow {
	if i := slices.IndexFunc(cfg.Flows, func(o *model.Flow) bool { return o.Name == name }); i >= 0 {
		return cfg.Flows[i]
	}
	return nil
}

// update changes a running ship to what a topology says, of which differsLive says
// that it is all it takes. A flow whose patterns cannot be used keeps its own: the
// topology was checked, so that there is none.
func (f *Fleet) update(s *ship, cfg *model.Config) {
	for i, flow := range s.flows {
		def := flowNamed(cfg, flow.Name())
		if f.key.Identify(def).Same(f.key.Identify(flowNamed(s.runs, flow.Name()))) {
			continue
		}
		if err := flow.Update(def); err != nil {
			s.p.Log.Error("flow not updated", "flow", flow.Name(), "err", err)
			continue
		}
		if err := s.control[i].renew(def); err != nil {
			s.p.Log.Error("control plane not updated", "flow", flow.Name(), "err", err)
		}
	}
	for _, t := range s.teams {
		t.Select(selection(cfg, t.from, t.to))
	}
	s.runs, s.is = cfg, f.identity(cfg, s.pair)
}
