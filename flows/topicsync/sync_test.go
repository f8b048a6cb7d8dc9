package topicsync

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/strait-mirror/strait/flows/internal/admin"
	"github.com/strait-mirror/strait/flows/reconcile"
)

// TestDifferingFollowsMirrorMaker is conformance item 42, and where the engine
// keeps a setting that MirrorMaker 2 would take away.
func TestDifferingFollowsMirrorMaker(t *testing.T) {
	const unset = "(unset)"
	static := func(v string) admin.Setting {
		return admin.Setting{Value: v, Source: kmsg.ConfigSourceStaticBrokerConfig}
	}
	dynamic := func(v string) admin.Setting {
		return admin.Setting{Value: v, Source: kmsg.ConfigSourceDynamicDefaultBrokerConfig}
	}
	tests := map[string]struct {
		name           string
		source, target admin.Setting
		sourceDefaults bool
		want           string // "": left as it is
	}{
		"equal":                                 {"retention.ms", onTopic("1"), onTopic("1"), false, ""},
		"explicit, other value":                 {"retention.ms", onTopic("1"), onTopic("2"), false, "1"},
		"explicit, equal to the default":        {"retention.ms", onTopic("1"), byDefault("1"), false, "1"},
		"default, set on the target":            {"retention.ms", byDefault("1"), onTopic("2"), false, unset},
		"default on both":                       {"retention.ms", byDefault("1"), byDefault("2"), false, ""},
		"default of the source wanted":          {"retention.ms", byDefault("1"), byDefault("2"), true, "1"},
		"default of the source, edited":         {"retention.ms", byDefault("1"), onTopic("2"), true, "1"},
		"broker's file":                         {"retention.ms", static("1"), onTopic("2"), false, ""},
		"broker's file, source's defaults":      {"retention.ms", static("1"), onTopic("2"), true, ""},
		"dynamic setting of brokers":            {"retention.ms", dynamic("1"), byDefault("2"), false, "1"},
		"excluded":                              {"excluded", onTopic("1"), onTopic("2"), false, ""},
		"read only":                             {"x", admin.Setting{Value: "1", ReadOnly: true}, onTopic("2"), false, ""},
		"secret":                                {"x", admin.Setting{Value: "1", Sensitive: true}, onTopic("2"), false, ""},
		"no value":                              {"x", admin.Setting{Null: true, Source: kmsg.ConfigSourceDynamicTopicConfig}, onTopic("2"), false, ""},
		"codec of the source":                   {keyCompressionType, onTopic("gzip"), onTopic("producer"), false, "gzip"},
		"codec, engine's choice":                {keyCompressionType, byDefault("producer"), onTopic("producer"), false, ""},
		"codec, somebody's choice":              {keyCompressionType, byDefault("producer"), onTopic("gzip"), false, unset},
		"larger batches":                        {keyMaxMessageBytes, onTopic("5000000"), byDefault("1048588"), false, "5000000"},
		"batches no smaller":                    {keyMaxMessageBytes, onTopic("5000000"), onTopic("6000000"), false, ""},
		"batches no smaller, back at a default": {keyMaxMessageBytes, byDefault("1048588"), onTopic("6000000"), false, ""},
		"records of any time":                   {keyTimestampAfter, onTopic("5"), onTopic("9223372036854775807"), false, ""},
		"records of any time, at a default":     {keyTimestampBefore, byDefault("5"), onTopic("9223372036854775807"), false, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := &Syncer{p: Params{Exclude: matchName("excluded"), UseSourceDefaults: tt.sourceDefaults}}
			got := ""
			for _, value := range s.differing(admin.Settings{tt.name: tt.source, "unknown": onTopic("1")}, admin.Settings{tt.name: tt.target}) {
				if got = unset; value != nil {
					got = *value
				}
			}
			if got != tt.want {
				t.Errorf("changed to %q, want %q", got, tt.want)
			}
		})
	}
}

// TestDifferingSettingsOfTheFlow has settings that the flow says in the place of the
// source's: set where the target has others, whether the source has set them or not, and
// left alone where byte-exact copies need what there is.
func TestDifferingSettingsOfTheFlow(t *testing.T) {
	s := &Syncer{p: Params{Settings: map[string]string{
		"retention.ms": "5", "segment.ms": "6", "cleanup.policy": "compact", "flush.ms": "7", "nowhere": "8", keyMaxMessageBytes: "10",
	}}}
	source := admin.Settings{
		"retention.ms": onTopic("1"), "segment.ms": byDefault("1"), "cleanup.policy": onTopic("delete"), "flush.ms": onTopic("1"),
		keyMaxMessageBytes: byDefault("1048588"), "other": onTopic("1"),
	}
	target := admin.Settings{
		"retention.ms": onTopic("1"), "segment.ms": byDefault("1"), "cleanup.policy": onTopic("compact"), "flush.ms": byDefault("7"),
		keyMaxMessageBytes: byDefault("1048588"), "other": onTopic("2"),
	}
	want := map[string]*string{"retention.ms": new("5"), "segment.ms": new("6"), "flush.ms": new("7"), "other": new("1")}
	if diff := cmp.Diff(want, s.differing(source, target)); diff != "" {
		t.Errorf("changes differ (-want +got):\n%s", diff)
	}
}

