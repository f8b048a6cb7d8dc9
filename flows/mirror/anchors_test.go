package mirror

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/internal/wire"
	"github.com/strait-mirror/strait/flows/position"
	"github.com/strait-mirror/strait/flows/sink"
	"github.com/strait-mirror/strait/flows/topicsync"
)

// TestNothingIsStoredOfALaneThatHasNoPlaceYet has the anchor loop look at a lane
// between the moment in which both ends are known and the one in which it is known
// what is behind its anchor, while an earlier lane by its name is still due.
func TestNothingIsStoredOfALaneThatHasNoPlaceYet(t *testing.T) {
	f := &Flow{p: Params{Flow: model.NewFlow(field.HCL)}, notes: map[noteKey]Problem{}}
	s := &session{flow: f, waiting: map[position.Lane]time.Time{}, lanes: map[position.Lane]*lane{}}
	topic := &topic{}
	topic.update(topicsync.Pair{Source: "t", Target: "a.t"})
	l := &lane{session: s, topic: topic, anchored: -1, source: wire.PartitionKey{Topic: "t"}, target: wire.PartitionKey{Topic: "a.t"}}
	s.lanes[l.name()] = l
	looks := func() int {
		return len(s.takeMoved()) + len(s.lanesOf([]position.Lane{l.name()})) + len(s.placedLanes())
	}

	l.place(cluster.Offset{Offset: 100}, cluster.Offset{Offset: 500}, cluster.Offset{Offset: 900})
	if n := looks(); n != 0 {
		t.Errorf("of a lane without a place %d positions would be stored", n)
	}
	a := position.Anchor{Topic: "t", Offset: 99, TargetEnd: 100, ProducerID: 7, NextSequence: 100}
	l.resumeAt(a, evidence{sequence: 500, records: 400})
	s.placed(l)
	if n := len(s.takeMoved()) + len(s.lanesOf([]position.Lane{l.name()})); n != 0 {
		t.Errorf("the anchor is true, and yet %d positions would be stored", n)
	}
	if got := l.makeAnchor(); got.Offset != 99 || got.TargetEnd != 100 || got.ProducerID != 7 || got.NextSequence != 100 {
		t.Errorf("the anchor is %+v", got)
	}
	l.Acked(sink.Ack{SourceNext: 550, TargetEnd: 550, ProducerID: 7, NextSequence: 550, Records: 50, Bytes: 1})
	if n := looks(); n != 3 {
		t.Errorf("after it moved %d looks see it, want all three", n)
	}
}

// TestStoringEndsWithItsCaller has positions to store while those of another caller
// are on their way to a cluster that does not answer.
func TestStoringEndsWithItsCaller(t *testing.T) {
	s := &session{storing: make(chan struct{}, 1)}
	s.storing <- struct{}{}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errAsked)
	if err := s.writeAnchors(ctx, []*lane{{}}); !errors.Is(err, errAsked) {
		t.Errorf("it ends with %v", err)
	}
}
