package origin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/internal/admin"
	"github.com/strait-mirror/strait/flows/internal/tail"
)

// mostLocal bounds the producer ids that are known to be nobody's mirror: what is
// forgotten is looked up again.
const mostLocal = 1 << 20

// GuardParams is what NewGuard needs. All of it but Local is
// required.
type GuardParams struct {
	Source *cluster.Cluster // whose batches are judged
	Log    *slog.Logger

	TargetID    string // cluster id of where they are to go
	TargetAlias string // what that is called here

	// Local has the guard say of every entered id that it is not to be copied,
	// whatever cluster its records came from: where each cluster mirrors to all
	// others, the target has them from there.
	Local bool
}

// Guard tells which producer ids of a source write records that came from the
// target. Since an id is entered before its first batch and never taken out, what
// is said of a batch once holds for ever. Its methods are safe for concurrent use.
type Guard struct {
	p GuardParams

	turn   chan struct{} // one token, held by who looks; it guards:
	in     *tail.Reader
	warned map[string]bool

	mu      sync.RWMutex       // guards the rest
	origins map[int64]bool     // entered ids; true: not to be copied
	local   map[int64]struct{} // ids that had a batch before a look that did not find them
	begun   uint64             // looks, by number
	ended   uint64             // number of the last one that ended
	outcome error              // of that one
}

// NewGuard returns a guard that knows nothing yet.
func NewGuard(p GuardParams) (*Guard, error) {
	if p.Source == nil || p.TargetID == "" || p.TargetAlias == "" || p.Log == nil {
		return nil, errors.New("building a loop guard: source, log, target id and target alias are required")
	}
	return &Guard{
		p: p, turn: make(chan struct{}, 1), in: tail.New(p.Source),
		warned: map[string]bool{}, origins: map[int64]bool{}, local: map[int64]struct{}{},
	}, nil
}

// Judge tells whether batches of a producer id came from the target. Where known
// is false, a Look that begins after the batch was seen tells.
func (g *Guard) Judge(id int64) (returned, known bool) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if returned, known = g.origins[id]; !known {
		_, known = g.local[id]
	}
	return returned, known
}

// Conclude judges an id of which a batch was in the log before the last Look: if
// that did not find it, nothing will.
func (g *Guard) Conclude(id int64) (returned bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	returned, entered := g.origins[id]
	if !entered {
		if len(g.local) >= mostLocal {
			clear(g.local)
		}
		g.local[id] = struct{}{}
	}
	return returned
}

// Look reads what has been entered until the call, or later. Calls that wait at
// the same time share one look.
func (g *Guard) Look(ctx context.Context) error {
	g.mu.Lock()
	wanted := g.begun + 1
	g.mu.Unlock()
	select {
	case g.turn <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-g.turn }()

	g.mu.Lock()
	ended, outcome := g.ended, g.outcome
	if ended < wanted {
		g.begun++
	}
	number := g.begun
	g.mu.Unlock()
	if ended >= wanted {
		return outcome
	}
	err := g.look(ctx)
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx) // says nothing to the others who wait
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ended, g.outcome = number, err
	return err
}

// look reads all index topics. g.turn is held.
func (g *Guard) look(ctx context.Context) error {
	topics, err := g.topics(ctx)
	if err != nil {
		return fmt.Errorf("reading the producer ids of mirrors for loop_guard: %w", err)
	}
	for _, t := range topics {
		if err := g.in.Read(ctx, t, func(record *kgo.Record) { g.take(t.Name, record.Key, record.Value) }); err != nil {
			return fmt.Errorf("reading the producer ids of mirrors for loop_guard: %w", err)
		}
	}
	return nil
}

// topics returns the index topics that there are. The one that a flow in the
// other direction would use by the name that we know is asked for by name: a
// broker lists only what may be described, and says of a name that it may not.
func (g *Guard) topics(ctx context.Context) ([]*admin.Topic, error) {
	client := g.p.Source.Control()
	listed, err := admin.Topics(ctx, client, nil)
	if err != nil {
		return nil, err
	}
	names := []string{Topic(g.p.TargetAlias)}
	for name := range listed {
		if isIndex(name) && name != names[0] {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	described, err := admin.Topics(ctx, client, names)
	if err != nil {
		return nil, err
	}
	var topics []*admin.Topic
	for _, name := range names {
		t := described[name]
		switch {
		case errors.Is(t.Err, kerr.UnknownTopicOrPartition):
		case errors.Is(t.Err, kerr.TopicAuthorizationFailed), t.Err == nil && !t.MayRead():
			return nil, &admin.MissingPermissionError{Operation: "READ", Resource: admin.OnTopic(name), Err: kerr.TopicAuthorizationFailed}
		case t.Err != nil:
			return nil, fmt.Errorf("describing topic %q: %w", name, t.Err)
		case !t.Ready(1):
			return nil, fmt.Errorf("describing topic %q: %w", name, kerr.LeaderNotAvailable)
		default:
			topics = append(topics, t)
		}
	}
	return topics, nil
}

// take notes one record. g.turn is held.
func (g *Guard) take(topic string, k, v []byte) {
	id, e, err := parse(k, v)
	if err != nil {
		if !g.warned[topic] {
			g.warned[topic] = true
			g.p.Log.Warn("entry of a producer id not understood", "topic", topic, "err", err)
		}
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.origins[id] = g.origins[id] || g.p.Local || e.ClusterID == g.p.TargetID
}
