// Package schedules runs whole flows between fake clusters under random schedules
// of faults: kills, cut and stalled connections, requests that arrive late, lost
// answers, refusals and moved leaders. A schedule follows from its seed, time is
// synctest's, and a reader that shares no code with the engine compares every
// record in the end. Fake brokers accept what Kafka refuses: claims about brokers
// rest on package faults, which does the same on real ones; this one goes through
// many more orders of events.
package schedules

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/mirror"
)

const (
	partitions = 2
	rounds     = 8               // faults of a schedule
	settled    = 5 * time.Minute // of fake time; then a flow that does not come to an end hangs
)

// TestEverySchedule runs 25 schedules, from STRAIT_SEED on if that is set, and with
// STRAIT_SOAK 2,000 (STRAIT_SOAK_SCHEDULES).
func TestEverySchedule(t *testing.T) {
	first, count := number(t, "STRAIT_SEED", 0), 25
	if os.Getenv("STRAIT_SOAK") != "" {
		count = number(t, "STRAIT_SOAK_SCHEDULES", 2000)
	}
	for i := range count {
		seed := uint64(first + i)
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { newSchedule(t, seed).run() })
		})
	}
}

// TestRepeatsAreSeen shows that kills leave something to repeat, and that the
// comparison counts it: at_least_once repeats, under the same schedules that
// exactly_once must survive without.
func TestRepeatsAreSeen(t *testing.T) {
	const seeds = 10
	repeated := 0
	for seed := range uint64(seeds) {
		synctest.Test(t, func(t *testing.T) {
			s := newSchedule(t, seed)
			s.delivery = model.AtLeastOnce
			s.run()
			repeated += s.repeated
		})
	}
	t.Logf("%d records were copied twice", repeated)
	if repeated == 0 {
		t.Error("nothing was copied twice, so that these schedules show nothing")
	}
}

// TestABacklogOverASlowWay has more to copy in transactions than the target takes in
// the time of one: small batches that are not merged, one at a time.
func TestABacklogOverASlowWay(t *testing.T) {
	const batches, apart = 3000, 50 * time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		s := newSchedule(t, 0)
		s.delivery, s.topics, s.copy = model.Transactional, []string{"t"}, "a.t"
		s.edit = func(f *model.Flow) { f.Coalesce = "off" }
		cl, err := kgo.NewClient(append(s.opts(s.source), kgo.ProducerLinger(0))...)
		if err != nil {
			t.Fatal(err)
		}
		for range batches {
			s.made++
			r := &kgo.Record{Topic: "t", Partition: s.rand.Int32N(partitions), Key: []byte(strconv.Itoa(s.made) + "t"), Value: make([]byte, 2000)}
			if err := cl.ProduceSync(t.Context(), r).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
		cl.Close()
		s.target.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
			s.target.KeepControl()
			time.Sleep(apart)
			return nil, nil, false
		})
		s.life = s.begin()
		defer s.source.Close()
		defer s.target.Close()
		s.await()
		if err := s.life.end(); err != nil {
			t.Errorf("the flow ended with %v", err)
		}
		s.judge()
	})
}

