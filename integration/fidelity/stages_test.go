package fidelity_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

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

// testWindow copies the records of a time out of batches that are in it, outside, or
// both, also where a record is older than the first of its batch or the broker says
// what time it is.
func testWindow(ctx context.Context, t *testing.T, p pair) {
	create(ctx, t, p.source, "timed", 2)
	create(ctx, t, p.source, "stamped", 2, "message.timestamp.type", "LogAppendTime")
	cl, err := kgo.NewClient(append(p.source.AdminOpts(), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(kgo.ZstdCompression()))...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	start := time.Now().Add(-time.Hour).Truncate(time.Second)
	at := func(n int) time.Time { return start.Add(time.Duration(n) * time.Second) }
	for n := 0; n < 1200; {
		var rs []*kgo.Record
		for range 1 + n%9 {
			back := n % 4 * 20 // seconds that a record is older than those before it
			rs = append(rs, &kgo.Record{Topic: "timed", Partition: int32(n % 2), Value: fmt.Append(nil, n), Timestamp: at(n - back)},
				&kgo.Record{Topic: "stamped", Partition: int32(n % 2), Value: fmt.Append(nil, n), Timestamp: at(n)})
			n++
		}
		if err := cl.ProduceSync(ctx, rs...).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	windows := map[string][2]int{"both": {300, 800}, "from": {700, 0}, "until": {0, 500}, "never": {5000, 0}, "always": {0, 5000}}
	var flows []*model.Flow
	for name, w := range windows {
		stage := model.NewStage(model.StageWindow)
		stage.Name = "time"
		if w[0] > 0 {
			stage.Window.From = at(w[0]).UTC().Format(time.RFC3339)
		}
		if w[1] > 0 {
			stage.Window.Until = fmt.Sprint(at(w[1]).UnixMilli())
		}
		for _, d := range []model.Delivery{model.ExactlyOnce, model.Transactional, model.AtLeastOnce} {
			flows = append(flows, flow("window-"+name+"-"+string(d), "t", []string{"timed", "stamped"}, func(f *model.Flow) {
				f.Stages, f.Delivery = []*model.Stage{stage}, d
			}))
		}
	}
	for _, topicName := range []string{"timed", "stamped"} {
		source := read(ctx, t, p.source, topicName, true)
		if topicName == "timed" {
			once(ctx, t, p.config(flows...))
		}
		for _, f := range flows {
			w := windows[strings.Split(f.From, "-")[1]]
			want := topic{}
			for n, rs := range source {
				want[n] = slices.DeleteFunc(slices.Clone(rs), func(r compare.Record) bool {
					return w[0] > 0 && r.Timestamp < at(w[0]).UnixMilli() || w[1] > 0 && r.Timestamp >= at(w[1]).UnixMilli()
				})
			}
			identical(t, want, read(ctx, t, p.target, f.From+"."+topicName, true), compare.Options{})
		}
	}
}
