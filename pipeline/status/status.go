// Package status owns the one description of what a running Strait is doing:
// plain values that the supervisor fills in and every reader shows. It decides
// nothing and does no I/O.
package status

import (
	"math"
	"time"
)

// FormatVersion is the version of the JSON form of a Snapshot.
const FormatVersion = 1

// States of a flow.
const (
	Starting  = "starting"  // being set up
	Waiting   = "waiting"   // a cluster cannot be reached yet; being retried
	Running   = "running"   // copying
	Paused    = "paused"    // by the file or at run time: nothing is read
	Draining  = "draining"  // stopping: finishing what is under way
	Stopped   = "stopped"   // ended in order
	Unhealthy = "unhealthy" // something failed; being retried
)

// States returns the states of a flow.
func States() []string {
	return []string{Starting, Waiting, Running, Paused, Draining, Stopped, Unhealthy}
}

// WholeTopic is the partition of a Problem that concerns all of a topic.
const WholeTopic int32 = -1

// UnknownLag is the lag of a flow that has not seen the source's ends yet.
const UnknownLag int64 = -1

// Snapshot is the state of all flows at one time. It is a copy: nobody changes
// it after it was handed out.
type Snapshot struct {
	FormatVersion int       `json:"format_version"`
	Time          time.Time `json:"time"`
	Flows         []Flow    `json:"flows"`
	Reload        *Reload   `json:"reload,omitempty"` // nil: edits are not looked for
	Buffer        Buffer    `json:"-"`
}

// Reload is what became of edits of the topology.
type Reload struct {
	Revision   int       `json:"revision"`        // 1 at the start, and one more with each edit that changed what runs
	Applied    time.Time `json:"applied"`         // when that began to run
	Tried      time.Time `json:"tried,omitzero"`  // when the last edit was read; zero: there was none
	Successful bool      `json:"successful"`      // of the last edit: it runs, or changes nothing that does
	Error      string    `json:"error,omitempty"` // why it was refused; everything runs on as it was
}

// Flow is the state of one flow.
type Flow struct {
	Name  string `json:"name"`
	From  string `json:"from"`  // alias of the source cluster
	To    string `json:"to"`    // alias of the target cluster
	State string `json:"state"` // one of the constants above
	Cause string `json:"cause,omitempty"`
	// PausedBy is "file" for paused = true, and "request" for what was asked for while
	// it runs; empty: the flow is not paused.
	PausedBy string `json:"paused_by,omitempty"`

	Topics     int   `json:"topics"`
	Partitions int   `json:"partitions"`
	Records    int64 `json:"records"` // acknowledged by the target since start
	Bytes      int64 `json:"bytes"`   // of batches, as they were sent
	// ReadRecords is what the source sent, also what was fetched again or is not
	// copied; ReadBytes is the size of its batches.
	ReadRecords int64   `json:"read_records"`
	ReadBytes   int64   `json:"read_bytes"`
	Fetch       Traffic `json:"fetch"`   // on the source
	Produce     Traffic `json:"produce"` // on the target

	// By the headers of batches, whose records count with the timestamp of the newest.
	RecordAge          Histogram `json:"-"` // from a record's timestamp until it was fetched
	ReplicationLatency Histogram `json:"-"` // from its timestamp until the target acknowledged it
	Transfer           Histogram `json:"-"` // from when it was fetched until then

	Stages map[string]Stage `json:"-"` // record stages, by name

	Skipped  int64 `json:"skipped_records,omitempty"`  // refused by the target, let go by errors_tolerance
	Filtered int64 `json:"filtered_records,omitempty"` // dropped by stages
	// DeadLetters are records that stages could not be applied to and that were
	// written to dead_letter_topic.
	DeadLetters int64 `json:"dead_letter_records,omitempty"`
	// LimitedSeconds is for how long fetches were held back by bytes_per_second and
	// records_per_second, all together.
	LimitedSeconds float64 `json:"limited_seconds,omitempty"`
	Gaps           int64   `json:"gaps,omitempty"`            // times that records were found gone from the source, or lost by the target
	Unproven       int64   `json:"unproven,omitempty"`        // times that the exact place after a crash was not found
	Foreign        int64   `json:"foreign_offsets,omitempty"` // of target partitions, that somebody else took between the flow's own
	// Held is in how many partitions an open transaction of the source has held back
	// what comes behind it for five minutes or more.
	Held       int   `json:"held_partitions,omitempty"`
	LagRecords int64 `json:"lag_records"`
	// LagSeconds is for how long the oldest record that is not on the target has
	// been readable, in the partition where that is longest.
	LagSeconds          float64 `json:"lag_seconds"`
	LagSecondsEstimated bool    `json:"lag_seconds_estimated,omitempty"` // it goes by a record's timestamp

	RecordRate float64 `json:"record_rate"` // per second
	ByteRate   float64 `json:"byte_rate"`   // per second

	// Seconds that it lately took to store positions, and to write checkpoints.
	Commits, Checkpoints Recent `json:"-"`

	Group *Group `json:"group,omitempty"` // nil: the flow runs here alone

	Problems []Problem `json:"problems,omitempty"`
	// MoreProblems is how many there are beside Problems, where it was cut.
	MoreProblems int              `json:"more_problems,omitempty"`
	Reasons      map[string]int64 `json:"reencoded_batches,omitempty"` // reason to batches re-encoded for it
}

// Stage is what became of records at a stage of a flow. Records that are read again
// come to it again.
type Stage struct {
	Given   int64 // that came to it
	Dropped int64 // that it dropped
	Failed  int64 // that it could not be applied to, whatever on_error made of them
}

