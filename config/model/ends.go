package model

import (
	"slices"

	"github.com/strait-mirror/strait/config/field"
)

// EndFields divides the attributes of a flow between its two ends: what selects
// topics and says how they are read belongs to the source, the rest to the sink.
func EndFields(defs []field.Def) (source, sink []field.Def) {
	selects := []string{"topics", "topics_exclude", "default_excludes", "refresh_topics_interval", "bytes_per_second", "records_per_second"}
	for _, d := range defs {
		if d.Scope == field.ScopeConsumer || slices.Contains(selects, d.Name) {
			source = append(source, d)
		} else {
			sink = append(sink, d)
		}
	}
	return source, sink
}
