package fidelity_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/integration/compare"
)

// testStages drops, masks and marks records in every kind of delivery, and writes
// those that no stage can be applied to where they belong.
func testStages(ctx context.Context, t *testing.T, p pair) {
	create(ctx, t, p.source, "staged", 2)
	cl, err := kgo.NewClient(append(p.source.AdminOpts(), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	const count, bad = 400, "not JSON"
	for n := range count {
		value := fmt.Appendf(nil, `{"n": %d, "card": "4711" }`, n)
		if n%10 == 7 {
			value = []byte(bad)
		}
		r := &kgo.Record{Topic: "staged", Partition: int32(n % 2), Key: fmt.Append(nil, n), Value: value, Headers: []kgo.RecordHeader{{Key: "n", Value: fmt.Append(nil, n)}}}
		if cl.Produce(ctx, r, nil); n%16 == 0 {
			if err := cl.Flush(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cl.Flush(ctx); err != nil {
		t.Fatal(err)
	}

	filter, mask, mark := model.NewStage(model.StageFilter), model.NewStage(model.StageMask), model.NewStage(model.StageHeaders)
	filter.Name, filter.When, filter.OnError = "thirds", `json("n") % 3 != 0`, model.OnErrorDeadLetter
	mask.Name, mask.Mask.Fields = "cards", map[string]string{"card": "drop"}
	mark.Name, mark.Headers.Remove, mark.Headers.Add = "mark", []string{"n"}, map[string]string{"by": "strait"}
	stages := staged(filter, mask, mark)
	var flows []*model.Flow
	for _, d := range []model.Delivery{model.ExactlyOnce, model.Transactional, model.AtLeastOnce} {
		flows = append(flows, flow("staged-"+string(d), "t", []string{"staged"}, func(f *model.Flow) {
			stages(f)
			f.Delivery, f.DeadLetterTopic = d, "dead-"+string(d)
		}))
	}
	once(ctx, t, p.config(flows...))

	source := read(ctx, t, p.source, "staged", true)
	want, letters := topic{}, 0
	for n, rs := range source {
		want[n] = []compare.Record{}
		for _, r := range rs {
			var i int
			if _, err := fmt.Sscan(string(r.Key), &i); err != nil {
				t.Fatal(err)
			}
			switch {
			case string(r.Value) == bad:
				letters++
			case i%3 != 0:
				r.Value = fmt.Appendf(nil, `{"n": %d }`, i) // every other byte stays
				r.Headers = []compare.Header{{Key: "by", Value: []byte("strait")}}
				want[n] = append(want[n], r)
			}
		}
	}
	all := slices.Concat(source[0], source[1])
	for _, f := range flows {
		identical(t, want, read(ctx, t, p.target, f.From+".staged", true), compare.Options{})
		dead := read(ctx, t, p.target, f.DeadLetterTopic, true)[0]
		if len(dead) != letters {
			t.Errorf("%s has %d records, want %d", f.DeadLetterTopic, len(dead), letters)
		}
		for _, r := range dead {
			said := map[string]string{}
			for _, h := range r.Headers {
				said[h.Key] = string(h.Value)
			}
			i := slices.IndexFunc(all, func(s compare.Record) bool { return bytes.Equal(s.Key, r.Key) })
			if string(r.Value) != bad || said["n"] != string(r.Key) || r.Timestamp != all[i].Timestamp ||
				said["__connect.errors.topic"] != "staged" || said["__connect.errors.stage"] != "thirds" || said["__connect.errors.exception.message"] == "" ||
				said["__connect.errors.partition"] != fmt.Sprint(all[i].Partition) || said["__connect.errors.offset"] != fmt.Sprint(all[i].Offset) {
				t.Errorf("a dead letter is %v", r)
			}
		}
	}
}
