package topicsync

import (
	"maps"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/strait-mirror/strait/flows/internal/admin"
)

const maxInt64 = "9223372036854775807"

// byDefault and onTopic are settings from the broker's defaults and from the
// topic itself.
func byDefault(value string) admin.Setting {
	return admin.Setting{Value: value, Source: kmsg.ConfigSourceDefaultConfig}
}

func onTopic(value string) admin.Setting {
	return admin.Setting{Value: value, Source: kmsg.ConfigSourceDynamicTopicConfig}
}

// kafka4 are the settings of a topic of a 4.x broker that nobody has changed.
func kafka4(changes admin.Settings) admin.Settings {
	s := admin.Settings{
		keyCompressionType: byDefault("producer"), keyMaxMessageBytes: byDefault("1048588"),
		keyTimestampType: byDefault("CreateTime"), keyTimestampBefore: byDefault(maxInt64),
		keyTimestampAfter: byDefault("3600000"), "cleanup.policy": byDefault("delete"),
		"segment.bytes": byDefault("1073741824"),
	}
	maps.Copy(s, changes)
	return s
}

func TestNeedsOnlyWhatWouldChangeOrRefuseData(t *testing.T) {
	after := need{keyTimestampAfter, maxInt64, "3600000", false}
	tests := map[string]struct {
		source, target admin.Settings
		want           []need
	}{
		"4.x by default": {kafka4(nil), kafka4(nil), []need{after}},
		"3.9 by default": {kafka4(nil), admin.Settings{
			keyCompressionType: byDefault("producer"), keyMaxMessageBytes: byDefault("1048588"),
			keyTimestampBefore: byDefault(maxInt64), keyTimestampAfter: byDefault(maxInt64), keyTimestampDifference: byDefault(maxInt64),
		}, nil},
		"2.8 with a limit of its brokers": {kafka4(nil), admin.Settings{
			keyCompressionType: byDefault("producer"), keyMaxMessageBytes: byDefault("1048588"),
			keyTimestampDifference: {Value: "1000", Source: kmsg.ConfigSourceStaticBrokerConfig},
		}, []need{{keyTimestampDifference, maxInt64, "1000", false}}},
		"times replaced": {kafka4(nil), kafka4(admin.Settings{keyTimestampType: byDefault("LogAppendTime")}), nil},
		"times refused by hand": {
			kafka4(nil), kafka4(admin.Settings{keyTimestampAfter: onTopic("5"), keyTimestampBefore: onTopic(maxInt64)}),
			[]need{{keyTimestampAfter, maxInt64, "5", true}},
		},
		"re-encoding": {
			kafka4(nil), kafka4(admin.Settings{keyCompressionType: byDefault("gzip")}),
			[]need{{keyCompressionType, "producer", "gzip", false}, after},
		},
		"both sides store one codec": {
			kafka4(admin.Settings{keyCompressionType: onTopic("lz4")}), kafka4(admin.Settings{keyCompressionType: onTopic("lz4")}),
			[]need{after},
		},
		"each side stores its own": {
			kafka4(admin.Settings{keyCompressionType: onTopic("lz4")}), kafka4(admin.Settings{keyCompressionType: onTopic("zstd")}),
			[]need{{keyCompressionType, "producer", "zstd", true}, after},
		},
		"larger batches": {
			kafka4(admin.Settings{keyMaxMessageBytes: onTopic("5000000")}), kafka4(nil),
			[]need{{keyMaxMessageBytes, "5000000", "1048588", false}, after},
		},
		"never lowered": {kafka4(nil), kafka4(admin.Settings{keyMaxMessageBytes: onTopic("5000000")}), []need{after}},
		"source not known": {
			nil, kafka4(admin.Settings{keyCompressionType: byDefault("gzip")}),
			[]need{{keyCompressionType, "producer", "gzip", false}, after},
		},
		"target not known": {kafka4(nil), nil, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, needs(test.source, test.target), cmp.AllowUnexported(need{})); diff != "" {
				t.Errorf("needs differ (-want +got):\n%s", diff)
			}
		})
	}
}

type matchName string

func (m matchName) Match(name string) bool { return name == string(m) }

// TestCopiedFollowsMirrorMaker is conformance item 43.
func TestCopiedFollowsMirrorMaker(t *testing.T) {
	source := admin.Settings{
		"retention.ms":        onTopic("1000"),
		"cleanup.policy":      byDefault("delete"),
		"segment.bytes":       {Value: "5", Source: kmsg.ConfigSourceStaticBrokerConfig},
		"segment.ms":          {Value: "6", Source: kmsg.ConfigSourceDynamicDefaultBrokerConfig},
		"flush.ms":            {Value: "7", Source: kmsg.ConfigSourceDynamicBrokerConfig},
		"read.only":           {Value: "x", Source: kmsg.ConfigSourceDynamicTopicConfig, ReadOnly: true},
		"secret":              {Null: true, Source: kmsg.ConfigSourceDynamicTopicConfig, Sensitive: true},
		"nothing":             {Null: true, Source: kmsg.ConfigSourceDynamicTopicConfig},
		"min.insync.replicas": onTopic("2"),
	}
	tests := map[string]struct {
		p    Params
		want map[string]string
	}{
		"target's defaults": {
			Params{Exclude: matchName("min.insync.replicas")},
			map[string]string{"retention.ms": "1000", "segment.ms": "6", "flush.ms": "7"},
		},
		"source's defaults": {
			Params{UseSourceDefaults: true},
			map[string]string{"retention.ms": "1000", "segment.ms": "6", "flush.ms": "7", "cleanup.policy": "delete", "min.insync.replicas": "2"},
		},
		"settings of the flow": {
			Params{Exclude: matchName("min.insync.replicas"), Settings: map[string]string{"retention.ms": "5", "min.insync.replicas": "3", "file.delete.delay.ms": "9"}},
			map[string]string{"retention.ms": "5", "segment.ms": "6", "flush.ms": "7", "min.insync.replicas": "3", "file.delete.delay.ms": "9"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := &Syncer{p: test.p}
			if diff := cmp.Diff(test.want, s.copied(source)); diff != "" {
				t.Errorf("copied settings differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFacts(t *testing.T) {
	tests := map[string]struct {
		settings admin.Settings
		want     Facts
	}{
		"not known": {nil, Facts{}},
		"4.x": {kafka4(nil), Facts{
			Known: true, MaxMessageBytes: 1048588, SegmentBytes: 1 << 30, CompressionType: "producer",
			TimestampBefore: math.MaxInt64, TimestampAfter: 3600000,
		}},
		"older, compacted and deleting": {admin.Settings{
			"cleanup.policy": onTopic("delete, compact"), keyTimestampType: onTopic("LogAppendTime"),
			keyTimestampDifference: onTopic("10"), keyCompressionType: onTopic("zstd"), keyMaxMessageBytes: onTopic("99"),
		}, Facts{
			Known: true, MaxMessageBytes: 99, SegmentBytes: 1 << 30, LogAppendTime: true, Compacted: true,
			CompressionType: "zstd", TimestampBefore: 10, TimestampAfter: 10,
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, newFacts(test.settings)); diff != "" {
				t.Errorf("facts differ (-want +got):\n%s", diff)
			}
		})
	}
}
