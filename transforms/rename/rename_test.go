package rename_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/transforms/rename"
)

func identity(source string) rename.Policy {
	return rename.New(rename.Params{Policy: model.PolicyIdentity, Source: source})
}

func separator(s string) rename.Policy { return rename.New(rename.Params{Separator: s}) }

const none = "<null>"

func orNone(s string, ok bool) string {
	if !ok {
		return none
	}
	return s
}

// TestNames is conformance item 31.
func TestNames(t *testing.T) {
	tests := map[string]struct {
		policy                             rename.Policy
		topic                              string
		remote, source, upstream, original string
	}{
		"plain":                          {rename.New(rename.Params{}), "topic1", "A.topic1", none, none, "topic1"},
		"one hop":                        {rename.New(rename.Params{}), "B.topic1", "A.B.topic1", "B", "topic1", "topic1"},
		"any dotted name":                {rename.New(rename.Params{}), "my.topic", "A.my.topic", "my", "topic", "topic"},
		"two hops":                       {rename.New(rename.Params{}), "B.x.y", "A.B.x.y", "B", "x.y", "y"},
		"trailing separator":             {rename.New(rename.Params{}), "a.", "A.a.", none, none, "a."},
		"leading separator":              {rename.New(rename.Params{}), ".b", "A..b", "", "b", "b"},
		"double separator":               {rename.New(rename.Params{}), "a..b", "A.a..b", "a", ".b", "b"},
		"only separators":                {rename.New(rename.Params{}), "..", "A...", none, none, ".."},
		"empty":                          {rename.New(rename.Params{}), "", "A.", none, none, ""},
		"other separator":                {separator("__"), "B__t", "A__B__t", "B", "t", "t"},
		"separator that is a regex":      {separator("|"), "B|t", "A|B|t", "B", "t", "t"},
		"identity":                       {identity("A"), "topic1", "topic1", "A", "topic1", "topic1"},
		"identity, no source":            {identity(""), "topic1", "topic1", none, "topic1", "topic1"},
		"identity heartbeats":            {identity("A"), "heartbeats", "A.heartbeats", none, none, "heartbeats"},
		"identity, copied heartbeats":    {identity("A"), "B.heartbeats", "A.B.heartbeats", "B", "heartbeats", "heartbeats"},
		"identity, ending in heartbeats": {identity("A"), "my-heartbeats", "A.my-heartbeats", none, none, "my-heartbeats"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := []string{
				tt.policy.FormatRemoteTopic("A", tt.topic),
				orNone(tt.policy.TopicSource(tt.topic)),
				orNone(tt.policy.UpstreamTopic(tt.topic)),
				tt.policy.OriginalTopic(tt.topic),
			}
			if diff := cmp.Diff([]string{tt.remote, tt.source, tt.upstream, tt.original}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestPredicates is conformance items 22 to 25 and 34.
func TestPredicates(t *testing.T) {
	std := rename.New(rename.Params{})
	under := separator("__")
	dots := rename.New(rename.Params{Separator: "__", DotInternal: true})
	tests := map[string]struct {
		is    func(string) bool
		topic string
		want  bool
	}{
		"__x internal":                        {std.IsInternal, "__x", true},
		".x internal":                         {std.IsInternal, ".x", true},
		"offsets internal":                    {std.IsInternal, "mm2-offsets.C.internal", true},
		"underscores not internal":            {std.IsInternal, "mm2-offsets_C_internal", false},
		"user topic ending in .internal":      {std.IsInternal, "foo.internal", false},
		"user topic ending in -internal":      {std.IsInternal, "foo-internal", false},
		"separator in internal names":         {under.IsMM2Internal, "mm2-offset-syncs__A__internal", true},
		"dots are ordinary then":              {under.IsInternal, "mm2-offsets.A.internal", false},
		"dots kept by the flag":               {dots.IsMM2Internal, "mm2-offsets.A.internal", true},
		"checkpoints with separator":          {under.IsCheckpoints, "A__checkpoints__internal", true},
		"checkpoints with the flag":           {dots.IsCheckpoints, "A.checkpoints.internal", true},
		"heartbeats unaffected":               {under.IsHeartbeats, "heartbeats", true},
		"heartbeats unaffected by the flag":   {dots.IsHeartbeats, "A__heartbeats", true},
		"heartbeats":                          {std.IsHeartbeats, "heartbeats", true},
		"a.heartbeats":                        {std.IsHeartbeats, "a.heartbeats", true},
		"b.a.heartbeats":                      {std.IsHeartbeats, "b.a.heartbeats", true},
		"heartbeats!":                         {std.IsHeartbeats, "heartbeats!", false},
		"!heartbeats":                         {std.IsHeartbeats, "!heartbeats", false},
		"aheartbeats":                         {std.IsHeartbeats, "aheartbeats", false},
		"a-heartbeats":                        {std.IsHeartbeats, "a-heartbeats", false},
		"user topic sensor.heartbeats":        {std.IsHeartbeats, "sensor.heartbeats", true},
		"a.checkpoints.internal":              {std.IsCheckpoints, "a.checkpoints.internal", true},
		"checkpoints.internal":                {std.IsCheckpoints, "checkpoints.internal", false},
		"checkpoints-internal":                {std.IsCheckpoints, "checkpoints-internal", false},
		"a.checkpoints.internal!":             {std.IsCheckpoints, "a.checkpoints.internal!", false},
		"other separator, dotted heartbeats":  {separator("_").IsHeartbeats, "us-west.heartbeats", false},
		"other separator, its own heartbeats": {separator("_").IsHeartbeats, "us-west_heartbeats", true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := tt.is(tt.topic); got != tt.want {
				t.Errorf("%s: got %v", tt.topic, got)
			}
		})
	}
}

// TestInternalTopics is conformance items 16 and 23.
func TestInternalTopics(t *testing.T) {
	got := []string{
		rename.New(rename.Params{}).OffsetSyncsTopic("target2"), rename.New(rename.Params{}).CheckpointsTopic("A"),
		separator("__").OffsetSyncsTopic("B"), separator("__").CheckpointsTopic("A"),
		rename.New(rename.Params{Separator: "__", DotInternal: true}).CheckpointsTopic("A"),
	}
	want := []string{
		"mm2-offset-syncs.target2.internal", "A.checkpoints.internal",
		"mm2-offset-syncs__B__internal", "A__checkpoints__internal", "A.checkpoints.internal",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestIsCycle is conformance items 36 to 38.
func TestIsCycle(t *testing.T) {
	std, id := rename.New(rename.Params{}), identity("source")
	tests := map[string]struct {
		policy rename.Policy
		topic  string
		want   bool
	}{
		"target.t":                   {std, "target.t", true},
		"target.source.t":            {std, "target.source.t", true},
		"source.target.t":            {std, "source.target.t", true},
		"longer chain":               {std, "a.b.target.c.t", true},
		"t":                          {std, "t", false},
		"source.t":                   {std, "source.t", false},
		"identity topic":             {id, "target.t", false},
		"identity heartbeats":        {id, "target.heartbeats", true},
		"identity far heartbeats":    {id, "source.target.heartbeats", true},
		"identity, own heartbeats":   {id, "source.heartbeats", false},
		"null upstream":              {std, "source.", false},
		"identity, source is target": {identity("target"), "t", true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := tt.policy.IsCycle(tt.topic, "target"); got != tt.want {
				t.Errorf("%s: got %v", tt.topic, got)
			}
		})
	}
}

// TestHops is conformance items 26 and 28.
func TestHops(t *testing.T) {
	std := rename.New(rename.Params{})
	for _, tt := range []struct {
		topic, source string
		want          int
	}{{"topic", "source", -1}, {"s1.topic", "s1", 1}, {"s3.s2.s1.topic", "s1", 3}, {"s3.s2.s1.topic", "unknown", -1}} {
		if got := std.Hops(tt.topic, tt.source); got != tt.want {
			t.Errorf("hops of %s from %s: %d, want %d", tt.topic, tt.source, got, tt.want)
		}
	}
	topics := []string{"topic1", "heartbeats", "source1.heartbeats", "source1.source2.heartbeats", "source2.heartbeats", "x.heartbeats!"}
	for source, want := range map[string]int{"source1": 1, "source2": 1, "source3": -1} {
		if got := std.ReplicationHops(topics, source); got != want {
			t.Errorf("replication hops from %s: %d, want %d", source, got, want)
		}
	}
}

// TestClient is conformance items 27, 29 and 30.
func TestClient(t *testing.T) {
	std, id := rename.New(rename.Params{}), identity("primary")
	topics := []string{
		"topic1", "heartbeats", "source1.heartbeats", "source2.source1.heartbeats", "source1.topic1",
		"source3.checkpoints.internal", "mm2-offsets.source1.internal", "__x", ".heartbeats",
	}
	tests := map[string]struct{ got, want []string }{
		"heartbeats":               {std.HeartbeatTopics(topics), []string{"heartbeats", "source1.heartbeats", "source2.source1.heartbeats", ".heartbeats"}},
		"checkpoints":              {std.CheckpointTopics(topics), []string{"source3.checkpoints.internal"}},
		"upstream":                 {std.UpstreamClusters(topics), []string{"source1", "source2"}},
		"upstream, identity":       {id.UpstreamClusters(topics), []string{"source1", "source2"}},
		"remote":                   {std.RemoteTopics(topics), []string{"source1.heartbeats", "source2.source1.heartbeats", "source1.topic1"}},
		"remote, separator":        {separator("__").RemoteTopics([]string{"a.b", "a__b"}), []string{"a__b"}},
		"remote, identity":         {id.RemoteTopics([]string{"topic1", "heartbeats", "backup.heartbeats", "__x"}), []string{"topic1", "backup.heartbeats"}},
		"no topics, no heartbeats": {std.HeartbeatTopics(nil), nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, tt.got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
