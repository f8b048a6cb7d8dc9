package mirror

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/strait-mirror/strait/config/model"
)

// asOne makes a flow one of MirrorMaker 1.
func asOne(edit func(*model.Flow)) func(*model.Flow) {
	return func(f *model.Flow) {
		f.ReplicationPolicy, f.TopicsExclude = model.PolicyIdentity, nil
		f.MirrorMaker1 = &model.MirrorMaker1{Group: "g", CommitInterval: 50 * time.Millisecond, BatchSize: 16384}
		edit(f)
	}
}

func keep(f *model.Flow) { f.MirrorMaker1.KeepPartitions = true }

// committed returns what the group has committed of partition 0 on the source;
// -1: nothing.
func (w *two) committed(t *testing.T, topic string) int64 {
	t.Helper()
	offsets, err := kadm.NewClient(w.client[w.source]).FetchOffsets(t.Context(), "g")
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		t.Fatal(err)
	}
	if o, ok := offsets.Lookup(topic, 0); ok {
		return o.At
	}
	return -1
}

// TestGroupHoldsThePositions copies in two runs, by key and as it is: the second
// goes on where the group is, and the target holds nothing but topics.
func TestGroupHoldsThePositions(t *testing.T) {
	for name, edit := range map[string]func(*model.Flow){"by key": func(*model.Flow) {}, "as it is": keep} {
		t.Run(name, func(t *testing.T) {
			w := newTwo(t)
			w.create(t, "orders.internal", 1) // an ordinary name for MirrorMaker 1
			w.produce(t, "orders.internal", "1", "2", "3")
			for _, want := range []int64{3, 5} {
				if err := w.flow(t, true, asOne(edit)).Run(t.Context()); err != nil {
					t.Fatal(err)
				}
				if held, at := w.held(t, "orders.internal"), w.committed(t, "orders.internal"); held != want || at != want {
					t.Errorf("the target holds %d records, the group is at %d, want %d", held, at, want)
				}
				w.produce(t, "orders.internal", "4", "5")
			}
			topics, err := kadm.NewClient(w.client[w.target]).ListTopics(t.Context())
			if err != nil || len(topics) != 1 {
				t.Errorf("the target has topics %v, %v", topics.Names(), err)
			}
		})
	}
}

// TestGroupBeginsAtItsEnds has a group without offsets begin at the ends, and a
// committed 0 be a position.
func TestGroupBeginsAtItsEnds(t *testing.T) {
	w := newTwo(t)
	w.create(t, "fresh", 1)
	w.create(t, "zero", 1)
	w.produce(t, "fresh", "old")
	w.produce(t, "zero", "first")
	var zero kadm.Offsets
	zero.AddOffset("zero", 0, 0, -1)
	if err := kadm.NewClient(w.client[w.source]).CommitAllOffsets(t.Context(), "g", zero); err != nil {
		t.Fatal(err)
	}
	if err := w.flow(t, true, asOne(latest)).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if held := fmt.Sprint(w.held(t, "fresh"), w.held(t, "zero")); held != "0 1" {
		t.Errorf("the targets hold %s records, want 0 and 1", held)
	}
}

// TestOffsetsAreRenewed has the broker forget the offset of a quiet partition
// while a flow runs.
func TestOffsetsAreRenewed(t *testing.T) {
	w := newTwo(t)
	w.create(t, "t", 1)
	w.produce(t, "t", "1")
	stop := start(t, w.flow(t, false, asOne(keep)))
	until(t, "the record is committed", func() bool { return w.committed(t, "t") == 1 })
	var gone kadm.TopicsSet
	gone.Add("t", 0)
	if _, err := kadm.NewClient(w.client[w.source]).DeleteOffsets(t.Context(), "g", gone); err != nil {
		t.Fatal(err)
	}
	if at := w.committed(t, "t"); at != -1 {
		t.Fatalf("the group is still at %d", at)
	}
	stop()
	if at := w.committed(t, "t"); at != 1 {
		t.Errorf("the group is at %d, want 1", at)
	}
}

