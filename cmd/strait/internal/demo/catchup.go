package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/cmd/strait/internal/engine"
	"github.com/strait-mirror/strait/cmd/strait/internal/view"
)

const (
	// look is how often the targets' ends are listed.
	look = 100 * time.Millisecond
	// patience is how long the targets may make no progress.
	patience = 10 * time.Second
)

// catchUp waits until the targets hold as many records as were committed on the
// sources and the engine reports no lag. It gives up when nothing moves: then
// the comparison says what is missing.
func (r *run) catchUp(ctx context.Context, e engine.Engine) error {
	r.p.View.Print("Wrote %s records. Waiting for the mirrors to catch up.", view.Count(r.written.total.Load()))
	admins := map[string]*kadm.Client{}
	for _, s := range []*side{r.west, r.east} {
		client, err := kgo.NewClient(kgo.SeedBrokers(s.address()), kgo.ClientID("strait-demo-watch"))
		if err != nil {
			return fmt.Errorf("making a client: %w", err)
		}
		defer client.Close()
		admins[s.name] = kadm.NewClient(client)
	}
	list := mirrors(r.cfg, r.west, r.east)
	tick := time.NewTicker(look)
	defer tick.Stop()
	best, moved := int64(-1), time.Now()
	for {
		missing := int64(0)
		for _, m := range list {
			missing += r.missing(ctx, admins[m.to.name], m)
		}
		if missing == 0 && !lagging(e) {
			return nil
		}
		if best < 0 || missing < best {
			best, moved = missing, time.Now()
		}
		if time.Since(moved) > patience {
			if missing > 0 {
				r.p.View.Note("gave up waiting: %s records have not arrived", view.Count(missing))
			}
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// missing is how many records the target lacks, going by its end offsets.
func (r *run) missing(ctx context.Context, admin *kadm.Client, m mirrored) int64 {
	ends, err := admin.ListEndOffsets(ctx, m.target)
	lacks := int64(0)
	r.written.mu.Lock()
	defer r.written.mu.Unlock()
	for p := range m.partitions {
		want := r.written.committed[partition{m.from.name, m.source, p}]
		if end, ok := ends.Lookup(m.target, p); err == nil && ok && end.Err == nil {
			want -= end.Offset
		}
		lacks += max(want, 0)
	}
	return lacks
}

func lagging(e engine.Engine) bool {
	for _, f := range e.Status().Flows {
		if f.LagRecords > 0 {
			return true
		}
	}
	return false
}
