package mirror

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/topicsync"
)

// WholeTopic is the partition of a Problem that concerns all of a topic.
const WholeTopic int32 = -1

// Problem is something that keeps part of a flow from going on, or that a
// person should know of.
type Problem struct {
	Topic     string // on the source; empty: the whole flow
	Partition int32  // WholeTopic: not one partition's
	Err       error
	Fix       string // what to do about it; may be empty
	Stopped   bool   // the partition or topic is not mirrored because of it
	Since     time.Time

	stoppedAt  time.Time
	untilMoved bool // ends when the partition moves
	records    bool // some of the partition's are concerned, which is told of each
}

// subject is what problems have in common that the log tells once.
func (p Problem) subject() string {
	if p.records {
		return p.sentence()
	}
	return p.Err.Error()
}

// sentence is all of a problem in one line.
func (p Problem) sentence() string {
	return withFix(p.place()+": "+p.Err.Error(), p.Fix)
}

// StalledError says that a single pass came to a standstill.
type StalledError struct {
	After time.Duration
	Cause string // what the flow was waiting for; may be empty
}

func (e *StalledError) Error() string {
	if e.Cause == "" {
		return fmt.Sprintf("gave up after %s in which nothing moved", e.After)
	}
	return fmt.Sprintf("gave up after %s in which nothing moved: %s", e.After, e.Cause)
}

// IncompleteError says that a single pass left partitions behind.
type IncompleteError struct{ Problems []Problem }

func (e *IncompleteError) Error() string {
	text := "mirroring is incomplete"
	if more := len(e.Problems) - 1; more > 0 {
		text += fmt.Sprintf(" (%d problems, the first is shown)", more+1)
	}
	return text + ": " + e.Problems[0].sentence()
}

func (p Problem) place() string {
	switch {
	case p.Topic == "":
		return "flow"
	case p.Partition == WholeTopic:
		return fmt.Sprintf("topic %q", p.Topic)
	}
	return fmt.Sprintf("topic %q partition %d", p.Topic, p.Partition)
}

// notes are problems that are not a running lane's own.
type noteKey struct {
	kind      noteKind
	topic     string
	partition int32
	what      string // tells several problems of one topic apart
}

type noteKind int

const (
	noteDiscovery noteKind = iota // looking for topics
	noteTopic                     // one topic's creation or settings
	noteStart                     // finding where a partition starts
	noteAnchors                   // storing positions
	noteGap                       // records that the source lost
	noteLost                      // records that the target lost
	noteUnproven                  // a place after a crash that could not be proven
	noteNothing                   // no topic is selected
	noteGuard                     // telling what came from the target
	noteRecreated                 // a topic that is another one than before
	noteGone                      // a source topic that is not there any more
	noteForgets                   // when the target forgets a producer
	noteHeld                      // a transaction that holds up readers of a source partition
	noteThrottled                 // a quota that holds the flow back
	noteFence                     // producers that cannot be shut out
	noteForeign                   // somebody else who writes to a target partition
)

// records reports whether a problem of this kind concerns records of a partition.
func (k noteKind) records() bool {
	return k == noteGap || k == noteLost || k == noteUnproven || k == noteRecreated
}

// message is what the log says of a problem of this kind.
func (k noteKind) message() string {
	text, ok := map[noteKind]string{
		noteDiscovery: "flow held up, retrying",
		noteStart:     "partition could not be started, retrying",
		noteAnchors:   "positions could not be stored, retrying",
		noteGap:       "source lost records",
		noteLost:      "target lost records",
		noteUnproven:  "exact position not proven",
		noteGuard:     "copies not told from local records, waiting",
		noteHeld:      "partition held up by an open transaction",
		noteThrottled: "flow held back by a quota",
		noteForeign:   "somebody else writes to a mirrored topic",
		noteFence:     "late requests cannot be shut out",
		noteForgets:   "default assumed for a setting of the target",
		noteNothing:   "nothing to mirror yet",
		noteRecreated: "topic was created again",
		noteGone:      "source topic is gone",
	}[k]
	if !ok {
		return "topic needs attention" // noteTopic
	}
	return text
}

// note records a problem and logs it once.
func (f *Flow) note(key noteKey, p Problem) {
	p.Topic, p.Partition, p.records = key.topic, key.partition, key.kind.records()
	f.mu.Lock()
	old, known := f.notes[key]
	if known {
		p.Since = old.Since
	} else {
		p.Since = time.Now()
	}
	f.notes[key] = p
	f.mu.Unlock()
	if known && old.Err.Error() == p.Err.Error() {
		return
	}
	f.reports.begin(p, func() {
		attrs := append(p.attrs(), "err", p.Err)
		if p.Fix != "" {
			attrs = append(attrs, "fix", p.Fix)
		}
		message := key.kind.message()
		if p.Stopped {
			message = "topic is not mirrored, retrying"
		}
		f.p.Log.Warn(message, attrs...) //nolint:sloglint // a constant of each kind
	})
	if known {
		f.reports.end(old, nil)
	}
}

