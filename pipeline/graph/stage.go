package graph

import (
	"fmt"
	"strings"

	"github.com/strait-mirror/strait/config/model"
)

// needsOf is how much of a record batch a stage has to see: what is not known
// to be less is all of it.
func needsOf(s *model.Stage) Needs {
	if s.Needs() == model.NeedsNames {
		return NeedsNames
	}
	return NeedsRecords
}

// doing says what a stage does, in a few words.
func doing(s *model.Stage) string {
	switch s.Kind {
	case model.StageFilter:
		return filtering(s.Filter)
	case model.StageRename:
		text := renaming(s.Rename)
		if s.Rename.Merge {
			text += ", several to one"
		}
		return text
	case model.StagePartition:
		return partitioning(s.Partition)
	}
	return ""
}

func filtering(f *model.FilterStage) string {
	text := "topics " + strings.Join(f.Topics, ", ")
	if len(f.TopicsExclude) > 0 {
		text += " without " + strings.Join(f.TopicsExclude, ", ")
	}
	if f.When != "" {
		text += ", records where " + f.When
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
	case p.Mapping == model.MappingModulo && p.Partitions > 0:
		return fmt.Sprintf("partitions modulo %d", p.Partitions)
	case p.Mapping == model.MappingModulo:
		return "partitions modulo those of the target"
	case p.Partitions > 0:
		return fmt.Sprintf("partitions unchanged, at least %d", p.Partitions)
	}
	return "partitions unchanged"
}
