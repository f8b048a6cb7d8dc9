package mirror

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/position"
)

// positions is where a flow keeps how far it is.
type positions interface {
	// Open reads all positions; until it has, the others must not be called.
	Open(ctx context.Context) error
	// Get returns the position of a partition of the source, All every one.
	Get(topic string, partition int32) (position.Anchor, bool)
	All() []position.Anchor
	// Write stores positions.
	Write(ctx context.Context, anchors []position.Anchor) error
}

// ledger is a flow's positions with what the flow has to know of their place.
type ledger struct {
	positions

	on    *cluster.Cluster            // the cluster they are on
	pace  position.ScheduleParams     // how often they are stored while lanes move
	check func(context.Context) error // finds who else uses them; nil: nobody can
	again time.Duration               // how often all are stored anew, since they expire; 0: they do not

	// refresh reads what others have stored meanwhile; nil: nobody else stores.
	refresh func(context.Context) error

	// previous returns an older position, for targets that lost the end of their
	// log; nil where positions are bare offsets.
	previous func(topic string, partition int32) (position.Anchor, bool)

	topic string // where they are, "" for a group
	stage func(anchors []position.Anchor) (records []*kgo.Record, committed func())
}

// newLedger returns where a flow keeps its positions: in MirrorMaker 2's topic on
// the target, or as MirrorMaker 1 in a consumer group on the source.
func (f *Flow) newLedger() (ledger, error) {
	def := f.p.Flow
	if def.MirrorMaker1 == nil {
		store, err := NewStore(def, f.p.Target, f.p.Log)
		if err != nil {
			return ledger{}, err
		}
		f.p.Target.Metadata().Track(store.Topic())
		return ledger{positions: store, on: f.p.Target, previous: store.Previous, topic: store.Topic(), stage: store.Stage, refresh: store.Refresh, check: store.Check}, nil
	}
	group, err := position.NewGroup(position.GroupParams{
		Client: f.p.Source.Control(), Group: def.MirrorMaker1.Group, Log: f.p.Log,
	})
	return ledger{
		positions: group, on: f.p.Source, check: group.Check, again: commitAgain,
		pace: position.ScheduleParams{MaxAge: max(def.MirrorMaker1.CommitInterval, time.Millisecond), MaxBytes: math.MaxInt64},
	}, err
}

// NewStore returns where a flow keeps its positions on the target, of which nothing
// was read yet. One like MirrorMaker 1 keeps them elsewhere.
func NewStore(def *model.Flow, target *cluster.Cluster, log *slog.Logger) (*position.Store, error) {
	owner, workers := "", cmp.Or(def.Control.GroupID, def.From+"-mm2")
	if def.OwnsOffsets == model.OwnsNo {
		owner, workers = "Strait:"+def.Name, "" // beside MirrorMaker 2, too
	}
	store, err := position.NewStore(position.Params{
		Client: target.Control(), SourceAlias: def.From, Log: log,
		ReplicationFactor: def.ReplicationFactor, Owner: owner, Workers: workers, Import: imported(def),
	})
	if err != nil {
		return nil, fmt.Errorf("building positions: %w", err)
	}
	return store, nil
}

// imported is where a flow takes over positions from; nil: from nowhere.
func imported(def *model.Flow) *position.Import {
	if def.Positions == nil {
		return nil
	}
	return &position.Import{Topic: def.Positions.Topic, Connector: def.Positions.Connector}
}

// commitAgain is how often offsets are committed again that did not change. A
// broker forgets those of a group without members offsets.retention.minutes
// after their commit, and all at once that long after the last member has left
// (GroupMetadata.removeExpiredOffsets); it looks every ten minutes.
const commitAgain = 2 * time.Minute

// watchEvery is how often a running flow looks for others that use its
// positions.
const watchEvery = 10 * time.Second

// watchPositions ends the run when somebody else begins to use the positions:
// both would mirror the same records.
func (s *session) watchPositions(ctx context.Context) {
	if s.store.check == nil {
		return
	}
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := s.store.on.Await(ctx, s.store.check)
		if taken(err) {
			s.end(err) // an error of another kind shows where positions are stored
			return
		}
	}
}

// taken reports whether somebody else uses the positions.
func taken(err error) bool {
	_, group := errors.AsType[*position.LiveGroupError](err)
	_, workers := errors.AsType[*position.LiveMirrorMakerError](err)
	return group || workers
}
