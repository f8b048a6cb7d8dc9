package offsets_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/strait-mirror/strait/integration/kafka"
)

// TestJavaReadsUs is conformance items 27 to 29, 67 to 69, 98 and 99:
// MirrorMaker 2's client, formatters and record classes read what Strait writes.
func TestJavaReadsUs(t *testing.T) {
	t.Parallel()
	ctx := bounded(t)
	p := startPair(t)
	create(ctx, t, p.source, "t", 2)
	produce(ctx, t, p.source, "t", "k", 0, 1000, 2)
	commit(ctx, t, p.source, "drained", "t", map[int32]int64{0: 500, 1: 500})
	commit(ctx, t, p.source, "behind", "t", map[int32]int64{0: 123})
	there, back := flow("a", "b", []string{"t"}), flow("b", "a", []string{"nothing"})
	run(ctx, t, p.config(there, back))
	awaitOffsets(ctx, t, p.target, "drained", "a.t", map[int32]int64{0: 500, 1: 500})
	awaitOffsets(ctx, t, p.target, "behind", "a.t", map[int32]int64{0: 123})
	var got map[string]string
	want := map[string]string{
		"replicationHops": "1", "upstreamClusters": "[a]", "heartbeatTopics": "[a.heartbeats, heartbeats]",
		"checkpointTopics": "[a.checkpoints.internal]", "remoteTopics": "[a.heartbeats, a.t]",
		"remoteConsumerOffsets drained": "{a.t-0=500m, a.t-1=500m}", "translateOffsets drained": "{a.t-0=500m, a.t-1=500m}",
		"remoteConsumerOffsets behind": "{a.t-0=123m}", "translateOffsets behind": "{a.t-0=123m}",
	}
	for _, name := range []string{"Heartbeat", "Checkpoint", "OffsetSync"} {
		want[name+" records"], want[name+" records not as they were"], want[name+" records not formatted"] = "true", "0", "0"
	}
	await(ctx, t, func() (string, bool) { // heartbeats from a take a moment more
		out := filepath.Join(t.TempDir(), "answer")
		err := kafka.RunSource(ctx, kafka.SourceOptions{
			File: "testdata/Reader.java",
			Args: []string{out, p.target.Bootstrap()[0], "a", "mm2-offset-syncs.a.internal", "drained", "behind"},
		})
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		got = map[string]string{}
		for line := range strings.Lines(string(text)) {
			question, answer, _ := strings.Cut(strings.TrimSpace(line), "\t")
			got[question] = answer
		}
		diff := cmp.Diff(want, got)
		return "the answers differ (-want +got):\n" + diff, diff == ""
	})
}
