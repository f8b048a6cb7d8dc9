package model

import (
	"slices"

	"github.com/strait-mirror/strait/config/field"
)

// HeadersStage changes the headers of records: first Remove, then Rename, Copy, Add
// and Provenance.
type HeadersStage struct {
	Remove     []string          // names; all headers of the name go
	Rename     map[string]string // new names by name
	Copy       map[string]string // name that is copied from, by the name of the copy
	Add        map[string]string // texts by name
	Provenance string            // what the names of four headers begin with that say where a record came from; "": none
}

// MaskStage hides parts of JSON documents.
type MaskStage struct {
	Part    Part
	Format  string            // "json"
	Fields  map[string]string // what becomes of a value, by its path: a MaskAction
	Replace map[string]string // text that takes the place of a value, by its path
	Salt    Secret            // keys the hashes; none: everybody can hash a guess and compare
}

// Part is a part of a record.
type Part string

// Values of Part.
const (
	PartKey   Part = "key"
	PartValue Part = "value"
)

// MaskAction is what becomes of a value in a JSON document.
type MaskAction string

// Values of MaskAction.
const (
	MaskDrop   MaskAction = "drop"   // it is taken out, with its name
	MaskNull   MaskAction = "null"   // null is in its place
	MaskBlank  MaskAction = "blank"  // the empty value of its type: "", 0, false, [] or {}
	MaskSHA256 MaskAction = "sha256" // its SHA-256 in hexadecimal, of a text without its quotes; with a salt its HMAC
)

// MaskActions returns all of them.
func MaskActions() []MaskAction { return []MaskAction{MaskDrop, MaskNull, MaskBlank, MaskSHA256} }

// SetStage computes parts of a record from what it was before the stage.
type SetStage struct {
	Key       string // CEL; "": the key stays
	Value     string // CEL; "": the value stays
	Timestamp string // CEL; "": the timestamp stays
}

// Edits reports whether the stage changes what is in records, and drops none but
// those that on_error drops.
func (s *Stage) Edits() bool { return s.Headers != nil || s.Mask != nil || s.Set != nil }

// Names reports whether the stage says what topics are called or where their
// partitions go.
func (s *Stage) Names() bool { return s.Rename != nil || s.Partition != nil }

func onErrors() []OnError { return []OnError{OnErrorFail, OnErrorDrop, OnErrorPass, OnErrorDeadLetter} }

// DeadLetters reports whether a stage of the flow writes to DeadLetterTopic.
func (f *Flow) DeadLetters() bool {
	return slices.ContainsFunc(f.Stages, func(s *Stage) bool { return s.OnError == OnErrorDeadLetter && s.Needs() == NeedsRecords })
}

// editFields are those of every stage that edits records.
func editFields(s *Stage) []field.Def {
	return []field.Def{
		field.String(&s.When, "when",
			"CEL expression as in a filter; records of which it is not true are left as they are. None: all are edited."),
		field.Enum(&s.OnError, "on_error", onErrors(),
			"What becomes of a record that the stage cannot be applied to: its partition stops, it is not copied, it is copied as it came to the stage, or it is written to dead_letter_topic instead, as the source has it.").
			Default("fail"),
	}
}

func headersFields(h *HeadersStage) []field.Def {
	return []field.Def{
		field.List(&h.Remove, "remove", "Names of headers that are taken out, each as often as it occurs."),
		field.Map(&h.Rename, "rename", "New names of headers by name; order and values stay."),
		field.Map(&h.Copy, "copy", "Headers that are added, each with the value of the last header that its text names; none where there is no such header."),
		field.Map(&h.Add, "add", "Headers that are added behind all others, with their texts. One that is there already stays as well: take it out with remove."),
		field.String(&h.Provenance, "provenance",
			"Adds four headers whose names begin so, as in \"strait.\": cluster, topic, partition and offset of the source, as texts."),
	}
}

func maskFields(m *MaskStage) []field.Def {
	return []field.Def{
		field.Enum(&m.Part, "part", []Part{PartValue, PartKey}, "Which part of the record is the document. Records without it pass.").Default("value"),
		field.Enum(&m.Format, "format", []string{"json"}, "How documents are written.").Default("json"),
		field.Map(&m.Fields, "fields",
			"What becomes of values, by their paths, such as customer.email or items.*.card: drop takes the value out with its name, null and blank leave a null or the empty value of its type, sha256 its hash. Paths that a document does not have are passed over."),
		field.Map(&m.Replace, "replace", "Texts that take the place of values, by their paths."),
		field.Secret(func(v string) { m.Salt = NewSecret(v) }, func() string { return m.Salt.Reveal() }, "salt",
			"Key of the hashes (HMAC-SHA256), so that nobody without it can try guesses."),
	}
}

func setFields(w *SetStage) []field.Def {
	return []field.Def{
		field.String(&w.Key, "key", "CEL expression that comes to the new key: bytes, a text, or null for none."),
		field.String(&w.Value, "value", "CEL expression that comes to the new value: bytes, a text, or null for a tombstone."),
		field.String(&w.Timestamp, "timestamp", "CEL expression that comes to the new timestamp, or to milliseconds since 1970."),
	}
}
