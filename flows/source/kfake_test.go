package source

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	config "github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/internal/memory"
	"github.com/strait-mirror/strait/flows/internal/wire"
)

// onCluster shows a real cluster's knowledge as a fetcher wants it.
type onCluster struct{ *cluster.Cluster }

func (c onCluster) Leader(topic string, partition int32) (broker, epoch int32, id wire.TopicID, ok bool) {
	l, ok := c.Metadata().Leader(topic, partition)
	return l.Broker, l.Epoch, l.ID, ok
}
func (c onCluster) Refresh(ctx context.Context) error { return c.Metadata().Refresh(ctx) }
func (c onCluster) Hint(topic string, partition, leader, epoch int32) {
	c.Metadata().Hint(topic, partition, leader, epoch)
}

func (c onCluster) Earliest(ctx context.Context, topic string, partition int32) (int64, int32, error) {
	return c.one(ctx, cluster.Earliest, topic, partition)
}

func (c onCluster) Latest(ctx context.Context, topic string, partition int32) (int64, int32, error) {
	return c.one(ctx, cluster.HighWatermark, topic, partition)
}

func (c onCluster) one(ctx context.Context, at cluster.Position, topic string, partition int32) (int64, int32, error) {
	tp := cluster.TopicPartition{Topic: topic, Partition: partition}
	o := c.ListOffsets(ctx, at, []cluster.TopicPartition{tp})[tp]
	return o.Offset, o.Epoch, o.Err
}

// counter counts the records of one partition by batch headers.
type counter struct {
	t         *testing.T
	name      string
	partition *Partition

	mu       sync.Mutex // guards the rest
	next     int64
	problems []error
	changed  func()
}

func (c *counter) Fetched(f Fetched) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.Offset != c.next {
		c.t.Errorf("%s: data for %d, want %d", c.name, f.Offset, c.next)
	}
	x, err := walk(f.Data(), f.Offset)
	if err != nil || x.next != f.Next || x.end != len(f.Data()) {
		c.t.Errorf("%s: %+v, %v", c.name, x, err)
	}
	c.next = f.Next
	size := f.Records.Size()
	f.Records.Release()
	c.partition.Done(size)
	c.changed()
}
func (c *counter) Progress(_, _, _ int64) {}
func (c *counter) Recovered()             {}
func (c *counter) Problem(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.problems = append(c.problems, err)
	c.changed()
}

func (c *counter) at() (int64, []error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.next, c.problems
}

// kafkaRig is a fetcher of a topic's partitions in a kfake cluster.
type kafkaRig struct {
	t        *testing.T
	fake     *kfake.Cluster
	producer *kgo.Client
	counters []*counter
	changed  chan struct{}
}

const kafkaTopic = "orders"