// TestLiveGroupIsRefused starts beside a member of the group.
func TestLiveGroupIsRefused(t *testing.T) {
	w := newTwo(t)
	w.create(t, "t", 1)
	w.produce(t, "t", "1")
	member, err := kgo.NewClient(kgo.SeedBrokers(w.source.ListenAddrs()...), kgo.ClientID("mm-0"),
		kgo.ConsumerGroup("g"), kgo.ConsumeTopics("t"), kgo.DisableAutoCommit())
	if err != nil {
		t.Fatal(err)
	}
	defer member.Close()
	if fetches := member.PollFetches(t.Context()); fetches.Err() != nil {
		t.Fatal(fetches.Err())
	}
	f := w.flow(t, true, asOne(keep))
	f.p.Timeout = time.Second
	err = f.Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), `consumer group "g" has 1 members (mm-0 at `) {
		t.Errorf("the flow ended with %v", err)
	}
}

// TestRefusedRecordIsIsolated has the target refuse every batch that holds a bad
// record: the others arrive, each once its turn has come, in the order of their
// key; the bad one stops the partition, or is skipped. A batch that the client had
// built behind the refused one may land before the partition stops, as with
// MirrorMaker 1: it is copied again, since no offset was committed for it.
func TestRefusedRecordIsIsolated(t *testing.T) {
	for tolerance, want := range map[string]int64{"all": 20, "none": 9} {
		t.Run(tolerance, func(t *testing.T) {
			w := newTwo(t)
			w.create(t, "t", 1)
			var records []*kgo.Record
			for i := range 20 {
				value := fmt.Sprintf("good-%d", i)
				if i == 9 {
					value = "bad"
				}
				records = append(records, &kgo.Record{Topic: "t", Key: []byte("k"), Value: []byte(value)})
			}
			if err := w.client[w.source].ProduceSync(t.Context(), records...).FirstErr(); err != nil {
				t.Fatal(err)
			}
			w.refuseRecords("bad")
			f := w.flow(t, true, asOne(func(f *model.Flow) { f.ErrorsTolerance = tolerance }))
			err := f.Run(t.Context())
			if refused := err != nil && strings.Contains(err.Error(), "INVALID_RECORD"); refused != (tolerance == "none") {
				t.Errorf("the flow ended with %v", err)
			}
			if at := w.committed(t, "t"); tolerance == "all" && at != want || tolerance == "none" && at > want {
				t.Errorf("the group is at %d, want %d", at, want)
			}
			if st := f.Status(); tolerance == "all" && st.Skipped != 1 {
				t.Errorf("%d records were skipped, want 1", st.Skipped)
			}
			got := w.firstOfEach(t, "t")
			for i := range want {
				if good := fmt.Sprintf("good-%d", i); i != 9 && !slices.Contains(got, good) {
					t.Errorf("the target did not get %s but %v", good, got)
				}
			}
			if slices.Contains(got, "bad") {
				t.Errorf("the target got the bad record: %v", got)
			}
		})
	}
}

// refuseRecords has the target refuse batches that hold a text.
func (w *two) refuseRecords(text string) {
	w.target.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		w.target.KeepControl()
		resp, hit := req.ResponseKind().(*kmsg.ProduceResponse), false
		for _, rt := range req.(*kmsg.ProduceRequest).Topics {
			st := kmsg.NewProduceResponseTopic()
			st.Topic, st.TopicID = rt.Topic, rt.TopicID
			for _, rp := range rt.Partitions {
				sp := kmsg.NewProduceResponseTopicPartition()
				sp.Partition, sp.ErrorCode = rp.Partition, kerr.InvalidRecord.Code
				st.Partitions = append(st.Partitions, sp)
				hit = hit || bytes.Contains(rp.Records, []byte(text))
			}
			resp.Topics = append(resp.Topics, st)
		}
		return resp, nil, hit
	})
}

// firstOfEach returns the values of partition 0 of a target topic, each where it
// is first.
func (w *two) firstOfEach(t *testing.T, topic string) (values []string) {
	t.Helper()
	seen := map[string]bool{}
	for _, v := range w.values(t, topic) {
		if !seen[v] {
			seen[v] = true
			values = append(values, v)
		}
	}
	return values
}
