package mirror

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/internal/admin"
	"github.com/strait-mirror/strait/flows/position"
	"github.com/strait-mirror/strait/flows/txn"
)

// SealParams is what Seal needs. All of it is required.
type SealParams struct {
	Flow   *model.Flow
	Target *cluster.Cluster // the caller closes it
	Log    *slog.Logger
}

// Seal writes the committed positions of a flow once more, outside of any
// transaction, and returns how many there are. MirrorMaker 2 without exactly once
// reads what transactions wrote whether they were committed or not, and the last
// of all counts for it. A flow that writes in transactions is fenced first: it
// would go on beyond what is sealed.
func Seal(ctx context.Context, p SealParams) (int, error) {
	if p.Flow.MirrorMaker1 != nil {
		return 0, errors.New("sealing positions: those of MirrorMaker 1 are in a consumer group, and are not written in transactions")
	}
	if p.Flow.OwnsOffsets == model.OwnsNo {
		return 0, errors.New(`sealing positions: with owns_offsets = "false" they are under the flow's own name, where MirrorMaker 2 does not look`)
	}
	r, err := newRules(p.Flow, nil)
	if err != nil {
		return 0, err
	}
	if p.Flow.Delivery == model.Transactional {
		if err := Fence(ctx, p.Flow, p.Target); err != nil {
			return 0, fmt.Errorf("sealing positions: %w", err)
		}
	}
	store, err := position.NewStore(position.Params{
		Client: p.Target.Control(), SourceAlias: p.Flow.From, Log: p.Log, ReplicationFactor: p.Flow.ReplicationFactor,
	})
	if err != nil {
		return 0, fmt.Errorf("sealing positions: %w", err)
	}
	var all []position.Anchor
	err = p.Target.Await(ctx, func(ctx context.Context) error {
		topics, err := admin.Topics(ctx, p.Target.Control(), []string{store.Topic()})
		if err == nil {
			err = topics[store.Topic()].Err // not to create it: there is nothing to seal
		}
		if err == nil {
			err = store.Refresh(ctx)
		}
		if err != nil {
			return fmt.Errorf("topic %q: %w", store.Topic(), err)
		}
		// Those of other flows are not fenced, and may move.
		all = slices.DeleteFunc(store.All(), func(a position.Anchor) bool { return !r.Selected(a.Topic) })
		return store.Write(ctx, all)
	})
	if err != nil {
		return 0, fmt.Errorf("sealing positions: %w", p.Target.Explain(err))
	}
	return len(all), nil
}

// Fence keeps whoever writes a flow in transactions from going on.
func Fence(ctx context.Context, f *model.Flow, target *cluster.Cluster) error {
	client, err := target.Coordinator("fence-"+f.Name, true)
	if err != nil {
		return fmt.Errorf("fencing flow %q: %w", f.Name, err)
	}
	defer client.Close()
	if err := txn.Fence(ctx, client, model.TransactionalID(f)); err != nil {
		return target.Explain(deniedTransactions(f, err))
	}
	return nil
}
