package sink

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/strait-mirror/strait/flows/internal/batch"
)

// TestCloseLeavesWhatIsBeingPacked closes a lane, without time to wait, between
// the moment a batch was taken into a request and the moment the request is made:
// its bytes are still there.
func TestCloseLeavesWhatIsBeingPacked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ks := keys(1)
		r := start(t, newFakeKafka(1, 1, ks...), 0, ks...)
		defer r.stop()
		lane, b := r.lanes[0], &broker{sink: r.sink, id: 0, wake: make(chan struct{}, 1)}
		r.sink.mu.Lock()
		r.sink.brokers[0] = b // it sends nothing by itself
		r.sink.mu.Unlock()
		data := fakeBatch(1, 3, time.Now().UnixMilli())
		buffer := r.sink.p.Budget.Get(len(data))
		copy(buffer.Bytes(), data)
		lane.Add(Batch{Data: batch.Batch(buffer.Bytes()[:len(data)]), Buffer: buffer, Records: 3, SourceNext: 3, MaxTimestamp: time.Now().UnixMilli()})

		before := r.sink.p.Budget.Free()
		request := b.pack()
		if request == nil {
			t.Fatal("nothing was packed")
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if lane.Close(ended) {
			t.Error("the lane came to rest with a batch under way")
		}
		if after := r.sink.p.Budget.Free(); after != before {
			t.Errorf("%d bytes of a request that is still to be made were given back", after-before)
		}
		b.send(r.sink.ctx, request)
		if after := r.sink.p.Budget.Free(); after <= before {
			t.Error("the bytes were never given back")
		}
	})
}
