package supervisor

import (
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/transforms/chain"
)

// owners knows which flows have the positions of which topics; each chain is made
// once, however many ask for it.
type owners struct{ chains map[*model.Flow]*chain.Chain }

// taken returns which flow has the positions of a source topic where f would
// have its own: an enabled one between the same clusters, before f in the file,
// that owns its offsets as f does. nil means that there is none.
func (o *owners) taken(f *model.Flow, all []*model.Flow) func(topic string) string {
	var rivals []*model.Flow
	for _, other := range all {
		if other == f {
			break
		}
		if model.Rivals(other, f) {
			rivals = append(rivals, other)
		}
	}
	if rivals == nil {
		return nil
	}
	chains := make([]*chain.Chain, len(rivals))
	for i, r := range rivals {
		chains[i] = o.chain(r)
	}
	return func(topic string) string {
		for i, r := range rivals {
			if chains[i] != nil && chains[i].Selected(topic) {
				return r.Name
			}
		}
		return ""
	}
}

// chain is nil for a flow whose stages cannot be used, which the flow itself says.
func (o *owners) chain(f *model.Flow) *chain.Chain {
	c, known := o.chains[f]
	if !known {
		if made, problems := chain.ForFlow(f); !problems.HasErrors() {
			c = made
		}
		if o.chains == nil {
			o.chains = map[*model.Flow]*chain.Chain{}
		}
		o.chains[f] = c
	}
	return c
}