// Traffic is what the clients for records of one side of a flow did since start.
type Traffic struct {
	Requests         int64   `json:"requests"`          // fetches or produces that were sent
	Errors           int64   `json:"errors"`            // of them, without an answer; and connections that could not be made
	Connections      int64   `json:"connections"`       // that were made
	ThrottledSeconds float64 `json:"throttled_seconds"` // that brokers asked to wait for a quota, all together
}

// Recent is what there was of a value in the last minute; NaN where there was nothing.
type Recent struct {
	Last                 float64 // also long ago
	Average, Least, Most float64
	PerSecond            float64
}

// Never is what there is of a value that nothing had yet.
func Never() Recent {
	nan := math.NaN()
	return Recent{Last: nan, Average: nan, Least: nan, Most: nan}
}

// Buffer is the memory for records between fetch and acknowledgement.
type Buffer struct {
	Limit int64 // bytes, buffer_memory
	Used  int64 // bytes
}

// Histogram is how many records took how long.
type Histogram struct {
	Bounds []float64 // seconds, ascending; each is the most that its count is of
	Counts []uint64  // one more than Bounds, the last are those above; nil: nothing is counted
	Sum    float64   // seconds
}

// Group is the place of this process among those that share a flow.
type Group struct {
	Name     string  `json:"name"`               // on the target
	Instance string  `json:"instance,omitempty"` // stays the same when the process is started again
	Member   string  `json:"member,omitempty"`   // empty: not in the group
	Members  int     `json:"members"`            // that share the work; 0: not known
	Leader   bool    `json:"leader"`             // does what only one may do
	Alone    bool    `json:"alone,omitempty"`    // there is no group to be had: everything runs here
	Share    float64 `json:"share"`              // of all partitions there may be, 0 to 1
}

// Problem is something that keeps part of a flow from going on, or that needs
// a person's attention.
type Problem struct {
	Topic     string    `json:"topic,omitempty"`
	Partition int32     `json:"partition"` // WholeTopic: not one partition's
	Summary   string    `json:"summary"`
	Fix       string    `json:"fix,omitempty"`
	Since     time.Time `json:"since"`
}

// Partition is where one partition of a flow is.
type Partition struct {
	Flow            string `json:"flow"`
	Topic           string `json:"topic"`
	Partition       int32  `json:"partition"`
	TargetTopic     string `json:"target_topic"`
	TargetPartition int32  `json:"target_partition"`

	State    string `json:"state"`           // one of the constants of flows: starting, running, stopped or unhealthy
	Position int64  `json:"position"`        // source offset of what is wanted next; -1: not known yet
	End      int64  `json:"end"`             // readable end of the source; -1: not seen yet
	Start    int64  `json:"start"`           // oldest offset that the source holds; -1: not seen yet
	Target   int64  `json:"target_end"`      // offset behind the last copy; -1: not known yet
	Cause    string `json:"cause,omitempty"` // of a state that is not running

	LagRecords          int64   `json:"lag_records"` // UnknownLag: not known yet
	LagSeconds          float64 `json:"lag_seconds"`
	LagSecondsEstimated bool    `json:"lag_seconds_estimated,omitempty"`
	// Headroom is how many offsets retention may still remove of the source before
	// it takes what was not copied; -1: not known yet.
	Headroom int64 `json:"headroom_records"`
	Records  int64 `json:"records"` // acknowledged by the target since the partition was started
	Bytes    int64 `json:"bytes"`

	Pending                       int64   `json:"-"` // records read and not acknowledged
	RecordAge, ReplicationLatency Recent  `json:"-"` // seconds, as of flows
	RecordRate, ByteRate          float64 `json:"-"` // per second
}

// Topic is a source topic of a flow with all of its partitions.
type Topic struct {
	Flow       string  `json:"flow"`
	Topic      string  `json:"topic"`
	Target     string  `json:"target_topic"`
	Partitions int     `json:"partitions"`
	Unhealthy  int     `json:"unhealthy_partitions"`
	LagRecords int64   `json:"lag_records"`      // of those whose lag is known; UnknownLag: of none
	LagSeconds float64 `json:"lag_seconds"`      // of the one that is behind for longest
	Headroom   int64   `json:"headroom_records"` // the least of all; -1: not known yet
	Records    int64   `json:"records"`
	Bytes      int64   `json:"bytes"`
}

// Topics sums partitions up by flow and topic, in the order in which they come.
func Topics(partitions []Partition) []Topic {
	var list []Topic
	at := map[[2]string]int{}
	for _, p := range partitions {
		key := [2]string{p.Flow, p.Topic}
		i, known := at[key]
		if !known {
			i = len(list)
			at[key] = i
			list = append(list, Topic{Flow: p.Flow, Topic: p.Topic, Target: p.TargetTopic, LagRecords: UnknownLag, Headroom: -1})
		}
		list[i].add(p)
	}
	return list
}

func (t *Topic) add(p Partition) {
	t.Partitions++
	t.Records += p.Records
	t.Bytes += p.Bytes
	if p.State == Unhealthy {
		t.Unhealthy++
	}
	if p.LagRecords >= 0 {
		t.LagRecords = max(t.LagRecords, 0) + p.LagRecords
		t.LagSeconds = max(t.LagSeconds, p.LagSeconds)
	}
	if p.Headroom >= 0 && (t.Headroom < 0 || p.Headroom < t.Headroom) {
		t.Headroom = p.Headroom
	}
}

// Troubled reports whether a flow cannot do all that it is to do.
func (s Snapshot) Troubled() bool {
	for _, f := range s.Flows {
		if f.State == Unhealthy || f.State == Waiting {
			return true
		}
	}
	return false
}