func (f *Flow) clearNote(key noteKey) {
	f.mu.Lock()
	p, known := f.notes[key]
	delete(f.notes, key)
	f.mu.Unlock()
	if known {
		f.reports.end(p, func(had int, lasted time.Duration) { f.logSolved(p, had, lasted) })
	}
}

// clearNotes ends those problems of a kind that are over in their partition.
func (f *Flow) clearNotes(kind noteKind, over func(cluster.TopicPartition) bool) {
	f.mu.Lock()
	var gone []noteKey
	for key := range f.notes {
		if key.kind == kind && over(cluster.TopicPartition{Topic: key.topic, Partition: key.partition}) {
			gone = append(gone, key)
		}
	}
	f.mu.Unlock()
	for _, key := range gone {
		f.clearNote(key)
	}
}

// noteTopics replaces what is known of topics by what a pass of discovery says.
func (f *Flow) noteTopics(problems []topicsync.Problem) {
	present := map[noteKey]bool{}
	for _, p := range problems {
		if errors.Is(p.Err, topicsync.ErrFollows) {
			continue // the leader reports what keeps it
		}
		told := f.topicProblem(p)
		key := noteKey{kind: noteTopic, topic: p.Topic, partition: WholeTopic, what: told.Err.Error()}
		present[key] = true
		f.note(key, told)
	}
	f.mu.Lock()
	var solved []noteKey
	for key := range f.notes {
		if key.kind == noteTopic && !present[key] {
			solved = append(solved, key)
		}
	}
	f.mu.Unlock()
	for _, key := range solved {
		f.clearNote(key)
	}
}

// noteNothing notes whether the flow selects nothing.
func (f *Flow) noteNothing(nothing bool) {
	key := noteKey{kind: noteNothing, partition: WholeTopic}
	if !nothing {
		f.clearNote(key)
		return
	}
	f.note(key, Problem{
		Err: fmt.Errorf("cluster %q shows no topic that this flow selects", f.From()),
		Fix: "check topics and topics_exclude; topics that our user may not describe are not shown",
	})
}

// explainPass tells why a pass of discovery failed in the words of the cluster
// that it failed on.
func (f *Flow) explainPass(err error) error {
	if e, ok := errors.AsType[*topicsync.ClusterError](err); ok {
		if e.Source {
			return f.p.Source.Explain(err)
		}
		return f.p.Target.Explain(err)
	}
	return err
}

// topicProblem tells a problem that discovery met in the words of the cluster
// it met it on, where a permission is missing.
func (f *Flow) topicProblem(p topicsync.Problem) Problem {
	told := Problem{Err: p.Err, Fix: p.Hint, Stopped: p.Isolated}
	if e, ok := errors.AsType[*topicsync.SettingError](p.Err); ok {
		told.Fix = fmt.Sprintf("%s (%s)", f.p.Target.AlterCommand(e.Topic, e.Name+"="+e.Need), e.Effect())
	}
	if _, denied := errors.AsType[*topicsync.PermissionError](p.Err); denied {
		at := f.p.Target
		if p.Source {
			at = f.p.Source
		}
		told.Err = at.Explain(p.Err)
		told.Fix = fixFor(told.Err)
		if p.Hint != "" {
			told.Fix += " (" + p.Hint + ")"
		}
	}
	return told
}

// problems returns everything that is wrong, stopped lanes first.
func (f *Flow) problems() []Problem {
	f.mu.Lock()
	s := f.session
	var all []Problem
	for _, p := range f.notes {
		all = append(all, p)
	}
	f.mu.Unlock()
	if s != nil {
		for _, l := range s.list() {
			all = append(all, l.present()...)
		}
	}
	slices.SortFunc(all, func(a, b Problem) int {
		if a.Stopped != b.Stopped {
			return map[bool]int{true: -1, false: 1}[a.Stopped]
		}
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	return all
}

// incomplete returns what a single pass left behind, as an error.
func (f *Flow) incomplete() error {
	behind := slices.DeleteFunc(f.problems(), func(p Problem) bool { return !p.Stopped })
	if len(behind) == 0 {
		return nil
	}
	return &IncompleteError{Problems: behind}
}

func (l *lane) noteKey(kind noteKind) noteKey {
	return noteKey{kind: kind, topic: l.source.Topic, partition: l.source.Partition}
}
