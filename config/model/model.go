// Package model holds the typed, immutable result of reading a topology: what
// the readers in hclfile and legacy produce and everything else consumes. It
// knows no file format and does no I/O.
package model

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/strait-mirror/strait/config/diag"
)

// Config is one topology: clusters and the flows between them.
type Config struct {
	Deployment string     // separates independent deployments between the same clusters; "" is the only one
	Clusters   []*Cluster // in file order
	Flows      []*Flow    // in file order, enabled or not
	Metrics    *Metrics   // nil: nothing is served
	Server     *Server    // nil: neither API nor dashboard is served
	Tests      []*Test    // in file order
}

// Cluster returns the cluster named alias, or nil.
func (c *Config) Cluster(alias string) *Cluster {
	for _, cl := range c.Clusters {
		if cl.Alias == alias {
			return cl
		}
	}
	return nil
}

// Policy names how a source topic is called on the target.
type Policy string

// The two policies of MirrorMaker 2.
const (
	PolicyDefault  Policy = "default"  // <source><separator><topic>
	PolicyIdentity Policy = "identity" // <topic>
)

// Start says where a partition without a position begins.
type Start string

// Values of Start.
const (
	StartEarliest Start = "earliest"
	StartLatest   Start = "latest"
)

// What else a Start may be, as a regular expression and in words.
const (
	startOther      = `^(group:.+|[0-9]{4}-.*)$`
	startOtherWords = "a time as in \"2026-01-31T06:00:00Z\", or group(\"NAME\") with a consumer group of the source"
	startGroup      = "group:"
)

// StartGroup returns the Start at what a consumer group of the source has
// committed.
func StartGroup(group string) Start { return Start(startGroup + group) }

// Group returns the consumer group where partitions begin that it has committed an
// offset of; the others begin at their start.
func (s Start) Group() (group string, ok bool) { return strings.CutPrefix(string(s), startGroup) }

// Time returns the time from which on records are copied: a partition begins with
// its first record that has its timestamp, or a later one.
func (s Start) Time() (at time.Time, ok bool) {
	at, err := time.Parse(time.RFC3339, string(s))
	return at, err == nil
}

// checkStart checks what a Start is beside its words.
func checkStart(text string) error {
	if _, ok := Start(text).Group(); ok {
		return nil
	}
	if at, ok := Start(text).Time(); !ok || at.UnixMilli() < 0 {
		return errors.New(`must be a time from 1970 on with its offset to UTC, such as "2026-01-31T06:00:00Z" or "2026-01-31T07:00:00+01:00"`)
	}
	return nil
}

// Isolation is the isolation.level of the source reader.
type Isolation string

// Values of Isolation.
const (
	ReadCommitted   Isolation = "read_committed"
	ReadUncommitted Isolation = "read_uncommitted"
)

// Ownership says whether a flow writes MirrorMaker 2's own keys, offset syncs
// and checkpoints for its topics, or keeps its position under its own name.
type Ownership string

// Values of Ownership.
const (
	OwnsAuto Ownership = "auto"  // as OwnsYes
	OwnsYes  Ownership = "true"  // this flow
	OwnsNo   Ownership = "false" // never this flow
)

// SharesOffsets reports whether f keeps its positions where MirrorMaker 2 and
// other flows between its clusters look for theirs: two must not copy one topic.
func (f *Flow) SharesOffsets() bool { return f.OwnsOffsets != OwnsNo && f.MirrorMaker1 == nil }

// Rivals reports whether two flows keep the positions of equal topics in one place:
// the first in the file has those of topics that both take.
func Rivals(a, b *Flow) bool {
	return a.Enabled && b.Enabled && a.From == b.From && a.To == b.To && a.SharesOffsets() && b.SharesOffsets()
}

// Returns reports whether a flow takes the way back of f under equal names.
func (c *Config) Returns(f *Flow) bool {
	return slices.ContainsFunc(c.Flows, func(o *Flow) bool {
		return o.Enabled && o.From == f.To && o.To == f.From && o.ReplicationPolicy == PolicyIdentity
	})
}

// Compression is how batches are compressed on the target: CompressionProducer, or
// the name of a codec as in Kafka's compression.type.
type Compression string

// CompressionProducer leaves batches as their producers made them.
const CompressionProducer Compression = "producer"

// Transcodes reports whether batches in another codec are compressed anew. Where
// MirrorMaker 1's re-partitioning builds all batches, there are none.
func (f *Flow) Transcodes() bool {
	return f.CompressionType != CompressionProducer && f.CompressionType != "" && !f.Repartitions()
}

// Delivery is what happens to records whose fate a crash left open.
type Delivery string

// Values of Delivery.
const (
	ExactlyOnce   Delivery = "exactly_once"  // the exact place to go on at is found in the target's log
	Transactional Delivery = "transactional" // records and position are committed together
	AtLeastOnce   Delivery = "at_least_once" // what came after the last stored position is copied again
)

