package mirror

import (
	"cmp"
	"slices"
	"time"
)

// Partition is where one source partition and its copy are.
type Partition struct {
	Topic, Target              string // on the source, on the target
	Partition, TargetPartition int32

	State, Cause string // Starting, Running, Stopped or Unhealthy, and why it is the last

	Next      int64 // source offset that is to be copied next; -1: not known yet
	TargetEnd int64 // behind the last copy; -1: not known yet
	End       int64 // readable end of the source; -1: not seen yet
	Start     int64 // oldest offset that the source holds; -1: not seen yet

	LagRecords       int64 // -1: not known yet
	LagTime          time.Duration
	LagTimeEstimated bool  // it goes by a record's timestamp
	Records, Bytes   int64 // acknowledged by the target since the partition was started
	Pending          int64 // records that were read and that the target has not acknowledged

	Age, Replication     Recent  // seconds: of records when they were fetched, and when they were acknowledged
	RecordRate, ByteRate float64 // acknowledged by the target, per second
}

// Recent is what there was of a value in the last minute; NaN where there was nothing.
type Recent struct {
	Last                 float64 // also long ago
	Average, Least, Most float64
	PerSecond            float64
}

// Partitions returns where every partition of the flow is, by topic and partition.
func (f *Flow) Partitions() []Partition {
	f.mu.Lock()
	s := f.session
	f.mu.Unlock()
	if s == nil {
		return nil
	}
	now := time.Now()
	lanes := s.list()
	all := make([]Partition, 0, len(lanes))
	for _, l := range lanes {
		all = append(all, l.partition(now))
	}
	slices.SortFunc(all, func(a, b Partition) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	return all
}

// partition is where the lane is.
func (l *lane) partition(now time.Time) Partition {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := Partition{
		Topic: l.source.Topic, Partition: l.source.Partition, Target: l.target.Topic, TargetPartition: l.target.Partition,
		State: Starting, Next: -1, TargetEnd: -1, End: l.bounds.readable, Start: l.bounds.start, LagRecords: -1,
		Records: l.done.records, Bytes: l.done.bytes, Pending: l.marks.pending(),
		Age: Recent(l.lately.age.At(now)), Replication: Recent(l.lately.replication.At(now)),
		RecordRate: l.lately.records.At(now).PerSecond, ByteRate: l.lately.bytes.At(now).PerSecond,
	}
	if l.placed {
		p.State, p.Next, p.TargetEnd = Running, l.ack.SourceNext, l.ack.TargetEnd
	}
	if l.placed && p.End >= 0 {
		p.LagRecords = max(0, p.End-p.Next)
	}
	if p.LagRecords > 0 {
		p.LagTime, p.LagTimeEstimated = l.lagTimeLocked(now)
	}
	if l.finished {
		p.State = Stopped
	}
	for _, problem := range l.problems {
		if problem != nil && (problem.Stopped || p.Cause == "") {
			p.State, p.Cause = Unhealthy, problem.Err.Error()
		}
	}
	return p
}
