package offsets_test

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/strait-mirror/strait/integration/kafka"
)

// TestMetadataGoesAlong has the metadata of offsets at the target, and the offsets
// alone where the target allows less of it than the source.
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
	run(ctx, t, p.config(flow("a", "b", []string{"t"})))
	for group, want := range map[string]string{"short": "m", "long": ""} {
		awaitOffsets(ctx, t, p.target, group, "a.t", at)
		answer, err := p.target.Admin().FetchOffsets(ctx, group)
		if err != nil {
			t.Fatal(err)
		}
		if got := answer["a.t"][0].Metadata; got != want {
			t.Errorf("group %s has the metadata %q, want %q", group, got, want)
		}
	}
}
