// Package compare is the independent judge of mirrored topics: it reads topics
// with a plain decoding reader of its own and says record by record whether the
// target holds what the source holds.
//
// It shares no code with Strait, so that an error in how Strait reads or writes
// batches cannot hide itself. It only reads clusters; package shapes writes
// them and package kafka runs them.
package compare

import (
	"bytes"
	"cmp"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
)

// Header is one header of a record. A nil value is not an empty one.
type Header struct {
	Key   string
	Value []byte
}

// The types of a record's timestamp.
const (
	NoTimestamp   int8 = -1 // message format 0 has none
	CreateTime    int8 = 0
	LogAppendTime int8 = 1
)

// Record is one record as a consumer sees it. A nil key or value is not an
// empty one.
type Record struct {
	Partition     int32
	Offset        int64
	Timestamp     int64 // milliseconds since 1970
	TimestampType int8
	Key, Value    []byte
	Headers       []Header // in order, duplicates included
}

// String describes a record on one line.
func (r Record) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%d@%d key %s value %s time %d", r.Partition, r.Offset, quote(r.Key), quote(r.Value), r.Timestamp)
	for _, h := range r.Headers {
		fmt.Fprintf(&s, " %s=%s", quote([]byte(h.Key)), quote(h.Value))
	}
	return s.String()
}

// quote shows the beginning of some bytes.
func quote(b []byte) string {
	const most = 24
	switch {
	case b == nil:
		return "null"
	case len(b) > most:
		return fmt.Sprintf("%q… (%d bytes)", b[:most], len(b))
	default:
		return fmt.Sprintf("%q", b)
	}
}

// Options say what counts as equal.
type Options struct {
	// AllowDuplicates lets the target go back any number of times to a record
	// it has had and go on from there. What it repeats must be exact, in order
	// and without a gap.
	AllowDuplicates bool
	// Offsets wants each record at its source offset, which rules duplicates
	// out.
	Offsets bool
	// IgnoreTimestamps suits a target that stamps records itself.
	IgnoreTimestamps bool
}

// sameBytes tells null from empty.
func sameBytes(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) }

// sameHeader compares names and values.
func sameHeader(a, b Header) bool { return a.Key == b.Key && sameBytes(a.Value, b.Value) }

// changes lists which parts of two records differ.
func (o Options) changes(source, target Record) []string {
	var c []string
	if !sameBytes(source.Key, target.Key) {
		c = append(c, "key")
	}
	if !sameBytes(source.Value, target.Value) {
		c = append(c, "value")
	}
	if !slices.EqualFunc(source.Headers, target.Headers, sameHeader) {
		c = append(c, "headers")
	}
	if !o.IgnoreTimestamps && source.Timestamp != target.Timestamp {
		c = append(c, "timestamp")
	}
	return c
}

// same reports whether target is a copy of source; where is not part of it.
func (o Options) same(source, target Record) bool { return len(o.changes(source, target)) == 0 }

// digest is a hash of what same compares.
func (o Options) digest(seed maphash.Seed, r Record) uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	put := func(b []byte) {
		n := int64(len(b))
		if b == nil {
			n = -1
		}
		maphash.WriteComparable(&h, n)
		_, _ = h.Write(b) // never fails, says its documentation
	}
	put(r.Key)
	put(r.Value)
	for _, header := range r.Headers {
		put([]byte(header.Key))
		put(header.Value)
	}
	if !o.IgnoreTimestamps {
		maphash.WriteComparable(&h, r.Timestamp)
	}
	return h.Sum64()
}

// Kind is a kind of damage.
type Kind string

// The kinds of damage.
const (
	Missing    Kind = "missing"    // in the source only
	Extra      Kind = "extra"      // in the target only
	Duplicate  Kind = "duplicate"  // more often in the target than in the source
	Reordered  Kind = "reordered"  // before or after records it followed or preceded
	Changed    Kind = "changed"    // in its place, with other content
	Moved      Kind = "moved"      // equal, at another offset; only with Options.Offsets
	BrokenCopy Kind = "brokencopy" // a repeated run that is not what was there before
)

// Finding describes one case of damage.
type Finding struct {
	Kind      Kind
	Partition int32
	Source    *Record // nil where there is none
	Target    *Record // nil where there is none
	Detail    string  // what more there is to say
}

// String describes a finding on one line.
func (f Finding) String() string {
	s := fmt.Sprintf("%s in partition %d", f.Kind, f.Partition)
	if f.Detail != "" {
		s += ": " + f.Detail
	}
	if f.Source != nil {
		s += "; source " + f.Source.String()
	}
	if f.Target != nil {
		s += "; target " + f.Target.String()
	}
	return s
}

// described is how many findings of each kind a report keeps.
const described = 5

// Report is the result of a comparison.
type Report struct {
	Source     int64          // records read from the source
	Target     int64          // records read from the target
	Duplicates int64          // records of the target that repeat earlier ones
	Runs       int64          // how often the target went back; only with AllowDuplicates
	Damage     map[Kind]int64 // number of cases
	Findings   []Finding      // the first few of each kind
	Stopped    []int32        // partitions that a streaming comparison gave up after damage
}

// add counts a case and keeps it if it is among the first of its kind.
func (r *Report) add(f Finding) {
	if r.Damage == nil {
		r.Damage = map[Kind]int64{}
	}
	r.Damage[f.Kind]++
	if r.Damage[f.Kind] <= described {
		r.Findings = append(r.Findings, f)
	}
}

// merge adds another partition's report.
func (r *Report) merge(o Report) {
	r.Source += o.Source
	r.Target += o.Target
	r.Duplicates += o.Duplicates
	r.Runs += o.Runs
	r.Stopped = append(r.Stopped, o.Stopped...)
	kept := map[Kind]int{}
	for _, f := range r.Findings {
		kept[f.Kind]++
	}
	for _, f := range o.Findings {
		if kept[f.Kind]++; kept[f.Kind] <= described {
			r.Findings = append(r.Findings, f)
		}
	}
	for k, n := range o.Damage {
		if r.Damage == nil {
			r.Damage = map[Kind]int64{}
		}
		r.Damage[k] += n
	}
}

// String sums the report up and lists the findings.
func (r Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d source records, %d target records, %d duplicates in %d runs", r.Source, r.Target, r.Duplicates, r.Runs)
	kinds := make([]Kind, 0, len(r.Damage))
	for k := range r.Damage {
		kinds = append(kinds, k)
	}
	slices.SortFunc(kinds, func(a, b Kind) int { return cmp.Compare(a, b) })
	for _, k := range kinds {
		fmt.Fprintf(&b, ", %d %s", r.Damage[k], k)
	}
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "\n  %s", f)
	}
	if len(r.Stopped) > 0 {
		fmt.Fprintf(&b, "\n  not compared to the end after damage: partitions %v", r.Stopped)
	}
	return b.String()
}

// Err returns an error that describes the damage, or nil where there is none.
func (r Report) Err() error {
	if len(r.Damage) == 0 {
		return nil
	}
	return fmt.Errorf("comparing topics: %s", r)
}
