package grant

import (
	"github.com/strait-mirror/strait/config/model"
)

// Feature is what a permission is for.
type Feature string

// The features of a flow.
const (
	Copying   Feature = "copying"    // of records
	Proof     Feature = "proof"      // of what has arrived, after an interruption
	Creation  Feature = "creation"   // of topics on the target, and of partitions
	Settings  Feature = "settings"   // of topics, so that the target takes batches as they are
	Positions Feature = "positions"  // where to go on
	LoopGuard Feature = "loop_guard" // telling copies from local records
)

// side is where a permission is needed, and on what.
type side int

const (
	sourceTopics side = iota + 1 // the topics that are copied
	targetTopics                 // what they are called on the target
	positions                    // the topic of positions, on the target
	written                      // the topic of our producer ids, on the target
	marked                       // the topic of the producer ids of a flow in the other direction, on the source
	group                        // the consumer group of a flow like MirrorMaker 1, on the source
)

// need is one line of the declaration.
type need struct {
	feature Feature
	on      side
	op      Operation
	why     string
}

// needs declares every permission that a flow uses, once. Kafka's authorizers
// have READ, WRITE and ALTER include DESCRIBE, ALTER_CONFIGS include
// DESCRIBE_CONFIGS, and WRITE on any topic stand for IDEMPOTENT_WRITE (KIP-679,
// 2.8), so that those are asked for nowhere.
func needs() []need {
	return []need{
		{Copying, sourceTopics, Read, "to find and fetch the topics: one that may not be described is not seen at all"},
		{Settings, sourceTopics, DescribeConfigs, "to know what batches the target must be able to take"},
		{Copying, targetTopics, Write, "to write records"},
		{Proof, targetTopics, Read, "to find out after an interruption what has arrived; without it records may be repeated"},
		{Creation, targetTopics, Create, "to create topics; not needed where they all exist"},
		{Creation, targetTopics, Alter, "to add partitions when the source gets more"},
		{Settings, targetTopics, DescribeConfigs, "to see whether the target changes or refuses data"},
		{Settings, targetTopics, AlterConfigs, "to see whether the target changes or refuses data, and to keep it from that"},
		{Positions, positions, Read, "to go on where it stopped"},
		{Positions, positions, Write, "to record where to go on"},
		{Positions, positions, Create, "to create the topic of positions; not needed where it exists"},
		{Positions, positions, DescribeConfigs, "to see that no positions are deleted"},
		{LoopGuard, written, Read, "to know which producer ids are entered"},
		{LoopGuard, written, Write, "to enter the producer ids that records are written with"},
		{LoopGuard, written, Create, "to create the topic of producer ids; not needed where it exists"},
		{LoopGuard, written, DescribeConfigs, "to see that no producer ids are deleted"},
		{LoopGuard, marked, Read, "to leave out records that came from the target"},
		{Positions, group, Read, "to go on where the group is, and to commit its offsets"},
	}
}

// Need is why a permission is needed.
type Need struct {
	Flow    string
	Feature Feature
	Why     string
}

// Entry is a permission and everything that needs it.
type Entry struct {
	Grant
	Needs []Need
}

// OnCluster is what one cluster has to grant.
type OnCluster struct {
	Alias   string
	Entries []Entry
}

// For returns the least set of permissions that flows need, by cluster in the
// order in which the flows name them.
func For(flows []*model.Flow) []OnCluster {
	var out []OnCluster
	places := map[string]int{}
	add := func(alias string, e Entry) {
		i, known := places[alias]
		if !known {
			i = len(out)
			places[alias] = i
			out = append(out, OnCluster{Alias: alias})
		}
		out[i].Entries = append(out[i].Entries, e)
	}
	for _, f := range flows {
		selected := atSource(f)
		for _, n := range needs() {
			if !n.applies(f) {
				continue
			}
			alias, resources := n.of(f, selected)
			for _, on := range resources {
				add(alias, Entry{Grant{n.op, on}, []Need{{Flow: f.Name, Feature: n.feature, Why: n.why}}})
			}
		}
	}
	for i := range out {
		out[i].Entries = least(out[i].Entries)
	}
	return out
}

// applies reports whether a flow has the need: one like MirrorMaker 1 keeps its
// positions in a group and proves nothing.
func (n need) applies(f *model.Flow) bool {
	one := f.MirrorMaker1
	switch {
	case n.on == group:
		return one != nil
	case n.on == written, n.on == marked:
		return f.Guarded()
	case one == nil:
		return true
	}
	changes := n.on == targetTopics && (n.op == Create || n.op == Alter || n.op == AlterConfigs)
	grows := n.op == Alter
	return n.on != positions && (!changes || !one.LeaveTopics) && (!grows || !f.Repartitions())
}

// of returns the cluster that has to grant it, and what on.
func (n need) of(f *model.Flow, selected []On) (alias string, on []On) {
	switch n.on {
	case sourceTopics:
		return f.From, selected
	case targetTopics:
		return f.To, onTarget(f, selected)
	case positions:
		return f.To, []On{Topic("mm2-offsets." + f.From + ".internal")}
	case written:
		return f.To, []On{Topic("mm2-strait-index." + f.From + ".internal")}
	case marked:
		return f.From, []On{Topic("mm2-strait-index." + f.To + ".internal")}
	case group:
		return f.From, []On{Group(f.MirrorMaker1.Group)}
	}
	return "", nil
}