// TransactionalID is what the transactional ids of a flow begin with; a dash and
// a number follow.
func TransactionalID(f *Flow) string { return "strait-" + f.Name }

// Unproven says what a partition does whose exact place cannot be proven.
type Unproven string

// Values of Unproven.
const (
	UnprovenContinue Unproven = "continue" // as at_least_once, with a report
	UnprovenStop     Unproven = "stop"     // it waits for a person
)

// Gap says what a partition does when its source no longer holds what was to be
// read next.
type Gap string

// Values of Gap.
const (
	GapContinue Gap = "continue" // it goes on behind what is gone, which is reported
	GapStop     Gap = "stop"     // it waits for a person
)

// Recreate says what a partition does whose topic was deleted and created again.
type Recreate string

// Values of Recreate. A new source topic is copied from its start unless they
// say stop: nothing of it was.
const (
	RecreateAnew     Recreate = "start_anew" // a new target topic gets all that the source holds
	RecreateContinue Recreate = "continue"   // a new target topic gets what comes after the stored position
	RecreateStop     Recreate = "stop"       // it waits for a person
)

// Flow copies topics of one cluster to another.
type Flow struct {
	Name    string // "A->B", or the label of an HCL flow with from and to
	From    string // alias
	To      string // alias
	Enabled bool
	// HeartbeatsOnly marks a pair of clusters of a properties file that
	// MirrorMaker 2 runs for its heartbeats alone; Enabled is then false.
	HeartbeatsOnly bool

	Topics        []string // Java regular expressions, full match, any of
	TopicsExclude []string // beats Topics
	// DefaultExcludes says whether an HCL file's topics_exclude adds to the
	// default ones; TopicsExclude holds the result.
	DefaultExcludes bool

	ReplicationPolicy          Policy
	ReplicationPolicySeparator string
	ReplicationFactor          int16 // of new target topics; -1: the broker's default
	ConfigPropertiesExclude    []string
	TopicConfigs               map[string]string // settings of target topics, in the place of their sources'
	UseDefaultsFrom            string            // "target" or "source"

	LoopGuard              string // "auto" or "off"
	Delivery               Delivery
	TransactionInterval    time.Duration // between commits
	OnUnproven             Unproven
	OnGap                  Gap
	OnRecreate             Recreate
	Start                  Start
	IsolationLevel         Isolation
	RefreshTopicsInterval  time.Duration // how often topics are listed; default 4s
	Paused                 bool          // nothing is read; places, topics and lag stay known
	BytesPerSecond         int64         // read from the source, by each process; 0: no limit
	RecordsPerSecond       int64         // likewise
	BufferMemory           int64         // bytes between fetch and ack; default 64 MiB
	FetchMaxBytes          int32         // bytes of one Fetch response; default 8 MiB
	MaxPartitionFetchBytes int32         // bytes of one partition in it; default 1 MiB
	FetchMinBytes          int32         // bytes a broker waits for before it answers; default 1
	FetchMaxWait           time.Duration // default 500ms
	MaxRequestSize         int32         // bytes of one Produce request; default 4 MiB
	RequestTimeout         time.Duration // default 30s
	CompressionType        Compression   // of batches on the target; CompressionProducer leaves them as they are
	Coalesce               string        // "auto" or "off"
	DeadLetterTopic        string        // on the target, of records that stages cannot be applied to; "": none
	ErrorsTolerance        string        // "none": an unsendable record stops its partition; "all": it is skipped and counted

	Control Control // groups, topic settings, permissions, heartbeats

	OwnsOffsets Ownership           // where several flows copy one topic to one target
	Positions   *Positions          // of a connector, to begin from; nil: the flow's own only
	Path        []string            // node names from source to sink of an explicit graph; nil for a flow block
	Properties  map[string]Property // Java client keys as behind "A->B." in mm2.properties; nil: none
	Stages      []*Stage            // between source and sink, in file order
	Connections Connections         // of clients that differ from those of the clusters

	MirrorMaker1 *MirrorMaker1 // nil: a flow as MirrorMaker 2 has them

	Range  diag.Range
	Ranges Places // of what was written
}

// Places says where the value of a property was written, by its HCL name;
// elements of a list are "topics[0]". What came from a default has no entry.
type Places map[string]diag.Range

// Element is the key of element i of the list called name.
func Element(name string, i int) string { return name + "[" + strconv.Itoa(i) + "]" }

// Of returns the narrowest known place of name: its own, else that of the
// list it is an element of, else the zero Range.
func (p Places) Of(name string) diag.Range {
	if r, ok := p[name]; ok {
		return r
	}
	list, _, _ := strings.Cut(name, "[")
	return p[list]
}
