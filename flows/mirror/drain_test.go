package mirror

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/strait-mirror/strait/config/model"
)

// refuse has the target refuse every batch for a partition until a call of the
// returned function.
func (w *two) refuse(partition int32, code int16) (allow func()) {
	refusing := true
	w.target.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		w.target.KeepControl()
		resp, hit := req.ResponseKind().(*kmsg.ProduceResponse), false
		for _, rt := range req.(*kmsg.ProduceRequest).Topics {
			st := kmsg.NewProduceResponseTopic()
			st.Topic, st.TopicID = rt.Topic, rt.TopicID
			for _, rp := range rt.Partitions {
				sp := kmsg.NewProduceResponseTopicPartition()
				sp.Partition, sp.ErrorCode = rp.Partition, code
				st.Partitions = append(st.Partitions, sp)
				hit = hit || rp.Partition == partition
			}
			resp.Topics = append(resp.Topics, st)
		}
		return resp, nil, hit && refusing
	})
	return func() {
		w.target.Control(func(kmsg.Request) (kmsg.Response, error, bool) {
			refusing = false // in the goroutine that runs all controls
			return nil, nil, false
		})
	}
}

// TestStopWithAReasonIsNoFailure stops a flow as the program's signals do, by a
// context with a cause of its own.
func TestStopWithAReasonIsNoFailure(t *testing.T) {
	w := newTwo(t)
	w.create(t, "t", 1)
	w.produce(t, "t", "1")
	f := w.flow(t, false, func(*model.Flow) {})
	ctx, cancel := context.WithCancelCause(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	until(t, "the record has arrived", func() bool { return f.Status().Records == 1 })
	cancel(errors.New("interrupted"))
	if err := <-ended; err != nil {
		t.Errorf("the flow ended with %v", err)
	}
	if st := f.Status(); st.State != Stopped || st.Cause != "" {
		t.Errorf("the flow is %s: %s", st.State, st.Cause)
	}
}

// TestDrainStoresWhatRestsThoughOtherPartitionsDoNot stops a flow of which one
// partition cannot be written: where the other one came to is stored all the
// same, and the end says that something was left.
func TestDrainStoresWhatRestsThoughOtherPartitionsDoNot(t *testing.T) {
	w := newTwo(t)
	w.create(t, "t", 26) // partition 25 is no partition of the position topic
	allow := w.refuse(25, kerr.NotEnoughReplicas.Code)
	f := w.flow(t, false, func(*model.Flow) {})
	f.p.DrainTimeout = time.Second
	ctx, cancel := context.WithCancelCause(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	w.produce(t, "t", "1", "2", "3")
	until(t, "partition 0 has arrived", func() bool { return f.Status().Records == 3 })
	stuck := &kgo.Record{Topic: "t", Partition: 25, Value: []byte("stuck")}
	if err := w.client[w.source].ProduceSync(t.Context(), stuck).FirstErr(); err != nil {
		t.Fatal(err)
	}
	until(t, "partition 25 is stuck", func() bool { return len(f.problems()) > 0 })
	cancel(errors.New("interrupted"))
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "1 partitions had batches") {
		t.Errorf("the flow ended with %v", err)
	}
	allow()
	if err := w.flow(t, true, func(*model.Flow) {}).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := w.held(t, "a.t"); got != 3 {
		t.Errorf("partition 0 of the target holds %d records, want 3", got)
	}
}
