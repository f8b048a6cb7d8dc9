package load

import (
	"maps"
	"slices"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/model"
)

// refuseProperties reports what properties = {} of HCL says: nothing reads it
// yet, and a connection must not be less than what its file asks for.
func (l *loader) refuseProperties(cfg *model.Config) {
	refuse := func(properties map[string]model.Property) {
		for _, key := range slices.Sorted(maps.Keys(properties)) {
			l.problems.Add(diag.Errorf(diag.CodeNoEffect, properties[key].Range, "properties: %q has no effect yet", key).
				WithFix("write the attribute or block of the same meaning (docs/reference), or give the setting in an mm2.properties and include that"))
		}
	}
	for _, c := range cfg.Clusters {
		refuse(c.Properties)
	}
	for _, f := range cfg.Flows {
		refuse(f.Properties)
	}
}
