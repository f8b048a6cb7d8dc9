package supervisor

import (
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/transforms/chain"
)

// taken returns which flow has the positions of a source topic where f would
// have its own: an enabled one between the same clusters, before f in the file,
// that owns its offsets as f does. nil means that there is none.
func taken(f *model.Flow, all []*model.Flow) func(topic string) string {
	if !f.SharesOffsets() {
		return nil
	}
	type rival struct {
		name  string
		chain *chain.Chain
	}
	var rivals []rival
	for _, o := range all {
		if o == f {
			break
		}
		if !o.Enabled || o.From != f.From || o.To != f.To || !o.SharesOffsets() {
			continue
		}
		if c, problems := chain.ForFlow(o); !problems.HasErrors() {
			rivals = append(rivals, rival{o.Name, c})
		}
	}
	if rivals == nil {
		return nil
	}
	return func(topic string) string {
		for _, r := range rivals {
			if r.chain.Selected(topic) {
				return r.name
			}
		}
		return ""
	}
}
