// Package orphan owns what becomes of the copy of a topic that was deleted on the
// source: it is deleted as well, if the flow says so, when the topic has been gone
// for a while. It reads the metadata of both clusters and deletes topics on the
// target; which topics a flow has written to, and how far, is package position's
// knowledge.
package orphan

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/internal/admin"
	"github.com/strait-mirror/strait/flows/reconcile"
)

// Copy is a partition that the flow has written to.
type Copy struct {
	Topic     string   // on the source
	Target    string   // on the target
	Partition int32    // of both
	TargetID  [16]byte // of Target when it was written to; zero: not known
	TargetEnd int64    // behind the flow's last record in it; -1: not known
}

// Params is what New needs. All of it is required.
type Params struct {
	Source, Target *cluster.Cluster
	Copies         func(ctx context.Context) ([]Copy, error) // of topics that the flow still selects
	After          time.Duration                             // how long a topic has to be gone
	Log            *slog.Logger
}

// Syncer deletes copies. Its method must not overlap with itself.
type Syncer struct {
	p    Params
	gone map[string]time.Time // topics of the source, since when every pass has found them gone
}

// New checks p and returns what has looked at nothing yet.
func New(p Params) (*Syncer, error) {
	if p.Source == nil || p.Target == nil || p.Copies == nil || p.After <= 0 || p.Log == nil {
		return nil, errors.New("building deletion of topics: source, target, copies, after and log are required")
	}
	return &Syncer{p: p, gone: map[string]time.Time{}}, nil
}

// Interval is how often Sync is to be called: often enough that a topic which comes
// back is seen, and that the copy goes soon after its time.
func Interval(after time.Duration) time.Duration {
	const most = time.Minute
	return max(time.Second, min(after/10, most))
}

// Sync is one pass. A topic counts as gone only where the source says so by its name:
// one that our user may not describe is not.
func (s *Syncer) Sync(ctx context.Context, pass *reconcile.Pass) error {
	copies, err := s.copies(ctx)
	if err != nil || len(copies) == 0 {
		return err
	}
	gone, present, err := s.missing(ctx, slices.Sorted(maps.Keys(copies)))
	if err != nil {
		return s.p.Source.Explain(err)
	}
	maps.DeleteFunc(s.gone, func(topic string, _ time.Time) bool { return !slices.Contains(gone, topic) })
	if len(gone) == 0 {
		return nil
	}
	names := make([]string, len(gone))
	for i, topic := range gone {
		names[i] = copies[topic][0].Target
	}
	targets, err := admin.Topics(ctx, s.p.Target.Control(), names)
	if err != nil {
		return s.p.Target.Explain(err)
	}
	for i, topic := range gone {
		target := targets[names[i]]
		if errors.Is(target.Err, kerr.UnknownTopicOrPartition) {
			delete(s.gone, topic)
			continue
		}
		if present == 0 {
			delete(s.gone, topic)
			pass.Problem(reconcile.Problem{Topic: topic, Err: &NoneLeftError{Topic: topic, Target: target.Name, Source: s.p.Source.Alias()}})
			continue
		}
		s.judge(ctx, pass, copies[topic], target)
	}
	return nil
}

// NoneLeftError says that nothing is left of what a flow mirrors, which may be
// another cluster.
type NoneLeftError struct{ Topic, Target, Source string }

func (e *NoneLeftError) Error() string {
	return fmt.Sprintf("source topic %q is gone, its copy %q is kept: cluster %q has none of the topics that were mirrored", e.Topic, e.Target, e.Source)
}

// Hint says what to do about it.
func (e *NoneLeftError) Hint() string {
	return "make sure that bootstrap_servers lead to the right cluster (expect_cluster_id holds it), and delete the last copies by hand"
}

// copies returns the partitions that were written to, by source topic.
func (s *Syncer) copies(ctx context.Context) (map[string][]Copy, error) {
	all, err := s.p.Copies(ctx)
	if err != nil {
		return nil, err
	}
	out := map[string][]Copy{}
	for _, c := range all {
		out[c.Topic] = append(out[c.Topic], c)
	}
	return out, nil
}

// missing returns which topics the source does not have, in order, and how many it has.
func (s *Syncer) missing(ctx context.Context, topics []string) (gone []string, present int, err error) {
	found, err := admin.Topics(ctx, s.p.Source.Control(), topics)
	if err != nil {
		return nil, 0, err
	}
	for _, topic := range topics {
		switch err := found[topic].Err; {
		case err == nil:
			present++
		case errors.Is(err, kerr.UnknownTopicOrPartition):
			gone = append(gone, topic)
		}
	}
	return gone, present, nil
}

// judge decides about one copy.
func (s *Syncer) judge(ctx context.Context, pass *reconcile.Pass, copies []Copy, target *admin.Topic) {
	topic := copies[0].Topic
	size, err := s.untouched(ctx, copies, target)
	if err != nil {
		delete(s.gone, topic)
		pass.Problem(reconcile.Problem{
			Topic: topic, Err: fmt.Errorf("source topic %q is gone, its copy %q is kept: %w", topic, target.Name, err),
			Fix: "delete the copy by hand if nobody needs it",
		})
		return
	}
	since, known := s.gone[topic]
	if !known {
		since = time.Now()
		s.gone[topic] = since
	}
	due := since.Add(s.p.After)
	if time.Now().Before(due) || !pass.Leads() {
		pass.Problem(reconcile.Problem{
			Topic: topic, Err: fmt.Errorf("source topic %q is gone: its copy %q is deleted at %s", topic, target.Name, due.UTC().Format(time.RFC3339)),
			Fix: "to keep the copy remove delete_topics_enabled before that",
		})
		return
	}
	if err := admin.Delete(ctx, s.p.Target.Control(), target.Name, target.ID); err != nil {
		pass.Problem(reconcile.Problem{Topic: topic, Err: s.p.Target.Explain(err)})
		return
	}
	delete(s.gone, topic)
	pass.Changed(reconcile.Event{Kind: "topic deleted", Cluster: s.p.Target.Alias(), Object: admin.OnTopic(target.Name), Before: size})
}

// untouched returns what there is of a copy, or why it is not certain that nobody but
// the flow has written to it since its last record: then it is more than a copy.
func (s *Syncer) untouched(ctx context.Context, copies []Copy, target *admin.Topic) (size string, err error) {
	if target.Err != nil {
		return "", s.p.Target.Explain(target.Err)
	}
	wrote := make(map[int32]int64, len(copies))
	for _, c := range copies {
		if c.TargetID == [16]byte{} || c.TargetID != target.ID {
			return "", errors.New("it is not certain that it is the topic which was written to")
		}
		wrote[c.Partition] = c.TargetEnd
	}
	partitions := make([]cluster.TopicPartition, len(target.Partitions))
	for i, p := range target.Partitions {
		partitions[i] = cluster.TopicPartition{Topic: target.Name, Partition: p.Number}
	}
	records := int64(0)
	for at, end := range s.p.Target.ListOffsets(ctx, cluster.HighWatermark, partitions) {
		if end.Err != nil {
			return "", s.p.Target.Explain(fmt.Errorf("asking for its end: %w", end.Err))
		}
		if end.Offset != wrote[at.Partition] { // 0 where the flow has not written
			return "", fmt.Errorf("partition %d ends at %d, the flow has written up to %d: somebody else may have written to it", at.Partition, end.Offset, wrote[at.Partition])
		}
		records += end.Offset
	}
	return fmt.Sprintf("partitions=%d offsets=%d", len(partitions), records), nil
}
