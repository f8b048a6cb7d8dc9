package model

import (
	"slices"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/field"
)

// StageKind is what a stage does: the first label of its transform block.
type StageKind string

// The kinds of stages.
const (
	StageFilter    StageKind = "filter"    // drops topics by name, and records by a condition
	StageRename    StageKind = "rename"    // gives topics other names
	StagePartition StageKind = "partition" // says which target partition a source partition goes to
	StageWindow    StageKind = "window"    // drops records by their timestamps
	StageHeaders   StageKind = "headers"   // adds, removes, renames and copies headers
	StageMask      StageKind = "mask"      // hides what is at paths of JSON keys or values
	StageSet       StageKind = "set"       // gives records another key, value or timestamp
)

// StageKinds returns the kinds in the order of the documentation.
func StageKinds() []StageKind {
	return []StageKind{StageFilter, StageRename, StagePartition, StageWindow, StageHeaders, StageMask, StageSet}
}

// Doc says in a sentence what stages of the kind do.
func (k StageKind) Doc() string {
	switch k {
	case StageFilter:
		return "Drops topics by the names they have at this point, and records of which a condition is not true; heartbeats pass."
	case StageRename:
		return "Gives topics other names: by a replication policy, a prefix and suffix, a regular expression, or a map."
	case StagePartition:
		return "Says which partition of the target topic the records of a source partition go to."
	case StageWindow:
		return "Keeps the records of a time, by their timestamps. Where the header of a batch tells that all of it is in the window or outside, it is not opened."
	case StageHeaders:
		return "Removes, renames, copies and adds headers of records, in this order, and says where a record came from."
	case StageMask:
		return "Hides what is at paths of JSON keys or values: every other byte stays as it is."
	case StageSet:
		return "Gives records another key, value or timestamp, by CEL expressions over what they were."
	}
	return ""
}

// Needs is what of the data a stage looks at.
type Needs string

// NeedsNames is the need of a stage that is done with topics before any record
// is read: batches of its flow pass through unopened.
const NeedsNames Needs = "names"

// NeedsHeader is the need of a stage that the headers of nearly all batches are
// enough for: only what they do not decide is decompressed.
const NeedsHeader Needs = "header"

// NeedsRecords is the need of a stage that looks at every record: batches of its
// flow are decompressed.
const NeedsRecords Needs = "records"

// OnError is what becomes of a record that a stage cannot be applied to.
type OnError string

// Values of OnError.
const (
	OnErrorFail OnError = "fail" // its partition stops, visibly
	OnErrorDrop OnError = "drop" // it is not copied
	OnErrorPass OnError = "pass" // it goes on as if the stage were not there
	// OnErrorDeadLetter writes it, as the source has it, to the flow's
	// DeadLetterTopic instead of copying it.
	OnErrorDeadLetter OnError = "dead_letter"
)

// Stage is one step of a flow between its source and its sink. Of Filter to Set
// the one of its Kind is set.
type Stage struct {
	Kind StageKind
	Name string // the second label; unique in its flow

	Filter    *FilterStage
	Rename    *RenameStage
	Partition *PartitionStage
	Window    *WindowStage
	Headers   *HeadersStage
	Mask      *MaskStage
	Set       *SetStage

	When    string  // CEL; of a filter: records of which it is not true are dropped; else they are left as they are; "": none are
	OnError OnError // of a stage that may look at records

	Range  diag.Range
	Ranges Places // of what was written
}

// Needs is what of the data the stage looks at.
func (s *Stage) Needs() Needs {
	if s.Filter != nil && s.When != "" || s.Edits() || s.Scatters() {
		return NeedsRecords
	}
	switch {
	case s.Window == nil:
		return NeedsNames
	case s.Window.From != "": // headers do not tell the earliest timestamp
		return NeedsRecords
	}
	return NeedsHeader
}

// Scatters reports whether the stage sends the records of one source partition to
// several target partitions, so that what is in one of those cannot be counted.
func (s *Stage) Scatters() bool { return s.Partition != nil && s.Partition.Mapping == MappingKey }

// FilterStage lets topics pass by name, and their records by a condition.
type FilterStage struct {
	Topics        []string // Java regular expressions, full match, any of
	TopicsExclude []string // beats Topics; default none
}

// RenameStage gives topics other names in one of four ways, of which exactly
// one is written: Policy, Prefix and Suffix, Pattern and Replacement, or Map.
type RenameStage struct {
	Policy      Policy            // "": not by a policy
	Separator   string            // of PolicyDefault
	Prefix      string            // in front of every name
	Suffix      string            // behind every name
	Pattern     string            // Java regular expression; a name that it does not match as a whole is kept
	Replacement string            // what such a name becomes, with $0 and $1 as in Java
	Map         map[string]string // new names by name; others are kept
	Merge       bool              // several topics may get one name here
}

// Mapping says how target partitions follow from source partitions.
type Mapping string

// Values of Mapping.
const (
	MappingIdentity Mapping = "identity" // the same number
	MappingModulo   Mapping = "modulo"   // the number modulo that of target partitions
	MappingKey      Mapping = "key"      // what each record's key names, as in Kafka's producers
)

// PartitionStage says where the records of a source partition go.
type PartitionStage struct {
	Mapping    Mapping
	Partitions int32 // of the target topic; 0: as many as the source has, or the target where it exists
}

