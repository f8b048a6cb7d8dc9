package batch

// Action is what must become of a source batch.
type Action uint8

// The actions.
const (
	Pass   Action = iota + 1 // Stamp it and send its bytes
	Drop                     // the target gets nothing of it
	Recode                   // send what Recoder.Recode makes of it
)

func (a Action) String() string {
	switch a {
	case Pass:
		return "pass"
	case Drop:
		return "drop"
	case Recode:
		return "recode"
	default:
		return "invalid"
	}
}

// Reason says why a batch cannot pass. The texts are stable: status shows them.
type Reason string

// The reasons. A batch may have several; a Decision names the first in this order.
const (
	Aborted       Reason = "aborted"         // dropped: its transaction never happened
	Control       Reason = "control"         // dropped: a marker; clients may not write them
	Behind        Reason = "behind"          // dropped: ends before the wanted offset
	Legacy        Reason = "legacy_format"   // recoded: magic 0 or 1
	Returned      Reason = "returned"        // dropped: it came from the target; a loop guard says so
	Empty         Reason = "empty"           // dropped: all records were compacted away
	MidBatch      Reason = "mid_batch"       // recoded: starts before the wanted offset
	Sparse        Reason = "sparse"          // recoded: some records were compacted away
	AppendTime    Reason = "log_append_time" // recoded: would show producers' timestamps
	WantedCodec   Reason = "codec"           // recoded: the flow wants another codec
	TooLarge      Reason = "too_large"       // recoded: above the target's max.message.bytes
	notApplicable Reason = ""
)

// Decision is what must become of one batch, and why if it does not pass.
type Decision struct {
	Action Action
	Reason Reason // empty when Action is Pass
}

// Limits say what the target topic takes and what the flow wants of it.
type Limits struct {
	// MaxMessageBytes is the topic's max.message.bytes: the most bytes of a
	// batch, compressed and with its prefix. 0: not known, no limit.
	MaxMessageBytes int32
	// LogAppendTime says that the topic's message.timestamp.type is
	// LogAppendTime: it overwrites what timestamps it is sent.
	LogAppendTime bool
	// ProducerTimestamps accepts that records of a LogAppendTime source show
	// their producers' timestamps on a CreateTime target.
	ProducerTimestamps bool
	// Codec is how batches must be compressed; nil leaves them as they are.
	Codec *Codec
}

// Classify decides what becomes of b, the next verified batch of a partition of
// which offset from is wanted next. aborted is the filter of the fetch response
// that b is from, nil when reading uncommitted. Call it once for every batch in
// order: the filter follows transactions by the batches it is shown.
func Classify(b Batch, from int64, aborted *AbortedFilter, l Limits) Decision {
	if b.Magic() < 2 {
		if b.LastOffset() < from {
			return Decision{Drop, Behind}
		}
		return Decision{Recode, Legacy}
	}
	never := aborted.Aborted(b) // which has to see every batch
	switch {
	case b.LastOffset() < from:
		return Decision{Drop, Behind}
	case never:
		return Decision{Drop, Aborted}
	case b.Control():
		return Decision{Drop, Control}
	case b.Count() == 0:
		return Decision{Drop, Empty}
	}
	if r := l.obstacle(b, from); r != notApplicable {
		return Decision{Recode, r}
	}
	return Decision{Action: Pass}
}

// obstacle names the first thing that keeps a batch of data from passing.
func (l *Limits) obstacle(b Batch, from int64) Reason {
	switch {
	case b.BaseOffset() < from:
		return MidBatch
	case !b.Dense():
		return Sparse
	case l.keepsAppendTime(b):
		return AppendTime
	case l.Codec != nil && *l.Codec != b.Codec():
		return WantedCodec
	case l.MaxMessageBytes > 0 && len(b) > int(l.MaxMessageBytes):
		return TooLarge
	default:
		return notApplicable
	}
}

// keepsAppendTime says whether b's records must be given its append time for
// the target to show it.
func (l *Limits) keepsAppendTime(b Batch) bool {
	return b.LogAppendTime() && !l.LogAppendTime && !l.ProducerTimestamps
}
