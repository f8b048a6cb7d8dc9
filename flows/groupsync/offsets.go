package groupsync

import (
	"context"
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kadm"
	"golang.org/x/sync/errgroup"

	"github.com/strait-mirror/strait/flows/reconcile"
)

// atOnce is how many groups are written at the same time.
const atOnce = 8

// noEpoch is the leader epoch that is committed: those of the source mean nothing
// at the target, and a higher one than it has makes consumers ask for metadata
// without end (KIP-1279).
const noEpoch = -1

// Sync writes the translated offsets of groups to those of the target that nobody
// is in. It is a pass of a reconcile.Loop.
func (g *Groups) Sync(ctx context.Context, pass *reconcile.Pass) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.prepare(ctx, pass); err != nil {
		return err
	}
	if err := g.read(ctx); err != nil {
		return err
	}
	positions, refused, err := g.observe(ctx)
	if err != nil {
		return err
	}
	tell(pass, refused)
	wanted, refused, err := g.wanted(ctx, positions)
	tell(pass, refused)
	if err != nil || len(wanted) == 0 {
		return err
	}
	var mu sync.Mutex // guards partitions and g.wrote
	partitions := 0
	var writing errgroup.Group
	writing.SetLimit(atOnce)
	for group, offsets := range wanted {
		writing.Go(func() error {
			n, err := g.commit(ctx, pass, group, offsets)
			mu.Lock()
			defer mu.Unlock()
			partitions += n
			for _, p := range offsets[:n] {
				g.wrote[p.key] = p.to.Offset
			}
			if err != nil {
				pass.Problem(reconcile.Problem{Err: g.p.Target.Explain(err)})
			}
			return nil
		})
	}
	_ = writing.Wait() // its functions return no errors
	if partitions > 0 {
		g.p.Log.Debug("group offsets written", "groups", len(wanted), "partitions", partitions)
	}
	return nil
}

// wanted returns what is to be written, by group of the target, and the groups that
// could not be asked for.
func (g *Groups) wanted(ctx context.Context, positions []position) (map[string][]position, map[string]error, error) {
	free, idle, err := g.free(ctx, positions)
	if err != nil {
		return nil, nil, err
	}
	committed, refused, err := committedOffsets(ctx, g.p.Target, idle)
	if err != nil {
		return nil, nil, err
	}
	now := make(map[key]int64, len(committed)) // of groups as they are called there
	for _, c := range committed {
		now[key{c.group, c.at.Topic, c.at.Partition}] = c.offset
	}
	out := map[string][]position{}
	for _, p := range positions {
		if _, unknown := refused[p.called]; unknown || !free[p.called] {
			continue
		}
		at, has := now[p.there()]
		if !has {
			at = -1
		}
		wrote, ours := g.wrote[p.key]
		ours = ours && wrote == at || g.last[p.key].said(at)
		if due(at, p.to.Offset, ours && g.p.Flow.Control.SyncGroupOffsetsRewindsEnabled) {
			p.before = at
			out[p.called] = append(out[p.called], p)
		}
	}
	return out, refused, nil
}

// free returns the groups of the target that have positions, which are in order, and
// that nobody is in, and those of them that are there.
func (g *Groups) free(ctx context.Context, positions []position) (free map[string]bool, idle []string, err error) {
	listed, err := list(ctx, g.p.Target)
	if err != nil {
		return nil, nil, err
	}
	states := make(map[string]listedGroup, len(listed))
	for _, l := range listed {
		states[l.name] = l
	}
	free = map[string]bool{}
	for _, p := range positions {
		l, there := states[p.called]
		if free[p.called] || there && !l.idle() {
			continue
		}
		free[p.called] = true
		if there {
			idle = append(idle, p.called)
		}
	}
	return free, idle, nil
}

// due reports whether an offset of a group without members is to be written. at is
// what it has at the target, -1: nothing. It is written forwards only; backwards, if
// the flow says so, where what the target has was written here, so that nobody
// consumed since.
func due(at, translated int64, rewinds bool) bool {
	return at < translated || rewinds && at > translated
}

// commit writes the offsets of one group, and returns how many.
func (g *Groups) commit(ctx context.Context, pass *reconcile.Pass, group string, positions []position) (int, error) {
	if !pass.Leads() {
		return 0, nil
	}
	offsets := kadm.Offsets{}
	for _, p := range positions {
		offsets.Add(kadm.Offset{Topic: p.topic, Partition: p.partition, At: p.to.Offset, LeaderEpoch: noEpoch, Metadata: p.metadata})
	}
	err := commitAll(ctx, g.p.Target, group, offsets)
	switch {
	case err == nil:
		return len(positions), nil
	case taken(err):
		return 0, nil // somebody joined it meanwhile, and its offsets are theirs
	}
	return 0, fmt.Errorf("writing the offsets of group %q: %w", group, err)
}
