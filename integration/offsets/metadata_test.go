package offsets_test

import (
	"context"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/strait-mirror/strait/integration/kafka"
)

// TestMetadataGoesAlong has the metadata of offsets at the target, and the offsets
// alone where the target allows less of it than the source, whether group sync writes
// them or somebody by hand.
func TestMetadataGoesAlong(t *testing.T) {
	t.Parallel()
	ctx := bounded(t)
	p := pair{kafka.Start(t, kafka.Options{}), kafka.Start(t, kafka.Options{Config: map[string]string{"offset.metadata.max.bytes": "4"}})}
	create(ctx, t, p.source, "t", 1)
	produce(ctx, t, p.source, "t", "k", 0, 100, 1)
	at := map[int32]int64{0: 50}
	for group, metadata := range map[string]string{"short": "m", "long": "more of it"} {
		offsets := kadm.Offsets{}
		offsets.Add(kadm.Offset{Topic: "t", At: 50, LeaderEpoch: -1, Metadata: metadata})
		await(ctx, t, func() (string, bool) { // fails while the first coordinator ever is being made
			err := p.source.Admin().CommitAllOffsets(ctx, group, offsets)
			return "committing", err == nil
		})
	}
	stop := run(ctx, t, p.config(flow("a", "b", []string{"t"})))
	check := func(how string) {
		t.Helper()
		for group, want := range map[string]string{"short": "m", "long": ""} {
			awaitOffsets(ctx, t, p.target, group, "a.t", at)
			if got := metadata(ctx, t, p.target, group, "a.t"); got != want {
				t.Errorf("group %s has the metadata %q after %s, want %q", group, got, how, want)
			}
		}
	}
	check("group sync")
	stop()

	c := commands{program: build(t), file: p.write(t, []string{"t"})}
	for _, group := range []string{"short", "long"} {
		if _, err := p.target.Admin().DeleteGroups(ctx, group); err != nil {
			t.Fatal(err)
		}
		c.exec(ctx, t, 0, "offsets", "translate", "--group", group, "--yes")
	}
	check("translating it by hand")
}

// metadata returns what a group has beside its offset of partition 0.
func metadata(ctx context.Context, t *testing.T, c *kafka.Cluster, group, topic string) string {
	t.Helper()
	answer, err := c.Admin().FetchOffsets(ctx, group)
	if err != nil {
		t.Fatal(err)
	}
	return answer[topic][0].Metadata
}
