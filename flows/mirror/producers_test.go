package mirror

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/strait-mirror/strait/flows/internal/wire"
)

func TestProducersMeetNowhere(t *testing.T) {
	asked, down := int64(100), false
	p := producers{ids: []producer{{7, 1}}, fresh: func(context.Context) (int64, int16, error) {
		if down {
			return 0, 0, errors.New("no coordinator")
		}
		asked++
		return asked, 0, nil
	}}
	var got []int64
	for _, key := range []wire.PartitionKey{
		{Topic: "t", Partition: 0},
		{Topic: "t", Partition: 1},
		{Topic: "u", Partition: 0},
		{Topic: "t", Partition: 0, ID: wire.TopicID{1}}, // the same partition
		{Topic: "t", Partition: 0},
		{Topic: "u", Partition: 0},
	} {
		id, err := p.take(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, id.id)
	}
	if diff := cmp.Diff([]int64{7, 7, 7, 101, 102, 101}, got); diff != "" {
		t.Error(diff)
	}
	down = true
	key := wire.PartitionKey{Topic: "t", Partition: 0}
	if _, err := p.take(t.Context(), key); err == nil {
		t.Error("there is an id nobody gave")
	}
	down = false
	if id, _ := p.take(t.Context(), key); id.id != 103 {
		t.Errorf("got %d after a failure, want 103", id.id)
	}
}
