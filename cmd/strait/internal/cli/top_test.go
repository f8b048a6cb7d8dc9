package cli

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/strait-mirror/strait/cmd/strait/internal/view"
	"github.com/strait-mirror/strait/pipeline/httpapi"
	"github.com/strait-mirror/strait/pipeline/status"
)

func TestTopSorts(t *testing.T) {
	rows := []view.TopRow{
		{Flow: "b", LagRecords: 5, RecordRate: new(1.0)},
		{Flow: "a", Topic: "y", LagRecords: 5, LagSeconds: 2, RecordRate: new(9.0)},
		{Flow: "a", Topic: "x", LagRecords: 7},
		{Flow: "c", LagRecords: -1, RecordRate: new(1.0)},
	}
	for word, want := range map[string]string{"name": "[a x a y b c]", "lag": "[a x a y b c]", "rate": "[a y b c a x]"} {
		slices.Reverse(rows)
		slices.SortFunc(rows, topSorts()[word])
		var got []string
		for _, r := range rows {
			got = append(got, r.Flow)
			if r.Topic != "" {
				got = append(got, r.Topic)
			}
		}
		if fmt.Sprint(got) != want {
			t.Errorf("by %s: %v, want %s", word, got, want)
		}
	}
}

// TestTopRates has more topics than one request answers for, of which one moves and
// one begins anew.
func TestTopRates(t *testing.T) {
	var records int64
	partitions := func(func(string) bool) []status.Partition {
		var list []status.Partition
		for i := range 2500 {
			list = append(list, status.Partition{Flow: "a->b", Topic: fmt.Sprintf("t%04d", i), State: status.Running, LagRecords: int64(i)})
		}
		list[2400].Records, list[2400].Bytes = records, 10*records
		list[10].Records = 1000 - records
		return list
	}
	server := httptest.NewServer(httpapi.API(httpapi.APIParams{
		Access: httpapi.Access{Local: true}, Log: slog.New(slog.DiscardHandler), Partitions: partitions,
		Status: func() status.Snapshot { return status.Snapshot{Time: time.Now()} },
	}))
	defer server.Close()
	c, err := httpapi.NewClient(server.URL, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	r := &topReader{topics: true, less: topSorts()["rate"]}
	read := func(ctx context.Context) view.Top {
		top, err := r.read(ctx, c)
		if err != nil || len(top.Rows) != 2500 {
			t.Fatalf("%d rows, %v", len(top.Rows), err)
		}
		return top
	}
	if first := read(t.Context()); first.Rows[0].RecordRate != nil {
		t.Errorf("a rate is known at once: %+v", first.Rows[0])
	}
	records = 600
	top := read(t.Context()).Rows
	if top[0].Topic != "t2400" || *top[0].RecordRate <= 0 || *top[0].ByteRate < 9*(*top[0].RecordRate) {
		t.Errorf("the topic that moves is not first: %+v", top[0])
	}
	for _, row := range top[1:] {
		if *row.RecordRate != 0 {
			t.Errorf("%s has a rate of %f", row.Topic, *row.RecordRate)
		}
	}
}
