package lint

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/survey"
	"github.com/strait-mirror/strait/transforms/filter"
	"github.com/strait-mirror/strait/transforms/rename"
)

// syncing are the enabled flows that write group offsets to their targets.
func (t *topology) syncing() []*model.Flow {
	return slices.DeleteFunc(slices.Clone(t.enabled), func(f *model.Flow) bool { return !f.Control.SyncGroupOffsetsEnabled })
}

// groupsOf returns which groups a flow selects; none where its patterns are
// wrong, which was reported.
func groupsOf(f *model.Flow) func(group string) bool {
	compile := func(name string, texts []string) (*filter.Patterns, bool) {
		p, problems := filter.Compile(patternsOf(f, name, texts))
		return p, !problems.HasErrors()
	}
	include, ok := compile("groups", f.Control.Groups)
	exclude, okToo := compile("groups_exclude", f.Control.GroupsExclude)
	return func(group string) bool { return ok && okToo && filter.Choose(include, exclude, group).Copy }
}

// calledBy returns what a flow calls groups at its target; as they are where that is
// wrong, which was reported.
func calledBy(f *model.Flow) func(group string) string {
	names, problems := filter.GroupsForFlow(f)
	return func(group string) string {
		if name, err := names.Name(group); err == nil && !problems.HasErrors() {
			return name
		}
		return group
	}
}

// checkSyncParts finds group sync without what it is made of.
func checkSyncParts(t *topology, r *reporter) {
	for _, f := range t.syncing() {
		for _, part := range []struct {
			name string
			on   bool
		}{{"emit_checkpoints_enabled", f.Control.EmitCheckpointsEnabled}, {"emit_offset_syncs_enabled", f.Control.EmitOffsetSyncsEnabled}} {
			if !part.on {
				r.add(orRange(f.Ranges.Of(part.name), f), "remove "+part.name+", or switch sync_group_offsets_enabled off",
					"flow %q: sync_group_offsets_enabled needs %s: no offset is translated without it", f.Name, part.name)
			}
		}
	}
}

// checkOwnGroups finds patterns that select the groups mirrors work with.
func checkOwnGroups(t *topology, r *reporter) {
	own := map[string][]string{} // by cluster
	for _, f := range t.enabled {
		workers := f.Control.GroupID
		if workers == "" {
			workers = f.From + "-mm2"
		}
		own[f.To] = append(own[f.To], workers)
	}
	for _, f := range t.syncing() {
		selected := groupsOf(f)
		for _, group := range own[f.From] {
			if selected(group) {
				r.add(orRange(firstPlace(f, "groups", "sync_group_offsets_enabled"), f), fmt.Sprintf("add %q to groups_exclude", group+".*"),
					"flow %q: groups selects %q, with which a mirror works on cluster %q", f.Name, group, f.From)
			}
		}
	}
}

// checkSyncInterval finds group sync that repeats itself.
func checkSyncInterval(t *topology, r *reporter) {
	for _, f := range t.syncing() {
		if sync, emit := f.Control.SyncGroupOffsetsInterval, f.Control.EmitCheckpointsInterval; sync < emit {
			r.add(orRange(firstPlace(f, "sync_group_offsets_interval", "emit_checkpoints_interval"), f), "set emit_checkpoints_interval to the same",
				"flow %q: group offsets are written every %s, but translated every %s only", f.Name, sync, emit)
		}
	}
}

// checkInternalReplicas finds internal topics that one broker can lose.
func checkInternalReplicas(t *topology, r *reporter) {
	seen := map[diag.Range]bool{}
	for _, f := range t.enabled {
		c := f.Control
		for _, topic := range []struct {
			name     string
			replicas int16
		}{
			{"offset_storage_replication_factor", c.OffsetStorageReplicationFactor},
			{"offset_syncs_topic_replication_factor", c.OffsetSyncsTopicReplicationFactor},
			{"checkpoints_topic_replication_factor", c.CheckpointsTopicReplicationFactor},
			{"heartbeats_topic_replication_factor", c.HeartbeatsTopicReplicationFactor},
		} {
			at := f.Ranges.Of(topic.name)
			if topic.replicas != 1 || seen[at] {
				continue // one line of a properties file is about many flows
			}
			seen[at] = true
			r.add(orRange(at, f), "write 3, or -1 for the broker's default", "%s is 1: when its broker is lost, so is the topic", topic.name)
		}
	}
}

