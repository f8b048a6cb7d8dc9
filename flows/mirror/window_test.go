package mirror

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/internal/batch"
)

// writeSealed writes a batch of records from one timestamp to another that nobody can
// decompress.
func (w *two) writeSealed(t *testing.T, topic string, records int32, first, last int64) {
	t.Helper()
	raw := kmsg.RecordBatch{
		Magic: 2, Attributes: int16(batch.Zstd), LastOffsetDelta: records - 1, FirstTimestamp: first, MaxTimestamp: last,
		ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1, NumRecords: records, Records: []byte("no zstd"),
	}
	raw.Length = int32(len(raw.AppendTo(nil)) - 12)
	b := raw.AppendTo(nil)
	binary.BigEndian.PutUint32(b[17:], batch.Checksum(b[21:]))

	cl := w.client[w.source]
	meta, err := kadm.NewClient(cl).ListTopics(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	req, part, rt := kmsg.NewPtrProduceRequest(), kmsg.NewProduceRequestTopicPartition(), kmsg.NewProduceRequestTopic()
	part.Records, rt.Topic, rt.TopicID = b, topic, meta[topic].ID
	rt.Partitions, req.Acks = append(rt.Partitions, part), -1
	req.Topics = append(req.Topics, rt)
	resp, err := req.RequestWith(t.Context(), cl)
	if err == nil {
		err = kerr.ErrorForCode(resp.Topics[0].Partitions[0].ErrorCode)
	}
	if err != nil {
		t.Fatalf("writing a batch: %v", err)
	}
}

// TestWindowsGoByHeaders has batches that cannot be opened: what their headers tell
// to be in a window or outside is copied or dropped all the same, and the lane stands
// in front of the one of which they do not.
func TestWindowsGoByHeaders(t *testing.T) {
	for _, c := range []struct {
		from, until string
		copied      int64
		dropped     int64
		stops       bool
	}{
		{"", "3000", 7, 0, false},
		{"3000", "", 0, 7, false},
		{"2500", "", 0, 7, false},
		{"", "2000", 4, 0, true},
		{"1500", "", 0, 4, true},
		{"1500", "2500", 0, 4, true},
	} {
		t.Run(fmt.Sprintf("from %s until %s", c.from, c.until), func(t *testing.T) {
			w := newTwo(t)
			w.create(t, "t", 1)
			w.writeSealed(t, "t", 4, 1000, 1400)
			w.writeSealed(t, "t", 3, 1600, 2400)
			f := w.flow(t, false, func(def *model.Flow) {
				stage := model.NewStage(model.StageWindow)
				stage.Name, stage.Window.From, stage.Window.Until = "time", c.from, c.until
				def.Topics, def.Stages = []string{"t"}, []*model.Stage{stage}
			})
			defer start(t, f)()
			until(t, "the lane is where it belongs", func() bool {
				st, stopped := f.Status(), false
				for _, p := range f.problems() {
					stopped = stopped || p.Stopped
				}
				return st.Filtered == c.dropped && stopped == c.stops && w.held(t, "a.t") == c.copied && (c.stops || st.Records == c.copied)
			})
			if n := f.Status().Stages["time"]; n.Given != c.copied+c.dropped || n.Dropped != c.dropped {
				t.Errorf("the stage counted %+v", n)
			}
			if n := f.Status().Reasons; len(n) > 0 {
				t.Errorf("batches were built anew: %v", n)
			}
		})
	}
}
