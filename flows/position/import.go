package position

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/strait-mirror/strait/flows/internal/admin"
)

// Import is a connector of MirrorMaker 2 on Kafka Connect whose positions are
// taken over.
type Import struct {
	Topic     string // offset.storage.topic of its workers, on the target
	Connector string // its name
}

// ImportError says that there is nothing to take over: going on without would copy
// everything again.
type ImportError struct {
	Import

	Source string // alias
	Err    error  // nil: the topic has no position of the connector
}

func (e *ImportError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("taking over the positions of connector %q: topic %q: %v", e.Connector, e.Topic, e.Err)
	}
	return fmt.Sprintf("topic %q has no positions of connector %q from cluster %q", e.Topic, e.Connector, e.Source)
}

// Unwrap returns what was in the way.
func (e *ImportError) Unwrap() error { return e.Err }

// Hint says what to do about it.
func (e *ImportError) Hint() string {
	return "correct topic and connector in the positions block (strait internal-topics cat shows the topic), or remove it to begin as start says"
}

// takeOver writes the positions of the connector as ours, unless that was done
// before: where one of its partitions has a position here, all of them came over,
// or their reader has decided otherwise. A connector that still has tasks is a
// *LiveMirrorMakerError.
func (s *Store) takeOver(ctx context.Context) error {
	from := s.p.Import
	if from == nil {
		return nil
	}
	foreign, err := NewStore(Params{
		Client: s.p.Client, SourceAlias: s.p.SourceAlias, Log: s.p.Log, Topic: from.Topic, Owner: from.Connector, KeepSettings: true,
	})
	if err != nil {
		return fmt.Errorf("taking over positions: %w", err)
	}
	if err := s.connectorIdle(ctx, from.Connector); err != nil {
		return err
	}
	topics, err := admin.Topics(ctx, s.p.Client, []string{from.Topic})
	if err != nil {
		return fmt.Errorf("taking over positions: %w", err)
	}
	if err := topics[from.Topic].Err; errors.Is(err, kerr.UnknownTopicOrPartition) {
		if len(s.All()) > 0 {
			return nil // it was done, and the topic deleted since
		}
		return &ImportError{Import: *from, Source: s.p.SourceAlias, Err: err}
	}
	if err := foreign.Refresh(ctx); err != nil {
		return &ImportError{Import: *from, Source: s.p.SourceAlias, Err: err}
	}
	theirs := foreign.All()
	if len(theirs) == 0 && len(s.All()) == 0 {
		return &ImportError{Import: *from, Source: s.p.SourceAlias}
	}
	if err := s.Refresh(ctx); err != nil { // another process may have been first
		return err
	}
	edits := make([]Edit, len(theirs))
	for i, a := range theirs {
		if _, ours := s.Get(a.Topic, a.Partition); ours {
			return nil
		}
		edits[i] = Edit{Lane: a.Lane(), Offset: a.Offset}
	}
	if err := s.Edit(ctx, edits); err != nil {
		return err
	}
	s.p.Log.Info("positions of a connector taken over", "connector", from.Connector, "topic", from.Topic, "partitions", len(edits))
	return s.Refresh(ctx)
}

// connectorIdle returns a *LiveMirrorMakerError where workers of Kafka Connect have
// tasks of a connector. Groups that we may not describe are not seen.
func (s *Store) connectorIdle(ctx context.Context, connector string) error {
	groups, err := kadm.NewClient(s.p.Client).ListGroups(ctx)
	if err != nil && len(groups) == 0 {
		return fmt.Errorf("looking for workers of connector %q: %w", connector, err)
	}
	req := kmsg.NewPtrDescribeGroupsRequest()
	for _, g := range groups {
		if g.ProtocolType == "connect" {
			req.Groups = append(req.Groups, g.Group)
		}
	}
	if len(req.Groups) == 0 {
		return nil
	}
	for _, shard := range s.p.Client.RequestSharded(ctx, req) { // kadm reads the numbers of tasks as shorter ones
		resp, ok := shard.Resp.(*kmsg.DescribeGroupsResponse)
		if shard.Err != nil || !ok {
			return fmt.Errorf("looking for workers of connector %q: %w", connector, shard.Err)
		}
		for _, group := range resp.Groups {
			if err := idle(group, connector); err != nil {
				return err
			}
			// Tasks go on while workers divide them anew (KIP-415), and nobody is told of them.
			if len(group.Members) > 0 && group.State != "Stable" {
				return fmt.Errorf("looking for tasks of connector %q: the workers of group %q divide their work: %w", connector, group.Group, kerr.RebalanceInProgress)
			}
		}
	}
	return nil
}
