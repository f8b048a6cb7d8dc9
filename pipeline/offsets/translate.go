package offsets

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/groupsync"
	"github.com/strait-mirror/strait/flows/offsetsync"
)

// readBudget is how many bytes of the source's log a translation may read.
const readBudget = 1 << 30

// Translated is an offset on one cluster, and what that is on the other.
type Translated struct {
	From     cluster.TopicPartition
	Offset   int64
	Metadata string // what was committed beside Offset

	To     cluster.TopicPartition // its Topic is empty where the flow knows of none
	At     int64                  // on To; -1: not known
	Exact  bool                   // nothing is read twice, as far as it was mirrored
	Behind bool                   // the mirror has not got to Offset: At is where it is
	Now    int64                  // what the group has there; -1: nothing
}

// Known reports whether the offset could be translated.
func (t Translated) Known() bool { return t.To.Topic != "" && t.At >= 0 }

// Group translates the committed offsets of a group, by its name on the source, in
// mirrored topics; with back those that it has at the target in their copies, for
// consumers that return.
func (p *Pair) Group(ctx context.Context, group string, back bool) ([]Translated, error) {
	syncs, err := p.known(ctx)
	if err != nil {
		return nil, err
	}
	from, to := p.sides(back)
	here, there, err := p.Called(group, back)
	if err != nil {
		return nil, err
	}
	committed, err := groupsync.CommittedBy(ctx, from, here)
	if err != nil {
		return nil, err
	}
	now, err := groupsync.CommittedBy(ctx, to, there)
	if err != nil {
		return nil, err
	}
	translate := p.translator(ctx, syncs, back)
	var out []Translated
	for _, at := range slices.SortedFunc(maps.Keys(committed), byPlace) {
		t, ok := translate(at, committed[at].Offset)
		if !ok {
			continue
		}
		t.Metadata, t.Now = committed[at].Metadata, -1
		if is, has := now[t.To]; has {
			t.Now = is.Offset
		}
		out = append(out, t)
	}
	return out, nil
}

func byPlace(a, b cluster.TopicPartition) int {
	return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
}

// sides returns where offsets come from and where they go.
func (p *Pair) sides(back bool) (from, to *cluster.Cluster) {
	if back {
		return p.target, p.source
	}
	return p.source, p.target
}

// Called returns the names of a group of the source where offsets come from and where
// they go.
func (p *Pair) Called(group string, back bool) (from, to string, err error) {
	name, err := p.groups.Name(group)
	if err != nil {
		return "", "", fmt.Errorf("naming group %q at %q: %w", group, p.target.Alias(), err)
	}
	if back {
		return name, group, nil
	}
	return group, name, nil
}

// Offset translates one offset of a topic of the source; with back of its copy.
func (p *Pair) Offset(ctx context.Context, at cluster.TopicPartition, offset int64, back bool) (Translated, error) {
	syncs, err := p.known(ctx)
	if err != nil {
		return Translated{}, err
	}
	t, ok := p.translator(ctx, syncs, back)(at, offset)
	if !ok {
		from, _ := p.sides(back)
		return Translated{}, fmt.Errorf("%s/%d on %q is nothing that this flow mirrors", at.Topic, at.Partition, from.Alias())
	}
	t.Now = -1
	return t, nil
}

// translator returns what translates offsets; its ok is false for partitions that
// are none of the flow's.
func (p *Pair) translator(ctx context.Context, syncs *offsetsync.Syncs, back bool) func(cluster.TopicPartition, int64) (Translated, bool) {
	with := syncs.Translator(readBudget)
	if !back {
		return func(at cluster.TopicPartition, offset int64) (Translated, bool) {
			out := Translated{From: at, Offset: offset, At: -1}
			if !p.names.Selected(at.Topic) {
				return out, false
			}
			to, ok := with.Translate(ctx, at.Topic, at.Partition, offset)
			out.To.Topic, out.To.Partition = p.names.Name(at.Topic), at.Partition
			if ok {
				out.To.Partition, out.At, out.Exact, out.Behind = to.Partition, to.Offset, to.Exact, to.Behind
			}
			return out, true
		}
	}
	origins := p.origins(syncs)
	return func(at cluster.TopicPartition, offset int64) (Translated, bool) {
		out := Translated{From: at, Offset: offset, At: -1}
		of := origins[at]
		switch len(of) {
		case 0:
			return out, false
		case 1:
			out.To = of[0]
		default:
			return out, true // of several: there is no one place to return to
		}
		if to, ok := with.Back(ctx, out.To.Topic, out.To.Partition, offset); ok {
			out.At, out.Exact, out.Behind = to.Offset, to.Exact, to.Behind
		}
		return out, true
	}
}

// origins returns which partitions of the source end in each of the target.
func (p *Pair) origins(syncs *offsetsync.Syncs) map[cluster.TopicPartition][]cluster.TopicPartition {
	out := map[cluster.TopicPartition][]cluster.TopicPartition{}
	for _, k := range syncs.Known() {
		if !p.names.Selected(k.Source.Topic) {
			continue
		}
		to := k.Target
		to.Topic = cmp.Or(to.Topic, p.names.Name(k.Source.Topic))
		out[to] = append(out[to], k.Source)
	}
	return out
}

// Move sets the offsets of a group as they were translated, with the metadata that
// they have, where they are known and other than what the group has. It returns how
// many, and does nothing with an error when somebody is in the group.
func (p *Pair) Move(ctx context.Context, group string, all []Translated, back bool) (int, error) {
	_, to := p.sides(back)
	_, name, err := p.Called(group, back)
	if err == nil {
		err = groupsync.Free(ctx, to, name)
	}
	if err != nil {
		return 0, err
	}
	offsets := map[cluster.TopicPartition]groupsync.Committed{}
	for _, t := range all {
		if t.Known() && t.At != t.Now {
			offsets[t.To] = groupsync.Committed{Offset: t.At, Metadata: t.Metadata}
		}
	}
	if len(offsets) == 0 {
		return 0, nil
	}
	return len(offsets), groupsync.Commit(ctx, to, name, offsets)
}