// TestSyncFollowsSettings has edits on both sides; what nobody changed is not
// written again.
func TestSyncFollowsSettings(t *testing.T) {
	var events []reconcile.Event
	b := newBench(t, func(p *Params) {
		p.SyncInterval, p.Exclude = 10*time.Minute, matchName("cleanup.policy")
		p.Changed = func(e reconcile.Event) { events = append(events, e) }
	})
	b.create(b.source, "t0", 1, "retention.ms", "1000")
	b.create(b.target, "A.t0", 1, "retention.ms", "5", "segment.ms", "77777", "cleanup.policy", "compact")
	b.wantSync([]string{"t0->A.t0 1/1"})
	b.wantConfigs("A.t0", map[string]string{"retention.ms": "1000", "cleanup.policy": "compact"})
	want := []reconcile.Event{
		{Kind: "topic config set", Object: `topic "A.t0" retention.ms`, Before: "5", After: "1000"},
		{Kind: "topic config deleted", Object: `topic "A.t0" segment.ms`, Before: "77777"},
	}
	if diff := cmp.Diff(want, events); diff != "" {
		t.Errorf("events differ (-want +got):\n%s", diff)
	}

	alters := 0
	b.target.ControlKey(int16(kmsg.IncrementalAlterConfigs), func(kmsg.Request) (kmsg.Response, error, bool) {
		b.target.KeepControl()
		alters++
		return nil, nil, false
	})
	for range 3 { // nothing has changed
		b.now = b.now.Add(10 * time.Minute)
		b.wantSync([]string{"t0->A.t0 1/1"})
	}
	if alters != 0 {
		t.Errorf("%d requests that change nothing", alters)
	}
	six := "6"
	if _, err := admin.Change(t.Context(), b.p.Target, map[string]map[string]*string{"A.t0": {"retention.ms": &six}}); err != nil {
		t.Fatal(err)
	}
	alters = 0
	b.now = b.now.Add(9 * time.Minute)
	b.wantSync([]string{"t0->A.t0 1/1"})
	if got := b.targetConfigs("A.t0")["retention.ms"]; got != "6" {
		t.Errorf("synced before the interval is over: %s", got)
	}
	b.now = b.now.Add(time.Minute)
	b.wantSync([]string{"t0->A.t0 1/1"})
	if got := b.targetConfigs("A.t0")["retention.ms"]; got != "1000" {
		t.Errorf("an edit of the target stays: %s", got)
	}
}

// TestFixedSelection is refresh.topics.enabled=false: what appears later is left
// alone.
func TestFixedSelection(t *testing.T) {
	b := newBench(t, func(p *Params) { p.Fixed = true })
	b.create(b.source, "t0", 1)
	b.wantSync([]string{"t0->A.t0 1/1"})
	b.create(b.source, "t1", 1)
	grow(t, b.p.Source, "t0", 3)
	b.wantSync([]string{"t0->A.t0 1/1"})
	b.restart()
	b.wantSync([]string{"t0->A.t0 3/3", "t1->A.t1 1/1"})
}

// TestOnlyTheLeaderChangesTopics has a member that waits for what the leader does.
func TestOnlyTheLeaderChangesTopics(t *testing.T) {
	leads := false
	b := newBench(t, func(p *Params) { p.SyncInterval, p.Leads = time.Minute, func() bool { return leads } })
	b.create(b.source, "t0", 2, "retention.ms", "1000")
	b.create(b.source, "t1", 1)
	b.create(b.target, "A.t0", 1)
	b.wantSync([]string{"t0->A.t0 1/2"}, "t1 isolated retry: waiting for the member that leads")
	b.wantConfigs("A.t0", map[string]string{})
	leads = true
	b.wantSync([]string{"t0->A.t0 2/2", "t1->A.t1 1/1"})
	if got := b.targetConfigs("A.t0")["retention.ms"]; got != "1000" {
		t.Errorf("settings are not synced: %s", got)
	}
}
