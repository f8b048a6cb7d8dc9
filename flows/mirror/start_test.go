package mirror

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/internal/batch"
	"github.com/strait-mirror/strait/flows/internal/wire"
	"github.com/strait-mirror/strait/flows/sink"
)

// two are a source and a target in this process.
type two struct {
	source, target *kfake.Cluster
	client         map[*kfake.Cluster]*kgo.Client
}

func newTwo(t *testing.T) *two {
	t.Helper()
	w := &two{client: map[*kfake.Cluster]*kgo.Client{}}
	for i, side := range []**kfake.Cluster{&w.source, &w.target} {
		fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.ClusterID(fmt.Sprint("cluster-", i)))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(fake.Close)
		cl, err := kgo.NewClient(kgo.SeedBrokers(fake.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(cl.Close)
		*side, w.client[fake] = fake, cl
	}
	return w
}

// create creates a topic on the source.
func (w *two) create(t *testing.T, topic string, partitions int32) {
	t.Helper()
	if _, err := kadm.NewClient(w.client[w.source]).CreateTopic(t.Context(), partitions, 1, nil, topic); err != nil {
		t.Fatal(err)
	}
}

// produce writes records into partition 0 of a source topic.
func (w *two) produce(t *testing.T, topic string, values ...string) {
	t.Helper()
	for _, v := range values {
		if err := w.client[w.source].ProduceSync(t.Context(), &kgo.Record{Topic: topic, Value: []byte(v)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

// held returns how many records a target topic holds in partition 0.
func (w *two) held(t *testing.T, topic string) int64 {
	t.Helper()
	ends, err := kadm.NewClient(w.client[w.target]).ListEndOffsets(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	return ends[topic][0].Offset
}

// flow builds a flow of everything.
func (w *two) flow(t *testing.T, once bool, edit func(*model.Flow)) *Flow {
	t.Helper()
	def := model.NewFlow(field.HCL)
	def.Name, def.From, def.To, def.RefreshTopicsInterval = "a->b", "a", "b", 20*time.Millisecond
	edit(def)
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	connect := func(alias string, k *kfake.Cluster) *cluster.Cluster {
		m := model.NewCluster(field.HCL)
		m.Alias, m.BootstrapServers = alias, k.ListenAddrs()
		c, err := cluster.New(cluster.Params{Config: m, Log: log})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		return c
	}
	f, err := New(Params{
		Flow: def, Source: connect("a", w.source), Target: connect("b", w.target), Budget: NewBudget(8 << 20),
		Log: log, Once: once, Timeout: 10 * time.Second, DrainTimeout: 10 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// start runs a flow and returns what stops it.
func start(t *testing.T, f *Flow) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	return func() {
		t.Helper()
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the flow ended with %v", err)
		}
	}
}

// until polls a condition.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(20 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("gave up waiting until %s", what)
		}
	}
}

func latest(f *model.Flow) { f.Start = model.StartLatest }

// TestPositionBeforeTheFirstRecordHolds stops a flow that begins at the ends
// before its partition has a record: what is written meanwhile is not skipped.
func TestPositionBeforeTheFirstRecordHolds(t *testing.T) {
	w := newTwo(t)
	w.create(t, "t", 1)
	f := w.flow(t, false, latest)
	stop := start(t, f)
	until(t, "the partition's position is stored", func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.session == nil {
			return false
		}
		_, ok := f.session.store.Get("t", 0)
		return ok
	})
	stop()
	w.produce(t, "t", "1", "2", "3")
	if err := w.flow(t, true, latest).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := w.held(t, "a.t"); got != 3 {
		t.Errorf("the target holds %d records, want 3", got)
	}
}

// TestPartitionAddedWhileStoppedBeginsAtItsStart grows a topic between two runs
// of a flow that begins at the ends.
func TestPartitionAddedWhileStoppedBeginsAtItsStart(t *testing.T) {
	w := newTwo(t)
	w.create(t, "t", 1)
	w.produce(t, "t", "old")
	if err := w.flow(t, true, latest).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	adm := kadm.NewClient(w.client[w.source])
	if _, err := adm.UpdatePartitions(t.Context(), 2, "t"); err != nil {
		t.Fatal(err)
	}
	w.client[w.source].ForceMetadataRefresh()
	until(t, "the producer knows of the partition", func() bool {
		err := w.client[w.source].ProduceSync(t.Context(), &kgo.Record{Topic: "t", Partition: 1, Value: []byte("new")}).FirstErr()
		return err == nil
	})
	f := w.flow(t, true, latest)
	if err := f.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if st := f.Status(); st.Records != 1 || st.LagRecords != 0 {
		t.Errorf("%d records were copied, %d are left; want 1 and 0", st.Records, st.LagRecords)
	}
}

// TestOnlyOldPartitionsBeginAtTheirEnds has a topic appear while another one
// cannot be started yet.
func TestOnlyOldPartitionsBeginAtTheirEnds(t *testing.T) {
	w := newTwo(t)
	w.create(t, "old", 1)
	w.produce(t, "old", "1", "2")
	heal := w.withhold(func(topic string, _ int32) bool { return topic == "old" })
	f := w.flow(t, false, latest)
	stop := start(t, f)
	until(t, "the flow runs", func() bool { return f.Status().State == Running })
	w.create(t, "new", 1)
	w.produce(t, "new", "1", "2", "3")
	heal()
	until(t, "both have lanes", func() bool { return f.Status().Partitions == 2 && f.Status().LagRecords == 0 })
	w.produce(t, "old", "3")
	until(t, "all has arrived", func() bool { return f.Status().Records == 4 })
	stop()
	if held := fmt.Sprint(w.held(t, "a.old"), w.held(t, "a.new")); held != "1 3" {
		t.Errorf("the targets hold %s records, want 1 and 3", held)
	}
}

// withhold has the source not tell the offsets of some partitions, until heal is
// called; it says that the others end at 1.
func (w *two) withhold(some func(topic string, partition int32) bool) (heal func()) {
	refuse := true
	w.source.ControlKey(int16(kmsg.ListOffsets), func(req kmsg.Request) (kmsg.Response, error, bool) {
		w.source.KeepControl()
		if !refuse {
			return nil, nil, false
		}
		resp := req.ResponseKind().(*kmsg.ListOffsetsResponse)
		for _, rt := range req.(*kmsg.ListOffsetsRequest).Topics {
			st := kmsg.NewListOffsetsResponseTopic()
			st.Topic = rt.Topic
			for _, rp := range rt.Partitions {
				sp := kmsg.NewListOffsetsResponseTopicPartition()
				sp.Partition, sp.Offset = rp.Partition, 1
				if some(rt.Topic, rp.Partition) {
					sp.Offset, sp.ErrorCode = -1, kerr.OffsetNotAvailable.Code
				}
				st.Partitions = append(st.Partitions, sp)
			}
			resp.Topics = append(resp.Topics, st)
		}
		return resp, nil, true
	})
	return func() {
		w.source.Control(func(kmsg.Request) (kmsg.Response, error, bool) {
			refuse = false // in the goroutine that runs all controls
			return nil, nil, false
		})
	}
}

// TestLatecomerBeginsAtItsEnd has a partition that there was at first become
// ready only after another one of its topic has a position.
func TestLatecomerBeginsAtItsEnd(t *testing.T) {
	w := newTwo(t)
	w.create(t, "t", 2)
	for p := range int32(2) {
		if err := w.client[w.source].ProduceSync(t.Context(), &kgo.Record{Topic: "t", Partition: p, Value: []byte("old")}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	heal := w.withhold(func(_ string, partition int32) bool { return partition == 1 })
	f := w.flow(t, false, latest)
	stop := start(t, f)
	until(t, "the first partition has its place", func() bool { return f.Status().Partitions == 1 && f.Status().LagRecords == 0 })
	heal()
	until(t, "both have theirs", func() bool { return f.Status().Partitions == 2 && f.Status().LagRecords == 0 })
	stop()
	if got := f.Status().Records; got != 0 {
		t.Errorf("%d records were copied that there were at first", got)
	}
}

// TestPartsOfASplitBatchKeepThePosition splits a batch behind which a long gap
// was passed: until its last part is there, the position is in front of it.
func TestPartsOfASplitBatchKeepThePosition(t *testing.T) {
	w := newTwo(t)
	f := w.flow(t, false, func(*model.Flow) {})
	s := &session{flow: f, recoder: batch.NewRecoder(batch.Params{})}
	l := &lane{session: s, topic: &topic{}, ack: sink.Ack{SourceNext: 40, SourceEpoch: 3}, source: wire.PartitionKey{Topic: "t"}}
	var records []byte
	for i := range 10 {
		r := kmsg.NewRecord()
		r.OffsetDelta, r.Value = int32(i), make([]byte, 100)
		r.Length = int32(len(r.AppendTo(nil)) - 1)
		records = r.AppendTo(records)
	}
	raw := kmsg.RecordBatch{Magic: 2, LastOffsetDelta: 9, NumRecords: 10, Records: records}
	raw.Length = int32(len(raw.AppendTo(nil)) - 12)
	b := batch.Batch(raw.AppendTo(nil))
	whole := sink.Batch{Data: b, Records: 10, SourceNext: 1050, SourceEpoch: 4}
	parts, err := s.replace(l, whole, kerr.MessageTooLarge.Code, "")
	if err != nil || len(parts) < 2 {
		t.Fatalf("got %d parts, %v", len(parts), err)
	}
	sum := 0
	for i, p := range parts {
		next, epoch := int64(40), int32(3)
		if i == len(parts)-1 {
			next, epoch = 1050, 4
		}
		if p.SourceNext != next || p.SourceEpoch != epoch {
			t.Errorf("behind part %d the position is %d of epoch %d, want %d of %d", i, p.SourceNext, p.SourceEpoch, next, epoch)
		}
		sum += int(p.Records)
		p.Buffer.Release()
	}
	if n := f.Status().Reasons[string(batch.TooLarge)]; n != 1 {
		t.Errorf("status counts %d batches that were split, want 1", n)
	}
	if sum != 10 {
		t.Errorf("the parts have %d records, want 10", sum)
	}
}
