// Package judge owns the meeting of stages and batches: which records of a stored
// batch the record stages of a flow keep, and what they make of them. The same
// answer is needed where records are copied and where they are counted. What stages
// say is the business of transforms/program, how records are stored that of
// flows/internal/batch.
package judge

import (
	"bytes"
	"errors"

	"github.com/strait-mirror/strait/flows/internal/batch"
	"github.com/strait-mirror/strait/transforms/program"
	"github.com/strait-mirror/strait/transforms/record"
)

// Judge applies the record stages of a flow to a partition. It serves one goroutine
// at a time, and remembers the first error. A nil Judge keeps all.
type Judge struct {
	program *program.Program
	seen    record.Record
	made    []byte            // what a changed record holds, until the next one
	names   map[string]string // of headers, so that those of a record are not made anew
	err     error

	dead []Dead // of the batch

	stages  []string        // their names
	counts  []program.Count // of the batch, by stage
	counted int64           // offset up to which they are: records are seen again when their batch has to be made smaller
}

// Dead is a record that is to be written to the flow's topic for those that stages
// cannot be applied to.
type Dead struct {
	record.Record // as the source has it; a copy
	Err           *program.Error
}

// New returns the judge of the records of a source partition; nil: all are kept.
func New(p *program.Program, topic string, partition int32) *Judge {
	if p == nil {
		return nil
	}
	return &Judge{
		program: p, names: map[string]string{}, seen: record.Record{Topic: topic, Partition: partition},
		stages: p.Stages(), counts: make([]program.Count, len(p.Stages())), counted: -1,
	}
}

// Keeps reports whether a record is in the lane's stream, and makes of it what it
// is there. Both depend on the record alone, so that they are the same when it is
// counted after a crash. What stands behind an error is not looked at any more: the
// lane stops there.
func (j *Judge) Keeps(r *batch.Record) bool {
	if j == nil {
		return true
	}
	if j.err != nil {
		return false
	}
	s := &j.seen
	s.Offset, s.Timestamp, s.Key, s.Value, s.Headers, s.Changed = r.Offset, r.Timestamp, r.Key, r.Value, s.Headers[:0], false
	if j.program.Headers() {
		for key, value := range r.EachHeader() {
			s.Headers = append(s.Headers, record.Header{Key: j.name(key), Value: value})
		}
	}
	counts := j.counts
	if r.Offset <= j.counted {
		counts = nil
	}
	keep, err := j.program.Apply(s, counts)
	j.counted = max(j.counted, r.Offset)
	if e, ok := errors.AsType[*program.Error](err); ok && e.DeadLetter {
		j.bury(r, e)
		return false
	}
	if j.err = err; keep && s.Changed {
		r.Timestamp = s.Timestamp
		j.made = r.Replace(j.made[:0], s.Key, s.Value, len(s.Headers), s.EachHeader())
	}
	return keep
}

// Names of headers that are remembered. Where there are more, or longer ones, they
// are data.
const (
	manyNames = 256
	longName  = 128
)

// name returns the name of a header.
func (j *Judge) name(key []byte) string {
	if name, ok := j.names[string(key)]; ok { // allocates nothing
		return name
	}
	if len(j.names) == manyNames {
		clear(j.names)
	}
	name := string(key)
	if len(name) <= longName {
		j.names[name] = name
	}
	return name
}

// bury keeps a copy of a record. One that is seen again, since its batch has to be
// made smaller, is there already.
func (j *Judge) bury(r *batch.Record, e *program.Error) {
	if n := len(j.dead); n > 0 && j.dead[n-1].Offset >= r.Offset {
		return
	}
	d := Dead{Err: e, Record: record.Record{
		Topic: j.seen.Topic, Partition: j.seen.Partition, Offset: r.Offset, Timestamp: r.Timestamp,
		Key: bytes.Clone(r.Key), Value: bytes.Clone(r.Value),
	}}
	for key, value := range r.EachHeader() {
		d.Headers = append(d.Headers, record.Header{Key: j.name(key), Value: bytes.Clone(value)})
	}
	j.dead = append(j.dead, d)
}

// Dead returns the dead letters of the last edit. They are of use until the next.
func (j *Judge) Dead() []Dead {
	if j == nil {
		return nil
	}
	return j.dead
}

// Begin forgets the error, the dead letters and the counts of the batch before.
func (j *Judge) Begin() {
	if j != nil {
		clear(j.dead)
		j.err, j.dead = nil, j.dead[:0]
		clear(j.counts)
		j.counted = -1
	}
}

// Count counts a batch that Whole tells all of, of which records are the lane's.
func (j *Judge) Count(b batch.Batch, records int64) {
	if j != nil {
		j.Begin()
		j.program.Count(times(b), records, j.counts)
	}
}

// Counts returns the names of the stages, and what they made of the last batch. The
// counts are of use until the next.
func (j *Judge) Counts() ([]string, []program.Count) {
	if j == nil {
		return nil, nil
	}
	return j.stages, j.counts
}

// Whole reports whether all records of a batch are kept as they are, or none is;
// known is false where its header does not tell.
func (j *Judge) Whole(b batch.Batch) (keep, known bool) {
	switch {
	case j == nil:
		return true, true
	case b.Magic() < 2 || b.Count() == 0:
		return false, false
	}
	return j.program.Whole(times(b))
}

func times(b batch.Batch) program.Times {
	return program.Times{Max: b.MaxTimestamp(), Equal: b.LogAppendTime() || b.Count() == 1}
}

// Edit has an edit of a batch do what the lane's stages say. whole says that the
// batch can pass as it is where that is nothing.
func (j *Judge) Edit(b batch.Batch, e batch.Edit, whole bool) batch.Edit {
	j.Begin()
	if keep, _ := j.Whole(b); !keep {
		e.Keep, e.Spare = j.Keeps, whole
	} else if j != nil {
		j.Count(b, int64(b.Count()))
	}
	return e
}

// Failed returns the error of the last edit, or of what was counted.
func (j *Judge) Failed() error {
	if j == nil {
		return nil
	}
	return j.err
}

// Name is the part of a lane's selection that stages are: a "+" and what stands
// for their text.
func (j *Judge) Name() string {
	if j == nil {
		return ""
	}
	return "+" + j.program.Name()
}