// NewStage returns a stage of a kind with every default, or nil where there is
// no such kind.
func NewStage(kind StageKind) *Stage {
	s := &Stage{Kind: kind, Ranges: Places{}}
	switch kind {
	case StageFilter:
		s.Filter = &FilterStage{}
	case StageRename:
		s.Rename = &RenameStage{}
	case StagePartition:
		s.Partition = &PartitionStage{}
	case StageWindow:
		s.Window = &WindowStage{}
	case StageHeaders:
		s.Headers = &HeadersStage{}
	case StageMask:
		s.Mask = &MaskStage{}
	case StageSet:
		s.Set = &SetStage{}
	default:
		return nil
	}
	for _, d := range StageFields(s) {
		d.ApplyDefault(field.HCL)
	}
	return s
}

// StageFields declares the attributes of a stage of its kind.
func StageFields(s *Stage) []field.Def {
	switch s.Kind {
	case StageFilter:
		return filterFields(s)
	case StageRename:
		return renameFields(s.Rename)
	case StagePartition:
		return partitionFields(s.Partition)
	case StageWindow:
		return windowFields(s.Window)
	case StageHeaders:
		return append(headersFields(s.Headers), editFields(s)...)
	case StageMask:
		return append(maskFields(s.Mask), editFields(s)...)
	case StageSet:
		return append(setFields(s.Set), editFields(s)...)
	}
	return nil
}

func filterFields(s *Stage) []field.Def {
	f := s.Filter
	return []field.Def{
		field.List(&f.Topics, "topics", "Topics that pass; a name that matches any pattern does.").
			Default(".*").Patterns().Changes(field.Live),
		field.List(&f.TopicsExclude, "topics_exclude", "Topics that do not pass, even where topics matches.").
			Patterns().Changes(field.Live),
		field.String(&s.When, "when",
			"CEL expression over key, value, headers, timestamp, offset, partition and topic, and json(\"a.b\") of the value; records of which it is not true are not copied. Batches of the flow are decompressed, and built anew where a record is dropped."),
		field.Enum(&s.OnError, "on_error", onErrors(),
			"What becomes of a record for which when comes to an error: its partition stops, it is not copied, it is copied, or it is written to dead_letter_topic instead.").
			Default("fail"),
	}
}

func renameFields(r *RenameStage) []field.Def {
	return []field.Def{
		field.Enum(&r.Policy, "policy", []Policy{PolicyDefault, PolicyIdentity},
			"Names topics as MirrorMaker 2's replication policies do: <source><separator><topic>, or unchanged.").
			Changes(field.Destructive),
		field.String(&r.Separator, "separator", "Between source alias and topic, with policy = \"default\".").
			Default(".").Changes(field.Destructive),
		field.String(&r.Prefix, "prefix", "Put in front of every name.").Changes(field.Destructive),
		field.String(&r.Suffix, "suffix", "Put behind every name.").Changes(field.Destructive),
		field.String(&r.Pattern, "pattern",
			"Java regular expression; names that it matches as a whole are replaced, all others are kept.").
			Changes(field.Destructive),
		field.String(&r.Replacement, "replacement",
			"What a name that pattern matches becomes; $1 is what its first group matched, $0 the whole name, \\$ a dollar.").
			Changes(field.Destructive),
		field.Map(&r.Map, "map", "New names by name; names that are not in it are kept.").Changes(field.Destructive),
		field.Bool(&r.Merge, "merge",
			"Whether topics may get one name here. Without it such topics are reported and not mirrored.").
			Default("false").Changes(field.Destructive),
	}
}

func partitionFields(p *PartitionStage) []field.Def {
	return []field.Def{
		field.Enum(&p.Mapping, "mapping", []Mapping{MappingIdentity, MappingModulo, MappingKey},
			"identity keeps the number of a partition, modulo divides it by the number of target partitions and keeps the rest. key sends each record where Kafka's producers send its key, as the stages leave it (murmur2, DefaultPartitioner), and one without a key where modulo does: batches are decompressed, and the flow needs delivery = \"transactional\".").
			Default("identity").Changes(field.Destructive),
		field.Int(&p.Partitions, "partitions", 0, 100000,
			"Partitions of the target topic, which is created or grown to so many; 0 means as many as the source has, or with modulo and key as many as an existing target has.").
			Default("0").Changes(field.Destructive),
	}
}

// Scatters reports whether a stage of f scatters records.
func (f *Flow) Scatters() bool { return slices.ContainsFunc(f.Stages, (*Stage).Scatters) }

// Renames reports whether a stage of f names topics.
func (f *Flow) Renames() bool {
	return slices.ContainsFunc(f.Stages, func(s *Stage) bool { return s.Kind == StageRename })
}

// PartitionMapping returns how target partitions follow from source partitions:
// what the partition stage says, or its defaults.
func (f *Flow) PartitionMapping() PartitionStage {
	for _, s := range f.Stages {
		if s.Kind == StagePartition {
			return *s.Partition
		}
	}
	return *NewStage(StagePartition).Partition
}

// KeepStageNames has the names that stages gave stay as they are: where a rename
// stage names topics and nothing says replication_policy, it is identity.
// Readers call it when a flow is complete.
func (f *Flow) KeepStageNames() {
	if _, written := f.Ranges["replication_policy"]; f.Renames() && !written {
		f.ReplicationPolicy = PolicyIdentity
	}
}

// Key is the key of the entry called key in the map called name, in Places.
func Key(name, key string) string { return name + "[" + key + "]" }
