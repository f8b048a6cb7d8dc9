package supervisor

import (
	"sync"
	"time"

	"github.com/strait-mirror/strait/flows/mirror"
	"github.com/strait-mirror/strait/pipeline/status"
)

// rate turns growing totals into a rate over about the last five seconds.
type rate struct {
	mu      sync.Mutex // guards samples
	samples []sample
}

type sample struct {
	at             time.Time
	records, bytes int64
}

// span is how far back a rate looks.
const span = 5 * time.Second

func (r *rate) add(s sample) (records, bytes float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.samples) > 1 && s.at.Sub(r.samples[1].at) >= span {
		r.samples = r.samples[1:]
	}
	if n := len(r.samples); n == 0 || s.at.Sub(r.samples[n-1].at) >= span/20 {
		r.samples = append(r.samples, s)
	}
	first := r.samples[0]
	elapsed := s.at.Sub(first.at).Seconds()
	if elapsed <= 0 {
		return 0, 0
	}
	return float64(s.records-first.records) / elapsed, float64(s.bytes-first.bytes) / elapsed
}

func flowStatus(f *mirror.Flow, r *rate, now time.Time) status.Flow {
	st := f.Status()
	out := status.Flow{
		Name: f.Name(), From: f.From(), To: f.To(), State: st.State, Cause: st.Cause, PausedBy: st.PausedBy,
		Topics: st.Topics, Partitions: st.Partitions,
		Records: st.Records, Bytes: st.Bytes, Skipped: st.Skipped, Filtered: st.Filtered, DeadLetters: st.DeadLetters, LimitedSeconds: st.Limited.Seconds(), Gaps: st.Gaps, Unproven: st.Unproven, Foreign: st.Foreign, Held: st.Held, Reasons: st.Reasons,
		ReadRecords: st.ReadRecords, ReadBytes: st.ReadBytes, Fetch: traffic(st.Fetch), Produce: traffic(st.Produce),
		RecordAge: status.Histogram(st.Age), ReplicationLatency: status.Histogram(st.Replication), Transfer: status.Histogram(st.Transfer),
		Commits: status.Recent(st.Commits), Checkpoints: status.Never(), Stages: map[string]status.Stage{}, LagRecords: st.LagRecords, LagSeconds: st.LagTime.Seconds(), LagSecondsEstimated: st.LagTimeEstimated,
	}
	for name, count := range st.Stages {
		out.Stages[name] = status.Stage(count)
	}
	out.RecordRate, out.ByteRate = r.add(sample{now, st.Records, st.Bytes})
	for _, p := range st.Problems {
		out.Problems = append(out.Problems, status.Problem{
			Topic: p.Topic, Partition: p.Partition, Summary: p.Err.Error(), Fix: p.Fix, Since: p.Since,
		})
	}
	return out
}

func traffic(t mirror.Traffic) status.Traffic {
	return status.Traffic{Requests: t.Requests, Errors: t.Errors, Connections: t.Connections, ThrottledSeconds: t.Throttled.Seconds()}
}

func partitionsOf(f *mirror.Flow) []status.Partition {
	list := f.Partitions()
	out := make([]status.Partition, 0, len(list))
	for _, p := range list {
		headroom := int64(-1)
		if p.Start >= 0 && p.Next >= 0 {
			headroom = max(0, p.Next-p.Start)
		}
		out = append(out, status.Partition{
			Flow: f.Name(), Topic: p.Topic, Partition: p.Partition, TargetTopic: p.Target, TargetPartition: p.TargetPartition,
			State: p.State, Cause: p.Cause, Position: p.Next, End: p.End, Start: p.Start, Target: p.TargetEnd,
			LagRecords: p.LagRecords, LagSeconds: p.LagTime.Seconds(), LagSecondsEstimated: p.LagTimeEstimated,
			Headroom: headroom, Records: p.Records, Bytes: p.Bytes,
			Pending: p.Pending, RecordAge: status.Recent(p.Age), ReplicationLatency: status.Recent(p.Replication),
			RecordRate: p.RecordRate, ByteRate: p.ByteRate,
		})
	}
	return out
}
