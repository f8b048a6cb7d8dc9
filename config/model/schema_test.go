package model_test

import (
	"strings"
	"testing"

	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
)

// TestDeclarations holds for every property: it is documented in a sentence,
// its name is the MirrorMaker 2 key without unit word, its default parses, and
// it is bound to a variable of its own.
func TestDeclarations(t *testing.T) {
	for _, defs := range [][]field.Def{
		model.FlowFields(model.NewFlow(field.HCL)), model.FlowFields(model.NewFlow(field.Properties)),
		model.ClusterFields(model.NewCluster(field.HCL)), model.TLSFields(&model.TLS{}), model.SASLFields(&model.SASL{}),
	} {
		seen := map[string]bool{}
		for _, d := range defs {
			if seen[d.Name] {
				t.Errorf("%s is declared twice", d.Name)
			}
			seen[d.Name] = true
			if !strings.HasSuffix(d.Doc, ".") || d.Kind == 0 {
				t.Errorf("%s: doc %q, kind %v", d.Name, d.Doc, d.Kind)
			}
			if (d.Key == "") != (d.Scope == field.ScopeNone) {
				t.Errorf("%s: key %q with scope %v", d.Name, d.Key, d.Scope)
			}
			name := strings.NewReplacer(".", "_", "-", "_").Replace(d.Key)
			for _, unit := range []string{"_seconds", "_ms", "_class"} {
				name = strings.TrimSuffix(name, unit)
			}
			if name != "" && name != d.Name && d.Key != "auto.offset.reset" && d.Key != "exactly.once.source.support" {
				t.Errorf("%s does not follow from %s", d.Name, d.Key)
			}
		}
	}
}

// TestDefaults are the documented defaults of the two forms.
func TestDefaults(t *testing.T) {
	want := map[string][2]string{
		"enabled": {"true", "false"}, "replication_factor": {"-1", "2"}, "topics": {".*", ".*"},
		"topics_exclude": {`mm2.*\.internal, .*\.replica, __.*`, `mm2.*\.internal, .*\.replica, __.*`},
		"start":          {"earliest", "earliest"}, "isolation_level": {"read_committed", "read_committed"},
		"refresh_topics_interval": {"4s", "4s"}, "replication_policy": {"default", "default"},
		"replication_policy_separator": {".", "."}, "use_defaults_from": {"target", "target"},
		"delivery": {"exactly_once", "exactly_once"}, "on_unproven": {"continue", "continue"},
		"on_gap": {"continue", "continue"}, "on_recreate": {"start_anew", "start_anew"},
		"transaction_interval": {"1s", "1s"},
		"errors_tolerance":     {"none", "none"}, "buffer_memory": {"64MiB", "64MiB"}, "dead_letter_topic": {"", ""}, "paused": {"false", "false"}, "bytes_per_second": {"0", "0"}, "records_per_second": {"0", "0"}, "fetch_max_bytes": {"8MiB", "8MiB"}, "fetch_min_bytes": {"1", "1"},
		"max_partition_fetch_bytes": {"1MiB", "1MiB"}, "fetch_max_wait": {"500ms", "500ms"},
		"max_request_size": {"4MiB", "4MiB"}, "request_timeout": {"30s", "30s"}, "compression_type": {"producer", "producer"}, "coalesce": {"auto", "auto"},
		"default_excludes": {"true", "true"}, "owns_offsets": {"auto", "auto"},
		"loop_guard":             {"auto", "auto"},
		"groups":                 {".*", ".*"},
		"groups_exclude":         {"console-consumer-.*, connect-.*, __.*", "console-consumer-.*, connect-.*, __.*"},
		"refresh_groups_enabled": {"true", "true"}, "refresh_groups_interval": {"10m", "10m"},
		"emit_checkpoints_enabled": {"true", "true"}, "emit_checkpoints_interval": {"1m", "1m"},
		"sync_group_offsets_enabled": {"false", "false"}, "sync_group_offsets_interval": {"1m", "1m"},
		"delete_acls_enabled":     {"false", "false"},
		"sync_group_acls_enabled": {"false", "false"}, "sync_transactional_id_acls_enabled": {"false", "false"},
		"delete_topics_enabled": {"false", "false"}, "delete_topics_after": {"24h", "24h"},
		"group_pattern": {".*", ".*"}, "group_replacement": {"$0", "$0"},
		"sync_group_offsets_rewinds_enabled":   {"false", "false"},
		"checkpoints_topic_replication_factor": {"3", "3"}, "refresh_topics_enabled": {"true", "true"},
		"sync_topic_configs_enabled": {"true", "true"}, "sync_topic_configs_interval": {"10m", "10m"},
		"sync_topic_acls_enabled": {"true", "true"}, "sync_topic_acls_interval": {"10m", "10m"}, "sync_prefixed_acls_enabled": {"false", "false"},
		"emit_offset_syncs_enabled": {"true", "true"}, "offset_syncs_topic_location": {"target", "source"},
		"offset_syncs_topic_replication_factor": {"3", "3"}, "offset_lag_max": {"100", "100"},
		"replication_policy_internal_topic_separator_enabled": {"true", "true"},
		"tasks_max": {"0", "0"}, "admin_timeout": {"1m", "1m"},
		"emit_heartbeats_enabled": {"true", "true"}, "emit_heartbeats_interval": {"1s", "1s"},
		"heartbeats_topic_replication_factor": {"3", "3"}, "heartbeats_replication_enabled": {"true", "true"},
		"offset_storage_partitions": {"25", "25"}, "offset_storage_replication_factor": {"3", "3"},
		"offset_flush_interval": {"1m", "1m"}, "offset_flush_timeout": {"5s", "5s"},
		"session_timeout": {"10s", "10s"}, "heartbeat_interval": {"500ms", "500ms"},
		"config_properties_exclude": {
			strings.Join(model.DefaultConfigPropertiesExclude(), ", "), strings.Join(model.DefaultConfigPropertiesExclude(), ", "),
		},
	}
	for i, form := range []field.Form{field.HCL, field.Properties} {
		for _, d := range model.FlowFields(model.NewFlow(form)) {
			if got := d.Text(); got != want[d.Name][i] {
				t.Errorf("%s in form %d: %q, want %q", d.Name, form, got, want[d.Name][i])
			}
		}
	}
}

func TestParseServer(t *testing.T) {
	for s, want := range map[string]string{
		"a:9092": "a:9092", " a:9092 ": "a:9092", "SSL://a:9093": "a:9093", "[::1]:9092": "[::1]:9092",
		"a": "", "a:": "", ":9092": "", "a:b": "", "a:70000": "", "a:0": "", "a b:1": "", "": "", "http://a:1/x": "",
	} {
		got, ok := model.ParseServer(s)
		if !ok {
			got = ""
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", s, got, want)
		}
	}
}

func TestPlaces(t *testing.T) {
	f := model.NewFlow(field.HCL)
	if !f.Ranges.Of("topics").IsZero() {
		t.Error("a default has a place")
	}
}
