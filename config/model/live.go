package model

import (
	"slices"

	"github.com/strait-mirror/strait/config/field"
)

// ChangesLive reports whether properties of the class field.Live can be changed
// while the flow runs. They cannot where positions are kept by bucket or by a
// consumer group, or where topics are only looked for at the start.
func (f *Flow) ChangesLive() bool {
	return f.MirrorMaker1 == nil && f.Delivery != Transactional && f.Control.RefreshTopicsEnabled
}

// WithoutLive returns after as if before had its properties of the class
// field.Live: where that is equal to before, nothing has to stop for the change.
// Neither is changed.
func WithoutLive(before, after *Flow) *Flow {
	if !before.ChangesLive() || !after.ChangesLive() {
		return after
	}
	out := *after
	out.Stages = slices.Clone(after.Stages)
	takeLive(FlowFields(&out), FlowFields(before))
	if len(before.Stages) != len(after.Stages) {
		return &out
	}
	for i, was := range before.Stages {
		if is := after.Stages[i]; is.Kind == was.Kind && is.Name == was.Name {
			out.Stages[i] = is.clone()
			takeLive(StageFields(out.Stages[i]), StageFields(was))
		}
	}
	return &out
}

// takeLive stores the live properties of from, which are declared in the order of to.
func takeLive(to, from []field.Def) {
	for i, d := range to {
		if d.Reload == field.Live {
			d.Take(from[i])
		}
	}
}
