package cluster

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/strait-mirror/strait/flows/internal/wire"
)

// topicAnswer returns a topic with leaders, all of one epoch.
func topicAnswer(name string, id byte, epoch int32, leaders ...int32) kmsg.MetadataResponseTopic {
	t := kmsg.MetadataResponseTopic{Topic: new(name), TopicID: wire.TopicID{id}}
	for i, l := range leaders {
		t.Partitions = append(t.Partitions, kmsg.MetadataResponseTopicPartition{Partition: int32(i), Leader: l, LeaderEpoch: epoch})
	}
	return t
}

// scripted is a cluster that answers what it is told to.
type scripted struct {
	mu     sync.Mutex // guards the rest
	topics []kmsg.MetadataResponseTopic
	err    error
	asked  []time.Time
	takes  time.Duration
}

func (s *scripted) request(ctx context.Context, _ kmsg.Request) (kmsg.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, time.Now())
	select {
	case <-time.After(s.takes):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return &kmsg.MetadataResponse{Topics: s.topics}, s.err
}

func refreshed(t *testing.T, m *Metadata) {
	t.Helper()
	if err := m.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestMetadataKeepsTheNewestEpoch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scripted{}
		m := newMetadata(s.request)
		m.Track("t")
		check := func(step string, broker, epoch int32) {
			t.Helper()
			if l, ok := m.Leader("t", 0); ok != (broker >= 0) || ok && (l.Broker != broker || l.Epoch != epoch) {
				t.Errorf("%s: %+v, %v", step, l, ok)
			}
		}
		check("before the first answer", -1, 0)
		s.topics = []kmsg.MetadataResponseTopic{topicAnswer("t", 1, 5, 1, 2)}
		refreshed(t, m)
		check("first", 1, 5)
		generation := m.Generation()
		refreshed(t, m)
		if m.Generation() != generation {
			t.Error("the generation changed without a change")
		}
		m.Hint("t", 0, 3, 4)
		m.Hint("t", 0, 3, 5)
		check("old hints", 1, 5)
		m.Hint("t", 0, 3, 6)
		check("new hint", 3, 6)
		if m.Generation() == generation {
			t.Error("the generation did not change with a hint")
		}
		refreshed(t, m)
		check("a stale answer", 3, 6)
		m.Hint("t", 9, 3, 6)
		m.Hint("unknown", 0, 3, 6)
		s.topics = []kmsg.MetadataResponseTopic{topicAnswer("t", 1, 7, -1, 2)}
		refreshed(t, m)
		check("no leader", -1, 0)
		s.topics = []kmsg.MetadataResponseTopic{topicAnswer("t", 2, 0, 4)}
		refreshed(t, m)
		check("recreated", 4, 0)
		if m.Partitions("t") != 1 || m.TopicID("t") != (wire.TopicID{2}) {
			t.Errorf("%d partitions, id %v", m.Partitions("t"), m.TopicID("t"))
		}
	})
}

func TestMetadataKeepsWhatIsWrongWithATopic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scripted{topics: []kmsg.MetadataResponseTopic{topicAnswer("t", 1, 5, 1)}}
		m := newMetadata(s.request)
		m.Track("t", "gone")
		if m.Err("t") == nil || m.Err("other") == nil {
			t.Error("no error for a topic nobody asked for")
		}
		refreshed(t, m)
		if m.Err("t") != nil || m.Err("gone") != kerr.UnknownTopicOrPartition {
			t.Errorf("%v, %v", m.Err("t"), m.Err("gone"))
		}
		s.topics[0].ErrorCode = kerr.LeaderNotAvailable.Code
		refreshed(t, m)
		if _, ok := m.Leader("t", 0); !ok || m.Err("t") != kerr.LeaderNotAvailable {
			t.Errorf("a passing error lost the leader, or was lost: %v", m.Err("t"))
		}
		s.topics[0].ErrorCode = kerr.UnknownTopicOrPartition.Code
		refreshed(t, m)
		if _, ok := m.Leader("t", 0); ok || m.Err("t") != kerr.UnknownTopicOrPartition {
			t.Errorf("a deleted topic has a leader: %v", m.Err("t"))
		}
		m.Track("t")
		m.Forget("t", "gone")
		if m.Err("t") != kerr.UnknownTopicOrPartition {
			t.Error("one of two users forgot the topic for both")
		}
		m.Forget("t")
		if len(m.topics) != 0 {
			t.Error("forgotten topics are kept")
		}
		asked := len(s.asked)
		if refreshed(t, m); len(s.asked) != asked {
			t.Error("a request was sent for no topic")
		}
	})
}

func TestRefreshesShareRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scripted{takes: 10 * time.Millisecond, topics: []kmsg.MetadataResponseTopic{topicAnswer("t", 1, 5, 1)}}
		m := newMetadata(s.request)
		m.Track("t")
		var wg sync.WaitGroup
		refresh := func() { wg.Go(func() { refreshed(t, m) }) }
		refresh()
		synctest.Wait() // its request is under way
		for range 20 {
			refresh() // these need a newer answer, one for all
		}
		wg.Wait()
		if len(s.asked) != 2 {
			t.Fatalf("%d requests, want 2", len(s.asked))
		}
		if apart := s.asked[1].Sub(s.asked[0]); apart != refreshInterval {
			t.Errorf("the requests are %v apart", apart)
		}
	})
}

func TestFailingRefreshesBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := errors.New("down")
		s := &scripted{err: down}
		m := newMetadata(s.request)
		m.Track("t")
		for range 10 {
			if err := m.Refresh(t.Context()); !errors.Is(err, down) {
				t.Fatal(err)
			}
		}
		for i := 1; i < len(s.asked); i++ {
			apart := s.asked[i].Sub(s.asked[i-1])
			if want := min(refreshInterval<<i, maxRefreshInterval); apart > want || apart < want*7/10 {
				t.Errorf("request %d came %v after the one before, want about %v", i, apart, want)
			}
		}
		s.err = nil
		refreshed(t, m)
		began := time.Now()
		if refreshed(t, m); time.Since(began) > refreshInterval {
			t.Error("success does not end the backoff")
		}
	})
}

func TestACancelledRefreshFailsNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scripted{takes: time.Second, topics: []kmsg.MetadataResponseTopic{topicAnswer("t", 1, 5, 1)}}
		m := newMetadata(s.request)
		m.Track("t")
		ctx, cancel := context.WithCancelCause(t.Context())
		stop := errors.New("stopped")
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := m.Refresh(ctx); !errors.Is(err, stop) {
				t.Error(err)
			}
		})
		synctest.Wait()
		wg.Go(func() { refreshed(t, m) })
		synctest.Wait()
		cancel(stop)
		wg.Wait()
		if _, ok := m.Leader("t", 0); !ok {
			t.Error("the second refresh brought nothing")
		}
	})
}