func runOnKafka(t *testing.T, partitions int32) *kafkaRig {
	t.Helper()
	fake, err := kfake.NewCluster(kfake.NumBrokers(3), kfake.SeedTopics(partitions, kafkaTopic))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	c, err := cluster.New(cluster.Params{
		Config: &config.Cluster{Alias: "a", BootstrapServers: fake.ListenAddrs()}, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	c.Metadata().Track(kafkaTopic)
	client, err := c.Data("fetch")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	budget := memory.NewBudget(4 << 20)
	f, err := New(Params{
		Clients: []Client{client}, Leaders: onCluster{c}, Offsets: onCluster{c}, Budget: budget,
		Log: slog.New(slog.DiscardHandler), FetchMaxWait: 100 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		_ = f.Run(ctx)
		close(ended)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
		if free := budget.Free(); free != budget.Limit() {
			t.Errorf("%d bytes were not given back", budget.Limit()-free)
		}
	})
	producer, err := kgo.NewClient(kgo.SeedBrokers(fake.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(producer.Close)
	r := &kafkaRig{t: t, fake: fake, producer: producer, changed: make(chan struct{}, 1)}
	for i := range partitions {
		h := &counter{t: t, name: fmt.Sprint(i), changed: r.signal}
		h.mu.Lock()
		h.partition = f.Add(PartitionParams{
			Key: wire.PartitionKey{Topic: kafkaTopic, Partition: i}, LeaderEpoch: wire.NoEpoch, Handler: h,
		})
		h.mu.Unlock()
		r.counters = append(r.counters, h)
	}
	return r
}

func (r *kafkaRig) signal() {
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

// produce appends n records to each partition.
func (r *kafkaRig) produce(n int) {
	r.t.Helper()
	var records []*kgo.Record
	for range n {
		for i := range r.counters {
			records = append(records, &kgo.Record{Topic: kafkaTopic, Partition: int32(i), Value: make([]byte, 100)})
		}
	}
	if err := r.producer.ProduceSync(r.t.Context(), records...).FirstErr(); err != nil {
		r.t.Fatal(err)
	}
}

// until waits for a condition that only handlers can bring about.
func (r *kafkaRig) until(what string, done func() bool) {
	r.t.Helper()
	limit := time.After(20 * time.Second)
	for !done() {
		select {
		case <-r.changed:
		case <-limit:
			for _, c := range r.counters {
				at, problems := c.at()
				r.t.Logf("%s at %d: %+v, problems %v", c.name, at, c.partition.Status(), problems)
			}
			r.t.Fatalf("not in time: %s", what)
		}
	}
}

func (r *kafkaRig) arrived(end int64) {
	r.t.Helper()
	r.until("all records delivered", func() bool {
		for _, c := range r.counters {
			if at, _ := c.at(); at != end {
				return false
			}
		}
		return true
	})
}

func TestOnKafkaRecordsSurviveMovesAndLostConnections(t *testing.T) {
	r := runOnKafka(t, 6)
	r.produce(500)
	r.arrived(500)
	for i := range int64(5) {
		r.fake.ShufflePartitionLeaders()
		r.produce(100)
		r.arrived(600 + 200*i)
		r.fake.ControlKey(int16(kmsg.Fetch), func(kmsg.Request) (kmsg.Response, error, bool) {
			return nil, fmt.Errorf("the connection is cut"), true
		})
		r.produce(100)
		r.arrived(700 + 200*i)
	}
	for _, c := range r.counters {
		if _, problems := c.at(); len(problems) > 0 {
			t.Errorf("%s: %v", c.name, problems)
		}
	}
}

func TestOnKafkaDeletedRecordsAreFoundMissing(t *testing.T) {
	r := runOnKafka(t, 1)
	r.produce(100)
	r.arrived(100)
	req := kmsg.NewPtrDeleteRecordsRequest()
	part := kmsg.NewDeleteRecordsRequestTopicPartition()
	part.Offset = 50
	topic := kmsg.NewDeleteRecordsRequestTopic()
	topic.Topic, topic.Partitions = kafkaTopic, append(topic.Partitions, part)
	req.Topics = append(req.Topics, topic)
	resp, err := req.RequestWith(t.Context(), r.producer)
	if err != nil || resp.Topics[0].Partitions[0].ErrorCode != 0 {
		t.Fatal(err, kerr.ErrorForCode(resp.Topics[0].Partitions[0].ErrorCode))
	}
	c := r.counters[0]
	c.partition.SeekTo(10, wire.NoEpoch)
	r.until("a problem", func() bool { _, problems := c.at(); return len(problems) > 0 })
	_, problems := c.at()
	out, ok := errors.AsType[*OutOfRangeError](problems[0])
	if !ok || out.Side != Below || out.Start != 50 || out.End != 100 {
		t.Fatalf("problem %+v", problems[0])
	}
	c.mu.Lock()
	c.next = out.Start
	c.mu.Unlock()
	c.partition.SeekTo(out.Start, out.StartEpoch)
	r.arrived(100)
}
