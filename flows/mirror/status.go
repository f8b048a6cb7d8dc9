package mirror

import (
	"time"

	"github.com/strait-mirror/strait/transforms/program"
)

// Who has paused a flow.
const (
	ByFile    = "file"    // paused = true
	ByRequest = "request" // Hold
)

// Status is the state of a flow at one moment.
type Status struct {
	State, Cause               string
	PausedBy                   string // ByFile or ByRequest; "": it is not paused
	Topics, Partitions         int
	Records, Bytes             int64         // acknowledged by the target since the process started
	ReadRecords                int64         // that the source sent, those too that were fetched again or are not copied
	ReadBytes                  int64         // of batches, as the source sent them
	Fetch, Produce             Traffic       // of the clients for records on the source, and on the target
	Age, Replication, Transfer Histogram     // of records: when they were fetched, acknowledged, and from one to the other
	Skipped                    int64         // records the target refused and errors_tolerance let go
	Filtered                   int64         // records that stages dropped
	DeadLetters                int64         // records written to dead_letter_topic instead
	Limited                    time.Duration // that fetches were held back by the flow's own limits
	Gaps                       int64         // times that records were found missing: gone from the source, or lost by the target
	Unproven                   int64         // times that the exact place to go on at after a crash was not found
	Foreign                    int64         // offsets of target partitions that somebody else took between the flow's
	Held                       int           // partitions that an open transaction on the source has held up for minutes
	LagRecords                 int64         // readable offsets not on the target; -1: not known
	// LagTime is for how long the oldest record that is not on the target has been
	// readable, in the partition where that is longest; 0 while LagRecords is not
	// known.
	LagTime          time.Duration
	LagTimeEstimated bool   // it goes by a record's timestamp
	Commits          Recent // seconds that it took to store positions
	Problems         []Problem
	Reasons          map[string]int64         // batches re-encoded, by reason
	Stages           map[string]program.Count // of records, by stage
}

// Running reports whether both clusters could be used and topics are looked for
// and mirrored.
func (f *Flow) Running() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state == Running
}

// Status returns the flow's state. It is cheap enough for several calls a
// second.
func (f *Flow) Status() Status {
	st := Status{
		Records: f.records.Load(), Bytes: f.bytes.Load(), Skipped: f.skipped.Load(), Filtered: f.filtered.Load(), DeadLetters: f.dead.Load(), Limited: f.limit.waited(),
		ReadRecords: f.read.Load(), ReadBytes: f.readSize.Load(), Fetch: f.fetching.counted(), Produce: f.producing.counted(),
		Age: f.latency.age.counted(), Replication: f.latency.replication.counted(), Transfer: f.latency.transfer.counted(),
		Gaps: f.gaps.Load(), Unproven: f.unproven.Load(), Foreign: f.foreign.Load(),
		Stages: f.stages.counted(), Commits: f.commits.at(time.Now()), PausedBy: f.limit.haltedBy(), Held: f.heldUp(), LagRecords: -1, Problems: f.problems(), Reasons: map[string]int64{},
	}
	f.mu.Lock()
	st.State, st.Cause = f.state, f.cause
	for reason, n := range f.reasons {
		st.Reasons[string(reason)] = n
	}
	s := f.session
	for _, kind := range []noteKind{noteAnchors, noteDiscovery} {
		// A cluster that does not answer stops all of the flow.
		if p, ok := f.notes[noteKey{kind: kind, partition: WholeTopic}]; ok && st.State == Running {
			st.State, st.Cause = Waiting, p.Err.Error()
		}
	}
	f.mu.Unlock()
	if s == nil {
		return st
	}
	topics := map[*topic]bool{}
	placed, now := true, time.Now()
	for _, l := range s.list() {
		topics[l.topic] = true
		st.Partitions++
		lag, known := l.lag()
		placed = placed && known
		if lag >= 0 {
			st.LagRecords = max(st.LagRecords, 0) + lag
		}
		if d, estimated := l.lagTime(now); lag > 0 && d > st.LagTime {
			st.LagTime, st.LagTimeEstimated = d, estimated
		}
	}
	if !placed {
		st.LagRecords, st.LagTime, st.LagTimeEstimated = -1, 0, false // a lane that is about to start may be any way behind
	}
	st.Topics = len(topics)
	if st.State == Running {
		f.judge(&st)
	}
	return st
}

// judge says how a flow is that runs.
func (f *Flow) judge(st *Status) {
	if st.PausedBy != "" {
		st.State = Paused
	}
	for _, p := range st.Problems {
		if p.Stopped {
			st.State, st.Cause = Unhealthy, p.place()+": "+p.Err.Error() // its fix is among the problems
			return
		}
	}
}

// explain says in one sentence what a flow that does not move waits for.
func (f *Flow) explain() string {
	st := f.Status()
	if len(st.Problems) > 0 {
		return st.Problems[0].sentence()
	}
	return st.Cause
}
