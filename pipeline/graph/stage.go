package graph

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/strait-mirror/strait/config/model"
)

// needsOf is how much of a record batch a stage has to see: what is not known
// to be less is all of it.
func needsOf(s *model.Stage) Needs {
	switch s.Needs() {
	case model.NeedsNames:
		return NeedsNames
	case model.NeedsHeader:
		return NeedsHeader
	case model.NeedsRecords:
	}
	return NeedsRecords
}

// doing says what a stage does, in a few words.
func doing(s *model.Stage) string {
	switch s.Kind {
	case model.StageFilter:
		return filtering(s)
	case model.StageRename:
		text := renaming(s.Rename)
		if s.Rename.Merge {
			text += ", several to one"
		}
		return text
	case model.StagePartition:
		return partitioning(s.Partition)
	case model.StageWindow:
		return windowing(s.Window)
	case model.StageHeaders, model.StageMask, model.StageSet:
		return editing(s)
	}
	return ""
}

func filtering(s *model.Stage) string {
	f := s.Filter
	text := "topics " + strings.Join(f.Topics, ", ")
	if len(f.TopicsExclude) > 0 {
		text += " without " + strings.Join(f.TopicsExclude, ", ")
	}
	if s.When != "" {
		text += ", records where " + s.When
	}
	return text
}

func windowing(w *model.WindowStage) string {
	text := "records"
	if w.From != "" {
		text += " from " + w.From
	}
	if w.Until != "" {
		text += " until " + w.Until
	}
	return text
}

// editing says what of a record a stage changes; values it does not say, which may
// be private.
func editing(s *model.Stage) string {
	var parts []string
	add := func(what string, names []string) {
		if slices.Sort(names); len(names) > 0 {
			parts = append(parts, what+" "+strings.Join(names, ", "))
		}
	}
	switch {
	case s.Headers != nil:
		h := s.Headers
		add("without headers", slices.Clone(h.Remove))
		add("headers renamed:", slices.Collect(maps.Keys(h.Rename)))
		add("headers copied to", slices.Collect(maps.Keys(h.Copy)))
		add("with headers", slices.Collect(maps.Keys(h.Add)))
		if h.Provenance != "" {
			parts = append(parts, "with headers "+h.Provenance+"*")
		}
	case s.Mask != nil:
		paths := slices.Collect(maps.Keys(s.Mask.Fields))
		add(string(s.Mask.Part)+" without", slices.AppendSeq(paths, maps.Keys(s.Mask.Replace)))
	case s.Set != nil:
		for _, one := range []struct{ name, text string }{{"key", s.Set.Key}, {"value", s.Set.Value}, {"timestamp", s.Set.Timestamp}} {
			if one.text != "" {
				parts = append(parts, one.name+" = "+one.text)
			}
		}
	}
	text := strings.Join(parts, "; ")
	if s.When != "" {
		text += ", where " + s.When
	}
	return text
}

func renaming(r *model.RenameStage) string {
	switch {
	case r.Pattern != "" || r.Replacement != "":
		return r.Pattern + " to " + r.Replacement
	case r.Policy == model.PolicyIdentity:
		return "names unchanged"
	case r.Policy != "":
		return "named <source>" + r.Separator + "<topic>"
	case len(r.Map) == 1:
		return "one name by a map"
	case r.Map != nil:
		return fmt.Sprintf("%d names by a map", len(r.Map))
	}
	return fmt.Sprintf("named %s<topic>%s", r.Prefix, r.Suffix)
}

func partitioning(p *model.PartitionStage) string {
	switch {
	case p.Mapping == model.MappingKey && p.Partitions > 0:
		return fmt.Sprintf("to the partitions that keys name, of %d", p.Partitions)
	case p.Mapping == model.MappingKey:
		return "to the partitions that keys name"
	case p.Mapping == model.MappingModulo && p.Partitions > 0:
		return fmt.Sprintf("partitions modulo %d", p.Partitions)
	case p.Mapping == model.MappingModulo:
		return "partitions modulo those of the target"
	case p.Partitions > 0:
		return fmt.Sprintf("partitions unchanged, at least %d", p.Partitions)
	}
	return "partitions unchanged"
}