// number returns an environment variable.
func number(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// schedule is one run.
type schedule struct {
	t              *testing.T
	rand           *rand.Rand
	net            *kfake.VirtualNetwork
	source, target *kfake.Cluster
	delivery       model.Delivery
	topics         []string          // of the source
	copy           string            // the target's one topic
	edit           func(*model.Flow) // of the flow's other properties; may be nil
	life           *life
	made           int // records written to the source

	unproven int64 // places that were not proven
	repeated int   // records found twice
}

func newSchedule(t *testing.T, seed uint64) *schedule {
	t.Helper()
	s := &schedule{
		t: t, rand: rand.New(rand.NewPCG(seed, 9)), net: &kfake.VirtualNetwork{}, // not a secret
		delivery: model.ExactlyOnce, topics: []string{"t"}, copy: "a.t",
	}
	switch s.rand.IntN(6) {
	case 0:
		s.delivery = model.AtLeastOnce
	case 1:
		s.delivery = model.Transactional
	}
	if s.rand.IntN(3) == 0 {
		s.topics, s.copy = []string{"t", "u"}, "merged"
	}
	for i, side := range []**kfake.Cluster{&s.source, &s.target} {
		c, err := kfake.NewCluster(kfake.ClusterID(fmt.Sprint("cluster-", i)), kfake.ListenFn(s.net.Listen),
			kfake.Ports(10001+10*i, 10002+10*i, 10003+10*i))
		if err != nil {
			t.Fatal(err)
		}
		*side = c
	}
	for _, topic := range s.topics {
		if err := s.source.CreateTopic(topic, partitions, nil); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// opts are those of a client without faults.
func (s *schedule) opts(c *kfake.Cluster) []kgo.Opt {
	return []kgo.Opt{kgo.SeedBrokers(c.ListenAddrs()...), kgo.Dialer(s.net.DialContext), kgo.RecordPartitioner(kgo.ManualPartitioner())}
}

// run is the whole schedule.
func (s *schedule) run() {
	defer s.source.Close()
	defer s.target.Close()
	s.life = s.begin()
	for range rounds {
		s.load()
		s.strike()
		time.Sleep(time.Duration(s.rand.IntN(1500)) * time.Millisecond)
	}
	s.load()
	s.await()
	if err := s.life.end(); err != nil {
		s.t.Errorf("the flow ended with %v", err)
	}
	s.unproven += s.life.flow.Status().Unproven
	s.judge()
}

// life is one process with a flow.
type life struct {
	flow   *mirror.Flow
	net    *outlet
	cancel context.CancelFunc
	ended  chan error
	close  []func()
}

// begin starts a process.
func (s *schedule) begin() *life {
	s.t.Helper()
	def := model.NewFlow(field.HCL)
	def.Name, def.From, def.To, def.RefreshTopicsInterval, def.Delivery = "a->b", "a", "b", time.Second, s.delivery
	def.RequestTimeout = 3 * time.Second
	if len(s.topics) > 1 {
		merge := model.NewStage(model.StageRename)
		merge.Rename.Pattern, merge.Rename.Replacement, merge.Rename.Merge = ".*", s.copy, true
		def.Stages = []*model.Stage{merge}
		def.KeepStageNames()
	}
	if s.edit != nil {
		s.edit(def)
	}
	l := &life{net: &outlet{net: s.net}, ended: make(chan error, 1)}
	log := slog.New(slog.NewTextHandler(s.t.Output(), nil))
	connect := func(alias string, k *kfake.Cluster) *cluster.Cluster {
		m := model.NewCluster(field.HCL)
		m.Alias, m.BootstrapServers = alias, k.ListenAddrs()
		c, err := cluster.New(cluster.Params{Config: m, Log: log, Dial: l.net.Dial, RequestTimeout: def.RequestTimeout})
		if err != nil {
			s.t.Fatal(err)
		}
		l.close = append(l.close, c.Close)
		return c
	}
	var err error
	l.flow, err = mirror.New(mirror.Params{
		Flow: def, Source: connect("a", s.source), Target: connect("b", s.target), Budget: mirror.NewBudget(8 << 20),
		Log: log, DrainTimeout: 20 * time.Second,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(s.t.Context())
	l.cancel = cancel
	go func() { l.ended <- l.flow.Run(ctx) }()
	return l
}

// end stops a process in good order.
func (l *life) end() error {
	l.cancel()
	err := <-l.ended
	for _, c := range l.close {
		c()
	}
	l.net.kill(0)
	l.net.wait.Wait()
	return err
}

// kill ends a process as SIGKILL does: what it had under way arrives, late, or
// does not; it learns of nothing and stores nothing more. What is left of it in
// memory is waited for aside. Its clients are closed first: one that asks for a
// producer id asks again at once when it cannot connect, and the others that wait
// for its mutex meanwhile stop synctest's clock.
func (l *life) kill(late time.Duration, aside *sync.WaitGroup) {
	l.net.kill(late)
	aside.Go(func() {
		for _, c := range l.close {
			c()
		}
		_ = l.end()
	})
}

// load writes records: plain batches, and transactions that are committed or not.
func (s *schedule) load() {
	s.t.Helper()
	opts := append(s.opts(s.source), kgo.ProducerLinger(0), kgo.MaxProduceRequestsInflightPerBroker(1))
	transactional := s.rand.IntN(3) == 0
	if transactional {
		opts = append(opts, kgo.TransactionalID(fmt.Sprint("load-", s.made)))
	}
	cl, err := kgo.NewClient(opts...)
	if err != nil {
		s.t.Fatal(err)
	}
	defer cl.Close()
	ctx := s.t.Context()
	for range 1 + s.rand.IntN(4) {
		if transactional {
			if err := cl.BeginTransaction(); err != nil {
				s.t.Fatal(err)
			}
		}
		for range 1 + s.rand.IntN(20) {
			s.made++
			topic := s.topics[s.rand.IntN(len(s.topics))]
			cl.Produce(ctx, &kgo.Record{
				Topic: topic, Partition: s.rand.Int32N(partitions),
				Key: []byte(strconv.Itoa(s.made) + topic), Value: make([]byte, s.rand.IntN(2000)),
				Headers: []kgo.RecordHeader{{Key: "n", Value: []byte(strconv.Itoa(s.made))}},
			}, func(_ *kgo.Record, err error) {
				if err != nil {
					s.t.Errorf("writing to the source: %v", err)
				}
			})
		}
		if err := cl.Flush(ctx); err != nil {
			s.t.Fatal(err)
		}
		if transactional {
			if err := cl.EndTransaction(ctx, kgo.TransactionEndTry(s.rand.IntN(3) > 0)); err != nil {
				s.t.Fatal(err)
			}
		}
		time.Sleep(time.Duration(s.rand.IntN(200)) * time.Millisecond)
	}
}

// strike does one thing that a mirror must live through, or be killed by.
func (s *schedule) strike() {
	s.t.Helper()
	late := time.Duration(s.rand.IntN(3000)) * time.Millisecond
	switch n := s.rand.IntN(8); n {
	case 0, 1:
		var aside sync.WaitGroup
		s.unproven += s.life.flow.Status().Unproven
		s.life.kill(late, &aside)
		s.life = s.begin() // beside what is left of the old one
		aside.Wait()
	case 2:
		s.life.net.cut(late)
	case 3:
		s.life.net.stall(direction(s.rand.IntN(int(directions))), late)
	case 4:
		s.life.net.each(func(l *link) { l.stall(requests) })
		time.Sleep(late / 4)
		s.life.net.cut(late) // what was held up arrives after the connection is gone
	case 5:
		for _, topic := range s.topics {
			s.move(s.source, topic)
		}
		s.move(s.target, s.copy)
	default:
		s.refuse()
	}
}

// move gives partitions to other leaders.
func (s *schedule) move(c *kfake.Cluster, name string) {
	if c.TopicInfo(name) == nil {
		return
	}
	for p := range int32(partitions) {
		if err := c.MoveTopicPartition(name, p, s.rand.Int32N(3)); err != nil {
			s.t.Error(err)
		}
	}
}

// refuse has brokers answer requests with errors. Two of them say nothing of
// whether the batch was appended: it was.
func (s *schedule) refuse() {
	produce := []*kerr.Error{
		kerr.RequestTimedOut, kerr.NotEnoughReplicasAfterAppend, kerr.NotLeaderForPartition, kerr.NotEnoughReplicas,
		kerr.KafkaStorageError, kerr.UnknownServerError, kerr.LeaderNotAvailable, kerr.OutOfOrderSequenceNumber,
	}
	read := []*kerr.Error{kerr.NotLeaderForPartition, kerr.UnknownLeaderEpoch, kerr.KafkaStorageError, kerr.OffsetNotAvailable}
	pick := func(from []*kerr.Error) *kerr.Error { return from[s.rand.IntN(len(from))] }
	s.target.Fault(
		kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: s.copy, Err: pick(produce), Count: 1 + s.rand.IntN(3)},
		kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "mm2-offsets.a.internal", Err: pick(produce[:4]), Count: 1},
		kfake.Fault{Keys: []kmsg.Key{kmsg.ListOffsets, kmsg.Fetch}, Topic: s.copy, Err: pick(read), Count: 1},
	)
	if s.delivery == model.Transactional {
		begin := []*kerr.Error{kerr.CoordinatorNotAvailable, kerr.NotCoordinator, kerr.CoordinatorLoadInProgress, kerr.ConcurrentTransactions}
		s.target.Fault(
			kfake.Fault{Keys: []kmsg.Key{kmsg.InitProducerID}, Err: pick(begin), Count: 1},
			kfake.Fault{Keys: []kmsg.Key{kmsg.AddPartitionsToTxn, kmsg.AddOffsetsToTxn, kmsg.EndTxn}, Err: pick(begin), Count: 1},
		)
	}
	for _, topic := range s.topics {
		s.source.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch, kmsg.ListOffsets}, Topic: topic, Err: pick(read), Count: 1 + s.rand.IntN(2)})
	}
}
