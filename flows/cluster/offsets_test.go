package cluster

import (
	"errors"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

func TestListOffsetsOfManyPartitions(t *testing.T) {
	k := startKafka(t, kfake.NumBrokers(3), kfake.SeedTopics(9, "many"))
	c := newCluster(t, k.ListenAddrs(), nil)
	var all []TopicPartition
	for p := range int32(9) {
		all = append(all, TopicPartition{"many", p})
		write(t, c, "many", p, int(p))
	}
	if err := k.DeleteRecords("many", 5, 2); err != nil {
		t.Fatal(err)
	}
	all = append(all, TopicPartition{"many", 99}, TopicPartition{"none", 0}, all[0])
	for _, tracked := range []bool{false, true} {
		if tracked {
			c.Metadata().Track("many")
			if err := c.Metadata().Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		for _, position := range []Position{Earliest, HighWatermark, StableEnd, LogEnd} {
			got := c.ListOffsets(t.Context(), position, all)
			if len(got) != 11 {
				t.Fatalf("%d answers", len(got))
			}
			for _, p := range all[:9] {
				want := int64(p.Partition)
				if position == Earliest {
					want = 0
					if p.Partition == 5 {
						want = 2
					}
				}
				if o := got[p]; o.Err != nil || o.Offset != want {
					t.Errorf("tracked %v, position %d of %v: %+v", tracked, position, p, o)
				}
			}
			for _, p := range all[9:11] {
				if o := got[p]; !errors.Is(o.Err, ErrNoLeader) {
					t.Errorf("%v: %+v", p, o)
				}
			}
		}
	}
}

func TestListOffsetsOfAnOpenTransaction(t *testing.T) {
	k := startKafka(t)
	c := newCluster(t, k.ListenAddrs(), nil)
	write(t, c, "t", 0, 2)
	producer, err := kgo.NewClient(kgo.SeedBrokers(k.ListenAddrs()...), kgo.TransactionalID("x"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	if err := producer.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := producer.ProduceSync(t.Context(), &kgo.Record{Topic: "t", Value: []byte("v")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	tp := TopicPartition{"t", 0}
	for position, want := range map[Position]int64{Earliest: 0, HighWatermark: 3, StableEnd: 2, LogEnd: 3} {
		if o := c.ListOffsets(t.Context(), position, []TopicPartition{tp})[tp]; o.Err != nil || o.Offset != want {
			t.Errorf("position %d: %+v, want %d", position, o, want)
		}
	}
}

func TestListOffsetsReportsMovedLeaders(t *testing.T) {
	k := startKafka(t, kfake.NumBrokers(2))
	c := newCluster(t, k.ListenAddrs(), nil)
	m := c.Metadata()
	m.Track("t")
	if err := m.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	before, _ := m.Leader("t", 0)
	if err := k.MoveTopicPartition("t", 0, 1-before.Broker); err != nil {
		t.Fatal(err)
	}
	tp := TopicPartition{"t", 0}
	if o := c.ListOffsets(t.Context(), LogEnd, []TopicPartition{tp})[tp]; !errors.Is(o.Err, kerr.FencedLeaderEpoch) {
		t.Errorf("%+v", o)
	}
	if err := m.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if o := c.ListOffsets(t.Context(), LogEnd, []TopicPartition{tp})[tp]; o.Err != nil {
		t.Errorf("%+v", o)
	}
}

func TestProducerIDsDiffer(t *testing.T) {
	c := newCluster(t, startKafka(t).ListenAddrs(), nil)
	one, _, err := c.InitProducerID(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if two, _, err := c.InitProducerID(t.Context()); err != nil || one == two {
		t.Errorf("%d, %d, %v", one, two, err)
	}
}
