package offsets_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
)

// internalRecord is a line of internal-topics cat.
type internalRecord struct {
	FormatVersion int `json:"format_version"`
	Kind, Problem string
	Partition     int32
	Offset        int64
	Fields        map[string]any
}

// testInternalTopics prints what a flow keeps of 1,000 records in two partitions and
// some groups, with nothing that it cannot read, and finds the last of each.
func testInternalTopics(ctx context.Context, t *testing.T, c commands) {
	cat := func(cluster, topic string, more ...string) []internalRecord {
		args := append([]string{"internal-topics", "cat", "--output", "json", "--cluster", cluster, "--topic", topic}, more...)
		out, _ := c.exec(ctx, t, 0, args...)
		var all []internalRecord
		for line := range strings.Lines(out) {
			var r internalRecord
			if err := json.Unmarshal([]byte(line), &r); err != nil || r.FormatVersion != 1 || r.Problem != "" {
				t.Fatalf("%v in %s of %s", err, line, topic)
			}
			all = append(all, r)
		}
		return all
	}
	for topic, want := range map[string]struct {
		cluster, kind string
		fields        map[string]any
	}{
		"heartbeats":                   {"b", "heartbeats", map[string]any{"source": "a", "target": "b"}},
		"a.checkpoints.internal":       {"b", "checkpoints", map[string]any{"group": "behind", "topic": "a.t", "partition": 0., "upstream": 123., "downstream": 123., "metadata": "m"}},
		"mm2-offset-syncs.a.internal":  {"b", "offset-syncs", map[string]any{"topic": "t", "partition": 1.}},
		"mm2-offsets.a.internal":       {"b", "positions", map[string]any{"connector": "MirrorSourceConnector", "cluster": "a", "topic": "t", "partition": 1., "offset": 499., "target_end": 500.}},
		"mm2-strait-places.a.internal": {"b", "places", map[string]any{"topic": "t", "target_topic": "a.t"}},
	} {
		all := cat(want.cluster, topic)
		if !hasRecord(all, want.kind, want.fields) {
			t.Errorf("%s has no record of kind %s with %v among %+v", topic, want.kind, want.fields, all)
		}
		if one := cat(want.cluster, topic, "--max", "1"); len(one) != 1 {
			t.Errorf("%s: --max 1 shows %d records", topic, len(one))
		}
		if last := cat(want.cluster, topic, "--last", "1"); len(last) == 0 || len(last) > len(all) {
			t.Errorf("%s: --last 1 shows %d of %d records", topic, len(last), len(all))
		}
		text, _ := c.exec(ctx, t, 0, "internal-topics", "cat", "--cluster", want.cluster, "--topic", topic, "--last", "1")
		t.Logf("%s\n%s", topic, text)
	}
	_, said := c.exec(ctx, t, 1, "internal-topics", "cat", "--cluster", "b", "--topic", "nope.checkpoints.internal")
	if !strings.Contains(said, `has no topic "nope.checkpoints.internal"`) || !strings.Contains(said, "a.checkpoints.internal") {
		t.Errorf("of a topic that is not there it says %q", said)
	}
	_, said = c.exec(ctx, t, 3, "internal-topics", "cat", "--cluster", "b", "--topic", "a.t", "--as", "heartbeats")
	if !strings.Contains(said, "1000 of 1000 records cannot be decoded") {
		t.Errorf("of records of another kind it says %q", said)
	}
}

// hasRecord looks for a record with at least these fields.
func hasRecord(all []internalRecord, kind string, fields map[string]any) bool {
	for _, r := range all {
		same := r.Kind == kind
		for name, value := range fields {
			same = same && r.Fields[name] == value
		}
		if same {
			return true
		}
	}
	return false
}
