package offsets_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/config/model"
)

// testTranslate takes groups to the target and back by hand.
func testTranslate(ctx context.Context, t *testing.T, p pair, c commands) {
	commit(ctx, t, p.source, "by-hand", "t", map[int32]int64{0: 321, 1: 500})
	out, _ := c.exec(ctx, t, 0, "offsets", "translate", "--group", "by-hand")
	want := `flow a->b: from a to b
  ON A  OFFSET  ON B   OFFSET  NOW
  t/0   321     a.t/0  321     -    exact
  t/1   500     a.t/1  500     -    exact
nothing was written; --yes sets the offsets of group "by-hand" on b
`
	if diff := cmp.Diff(want, out); diff != "" {
		t.Errorf("the plan differs (-want +got):\n%s", diff)
	}
	if got := committed(ctx, t, p.target, "by-hand", "a.t"); len(got) > 0 {
		t.Errorf("a plan has written %v", got)
	}
	out, _ = c.exec(ctx, t, 0, "offsets", "translate", "--group", "by-hand", "--yes")
	if !strings.Contains(out, `2 offsets of group "by-hand" written on b`) {
		t.Errorf("it says\n%s", out)
	}
	awaitOffsets(ctx, t, p.target, "by-hand", "a.t", map[int32]int64{0: 321, 1: 500})
	if got := metadata(ctx, t, p.target, "by-hand", "a.t"); got != "m" {
		t.Errorf("the offset has the metadata %q at the target, want that of the source", got)
	}

	// It reads on there and returns.
	commit(ctx, t, p.target, "by-hand", "a.t", map[int32]int64{0: 400, 1: 500})
	c.exec(ctx, t, 0, "offsets", "translate", "--group", "by-hand", "--back", "--yes")
	awaitOffsets(ctx, t, p.source, "by-hand", "t", map[int32]int64{0: 400, 1: 500})

	// Somebody is in it.
	consumer, err := kgo.NewClient(kgo.SeedBrokers(p.source.Bootstrap()...), kgo.ConsumerGroup("by-hand"), kgo.ConsumeTopics("elsewhere"))
	if err != nil {
		t.Fatal(err)
	}
	defer consumer.Close()
	if err := consumer.PollFetches(ctx).Err(); err != nil {
		t.Fatal(err)
	}
	commit(ctx, t, p.target, "by-hand", "a.t", map[int32]int64{0: 410})
	_, log := c.exec(ctx, t, 1, "offsets", "translate", "--group", "by-hand", "--back", "--yes")
	if !strings.Contains(log, `group "by-hand" is stable on "a": its members commit its offsets themselves, stop them first`) {
		t.Errorf("it says\n%s", log)
	}
	out, _ = c.exec(ctx, t, 0, "offsets", "translate", "--offset", "a.t/1=33", "--back", "--output", "json")
	if !strings.Contains(out, `"to_topic": "t"`) || !strings.Contains(out, `"to_offset": 33`) {
		t.Errorf("it says\n%s", out)
	}
	_, log = c.exec(ctx, t, 1, "offsets", "translate", "--offset", "elsewhere/0=3")
	if !strings.Contains(log, `elsewhere/0 on "a" is nothing that this flow mirrors`) {
		t.Errorf("it says\n%s", log)
	}
}

// TestReturn is what a group that was failed over by hand does: from anywhere in
// plain, transactional and compacted topics it goes to the target, reads on there,
// and returns to exactly the record that it would have read next.
func TestReturn(t *testing.T) {
	t.Parallel()
	ctx := bounded(t)
	p := startPair(t)
	create(ctx, t, p.source, "plain", 1)
	create(ctx, t, p.source, "tx", 1)
	create(ctx, t, p.source, "compact", 1, "cleanup.policy", "compact", "segment.bytes", "1048576", "min.cleanable.dirty.ratio", "0.001", "segment.ms", "1000")
	produce(ctx, t, p.source, "plain", "k", 0, 2000, 1)
	transact(ctx, t, p.source, "tx", "k", 0, 900, 10)
	compacted(ctx, t, p.source, "compact")
	topics := []string{"plain", "tx", "compact"}
	f := flow("a", "b", topics)
	f.Control.SyncGroupOffsetsEnabled = false
	run(ctx, t, p.config(f))
	c := commands{program: build(t), file: p.write(t, topics)}
	random := rand.New(rand.NewPCG(11, 3))
	for _, topic := range topics {
		keys, offsets := read(ctx, t, p.source, topic, 0, 0)
		await(ctx, t, func() (string, bool) {
			copied, _ := read(ctx, t, p.target, "a."+topic, 0, 0)
			return "not everything has arrived in a." + topic, len(copied) == len(keys)
		})
		_, places := read(ctx, t, p.target, "a."+topic, 0, 0)
		await(ctx, t, func() (string, bool) { // the flow stores where it is now and then
			return "the end is not known yet", c.one(ctx, t, "", fmt.Sprintf("a.%s/0=%d", topic, places[len(places)-1]), "--back") >= offsets[len(offsets)-1]
		})
		at := []int{0, len(keys) - 1}
		for range 3 {
			at = append(at, random.IntN(len(keys)))
		}
		slices.Sort(at)
		for _, i := range at {
			if got := c.one(ctx, t, "exact", fmt.Sprintf("%s/0=%d", topic, offsets[i])); got != places[i] {
				t.Errorf("%s: offset %d of the source is %d at the target, not %d", topic, offsets[i], got, places[i])
			}
			got := c.one(ctx, t, "exact", fmt.Sprintf("a.%s/0=%d", topic, places[i]), "--back")
			if next := slices.IndexFunc(offsets, func(o int64) bool { return o >= got }); next != i {
				t.Errorf("%s: offset %d of the target is %d on the source, where record %d is next, not %d", topic, places[i], got, next, i)
			}
		}
	}
}