// checkSyncsGrant finds offset syncs that cannot be written to the source.
func checkSyncsGrant(t *topology, r *reporter) {
	for _, p := range t.pairs() {
		if !p.flow.Control.EmitOffsetSyncsEnabled || p.flow.Control.OffsetSyncsTopicLocation != "source" {
			continue
		}
		name := rename.ForFlow(p.flow).OffsetSyncsTopic(p.flow.To)
		topic, there := p.source.Topics[name]
		_, write := survey.Denies(topic.Denied, "WRITE")
		_, create := survey.Denies(p.source.Denied, "CREATE")
		if there && write || !there && create {
			r.add(orRange(p.flow.Ranges.Of("offset_syncs_topic_location"), p.flow), `write offset_syncs_topic_location = "target" (offset-syncs.topic.location)`,
				"flow %q: our user may not write %s on cluster %q", p.flow.Name, name, p.flow.From)
		}
	}
}

// checkHeartbeatsOff finds flows without heartbeats.
func checkHeartbeatsOff(t *topology, r *reporter) {
	for _, f := range t.enabled {
		if at := f.Ranges.Of("emit_heartbeats_enabled"); !f.Control.EmitHeartbeatsEnabled && !at.IsZero() {
			r.add(at, "remove emit_heartbeats_enabled", "flow %q sends no heartbeats, by which other programs see whether it is alive", f.Name)
		}
	}
}

// checkSyncStages finds group sync where offsets of source and target have no
// relation.
func checkSyncStages(t *topology, r *reporter) {
	for _, f := range t.syncing() {
		i := slices.IndexFunc(f.Stages, func(s *model.Stage) bool {
			return s.Scatters() || s.Rename != nil && s.Rename.Merge || s.Partition != nil && s.Partition.Mapping == model.MappingModulo
		})
		if i >= 0 {
			r.add(f.Stages[i].Range, "leave these topics to a flow without sync_group_offsets_enabled",
				"flow %q: stage %q puts several partitions into one, or one into several, whose offsets groups cannot be given", f.Name, f.Stages[i].Name)
		}
	}
}

// checkLiveGroups finds groups that work on the target already.
func checkLiveGroups(t *topology, r *reporter) {
	for _, p := range t.pairs() {
		if !p.flow.Control.SyncGroupOffsetsEnabled {
			continue
		}
		selected, called := groupsOf(p.flow), calledBy(p.flow)
		var live []string
		for _, name := range slices.Sorted(maps.Keys(p.source.Groups)) {
			state := p.target.Groups[called(name)].State
			if selected(name) && state != "" && state != "Empty" && state != "Dead" {
				live = append(live, name)
			}
		}
		if len(live) > 0 {
			r.add(orRange(firstPlace(p.flow, "groups", "sync_group_offsets_enabled"), p.flow),
				"nothing, where they moved on purpose; else stop their members on the target, or add them to groups_exclude",
				"flow %q: groups with members on cluster %q are skipped: %s", p.flow.Name, p.flow.To, some(live))
		}
	}
}

// checkGroupTopics finds groups that read what is not copied.
func checkGroupTopics(t *topology, r *reporter) {
	for _, p := range t.pairs() {
		if !p.flow.Control.SyncGroupOffsetsEnabled {
			continue
		}
		selected, selection := groupsOf(p.flow), t.selections[p.flow]
		var missing []string
		for _, name := range slices.Sorted(maps.Keys(p.source.Groups)) {
			topics := slices.DeleteFunc(slices.Clone(p.source.Groups[name].Topics), func(topic string) bool { return selection.Decide(topic).Copy })
			if selected(name) && len(topics) > 0 {
				missing = append(missing, fmt.Sprintf("%s (%s)", name, strings.Join(topics[:min(len(topics), 3)], ", ")))
			}
		}
		if len(missing) > 0 {
			r.add(orRange(firstPlace(p.flow, "groups", "topics"), p.flow), "add the topics to topics, or the groups to groups_exclude",
				"flow %q: groups read topics that are not copied: %s", p.flow.Name, some(missing))
		}
	}
}

// checkGroupCircle finds groups that a flow brings back to where another one gives
// them other names.
func checkGroupCircle(t *topology, r *reporter) {
	const sample = "group" // stands for names that are not known here
	for _, f := range t.syncing() {
		names, problems := filter.GroupsForFlow(f)
		if problems.HasErrors() || !names.Renames() || f.ReplicationPolicy != model.PolicyIdentity {
			continue
		}
		name, err := names.Name(sample)
		if err != nil || name == sample {
			continue
		}
		for _, back := range t.syncing() {
			if back.From == f.To && back.To == f.From && back.ReplicationPolicy == model.PolicyIdentity && groupsOf(back)(name) {
				r.add(orRange(f.Ranges.Of("group_replacement"), f), fmt.Sprintf("let groups_exclude of flow %q match names such as %q", back.Name, name),
					"flow %q takes groups that flow %q gives other names back to cluster %q", back.Name, f.Name, f.From)
			}
		}
	}
}