// TestFiltered is what becomes of offsets where a stage drops records: they are
// counted as the stage keeps them, and where others stand in the place of those that
// it dropped, so that both sides have as many offsets, nothing is called exact that is
// not.
func TestFiltered(t *testing.T) {
	t.Parallel()
	ctx := bounded(t)
	p := startPair(t)
	create(ctx, t, p.source, "t", 1)
	produce(ctx, t, p.source, "t", "k", 0, 1000, 1)
	f := flow("a", "b", []string{"t"})
	stage := model.NewStage(model.StageFilter)
	stage.Name, stage.When = "some", "offset % 10 != 3"
	f.Stages = []*model.Stage{stage}
	run(ctx, t, p.config(f))
	c := commands{program: build(t), file: p.write(t, []string{"t"}, "  transform \"filter\" \"some\" { when = \"offset % 10 != 3\" }\n")}
	arrived := func(last string, n int) (offsets []int64) {
		await(ctx, t, func() (string, bool) {
			end := ends(ctx, t, p.source, "t")[0]
			if copied, at := read(ctx, t, p.target, "a.t", 0, 0); len(copied) == n && copied[n-1] == last {
				offsets = at
				return "the end is not known yet", c.one(ctx, t, "", fmt.Sprintf("t/0=%d", end)) == at[n-1]+1
			}
			return "not everything has arrived", false
		})
		return offsets
	}
	arrived("k-000999", 900)
	for _, at := range [][2]int64{{0, 0}, {3, 3}, {4, 3}, {555, 499}, {999, 899}, {1000, 900}} {
		if got := c.one(ctx, t, "exact", fmt.Sprintf("t/0=%d", at[0])); got != at[1] {
			t.Errorf("offset %d of the source is %d at the target, not %d", at[0], got, at[1])
		}
	}
	if got := c.one(ctx, t, "exact", "a.t/0=499", "--back"); got != 555 {
		t.Errorf("offset 499 of the target is %d on the source, not 555", got)
	}

	produce(ctx, t, p.target, "a.t", "foreign", 0, 101, 1)
	produce(ctx, t, p.source, "t", "k", 1000, 1010, 1)
	places := arrived("k-001009", 900+101+9)
	if end := places[len(places)-1] + 1; end != 1010 {
		t.Fatalf("the target ends at %d: this proves nothing", end)
	}
	if got := c.one(ctx, t, "", "t/0=1005"); got > 1005 {
		t.Errorf("offset 1005 of the source is %d at the target, behind what was not read", got)
	}
	out, _ := c.exec(ctx, t, 0, "offsets", "translate", "--output", "json", "--offset", "t/0=1005")
	if strings.Contains(out, `"exact": true`) {
		t.Errorf("what cannot be known is exact:\n%s", out)
	}
}

// one translates one offset, which must be exact where that is asked for.
func (c commands) one(ctx context.Context, t *testing.T, exact, at string, args ...string) int64 {
	t.Helper()
	out, _ := c.exec(ctx, t, 0, append([]string{"offsets", "translate", "--output", "json", "--offset", at}, args...)...)
	var doc struct {
		Flows []struct {
			Offsets []struct {
				To    *int64 `json:"to_offset"`
				Exact bool
			}
		}
	}
	if err := json.Unmarshal([]byte(out), &doc); err != nil || len(doc.Flows) != 1 || len(doc.Flows[0].Offsets) != 1 {
		t.Fatalf("%v in\n%s", err, out)
	}
	got := doc.Flows[0].Offsets[0]
	if got.To == nil {
		return -1
	}
	if exact != "" && !got.Exact {
		t.Errorf("%s is not exact:\n%s", at, out)
	}
	return *got.To
}
