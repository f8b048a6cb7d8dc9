package wire

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Versions this package speaks. Below the first, records are not batches
// (KIP-98); the last are those of the kmsg version in go.mod.
const (
	fetchMin, fetchFlexible, fetchByID, fetchMax         = 4, 12, 13, 18
	produceMin, produceFlexible, produceByID, produceMax = 3, 9, 13, 13
)

// checkVersion says why a version that kgo negotiated cannot be used.
func checkVersion(kind string, version, lowest, highest int16) error {
	if version < lowest || version > highest {
		return fmt.Errorf("the broker offers %s v%d; v%d to v%d are supported (Kafka 0.11 and later)", kind, version, lowest, highest)
	}
	return nil
}

// fetchBody writes the body of a Fetch request (protocol guide, key 1).
func fetchBody(g *gather, req *FetchRequest, version int16) {
	flexible := version >= fetchFlexible
	if version <= 14 {
		g.int32(-1) // replica id: a consumer; a tagged field from v15
	}
	g.int32(millis(req.MaxWait))
	g.int32(req.MinBytes)
	g.int32(req.MaxBytes)
	if req.ReadCommitted {
		g.int8(1)
	} else {
		g.int8(0)
	}
	if version >= 7 {
		g.int32(req.SessionID)
		g.int32(req.SessionEpoch)
	}
	runs := countRuns(len(req.Partitions), func(i int) *PartitionKey { return &req.Partitions[i].PartitionKey })
	g.length(runs, flexible)
	for rest := req.Partitions; len(rest) > 0; {
		n := runLength(len(rest), func(i int) *PartitionKey { return &rest[i].PartitionKey })
		fetchTopic(g, rest[:n], version)
		rest = rest[n:]
	}
	if version >= 7 {
		fetchForgotten(g, req.Forgotten, version)
	}
	if version >= 11 {
		g.string(req.Rack, flexible)
	}
	g.tags(flexible)
}

func fetchTopic(g *gather, parts []FetchPartition, version int16) {
	flexible := version >= fetchFlexible
	topicKey(g, &parts[0].PartitionKey, version >= fetchByID, flexible)
	g.length(len(parts), flexible)
	for i := range parts {
		p := &parts[i]
		g.int32(p.Partition)
		if version >= 9 {
			g.int32(p.CurrentEpoch)
		}
		g.int64(p.Offset)
		if version >= 12 {
			g.int32(p.LastFetchedEpoch)
		}
		if version >= 5 {
			g.int64(-1) // log start offset: of followers only
		}
		g.int32(p.MaxBytes)
		g.tags(flexible)
	}
	g.tags(flexible)
}

func fetchForgotten(g *gather, keys []PartitionKey, version int16) {
	flexible := version >= fetchFlexible
	g.length(countRuns(len(keys), func(i int) *PartitionKey { return &keys[i] }), flexible)
	for len(keys) > 0 {
		n := runLength(len(keys), func(i int) *PartitionKey { return &keys[i] })
		topicKey(g, &keys[0], version >= fetchByID, flexible)
		g.length(n, flexible)
		for _, k := range keys[:n] {
			g.int32(k.Partition)
		}
		g.tags(flexible)
		keys = keys[n:]
	}
}

// produceBody writes the body of a Produce request (protocol guide, key 0),
// whose partitions groupByTopic has grouped.
func produceBody(g *gather, req *ProduceRequest, version int16) {
	flexible := version >= produceFlexible
	g.nullableString(req.TransactionalID, flexible)
	g.int16(-1) // acks: all
	g.int32(millis(req.Timeout))
	runs := countRuns(len(req.Partitions), func(i int) *PartitionKey { return &req.Partitions[i].PartitionKey })
	g.length(runs, flexible)
	for rest := req.Partitions; len(rest) > 0; {
		n := runLength(len(rest), func(i int) *PartitionKey { return &rest[i].PartitionKey })
		topicKey(g, &rest[0].PartitionKey, version >= produceByID, flexible)
		g.length(n, flexible)
		for i := range rest[:n] {
			g.int32(rest[i].Partition)
			g.length(len(rest[i].Batch), flexible)
			g.batch(rest[i].Batch)
			g.tags(flexible)
		}
		g.tags(flexible)
		rest = rest[n:]
	}
	g.tags(flexible)
}

func topicKey(g *gather, k *PartitionKey, byID, flexible bool) {
	if byID {
		g.raw(k.ID[:])
	} else {
		g.string(k.Topic, flexible)
	}
}

// millis returns d as Kafka's milliseconds, within what an int32 holds.
func millis(d time.Duration) int32 {
	return int32(min(max(d.Milliseconds(), 0), 1<<31-1))
}

func sameTopic(a, b *PartitionKey) bool { return a.ID == b.ID && a.Topic == b.Topic }

// runLength returns how many of n keys, from the first on, are of one topic.
func runLength(n int, key func(int) *PartitionKey) int {
	for i := 1; i < n; i++ {
		if !sameTopic(key(0), key(i)) {
			return i
		}
	}
	return n
}

func countRuns(n int, key func(int) *PartitionKey) int {
	runs := min(n, 1)
	for i := 1; i < n; i++ {
		if !sameTopic(key(i-1), key(i)) {
			runs++
		}
	}
	return runs
}

// groupByTopic returns parts with each topic's partitions side by side, and an
// error if a partition occurs twice, or a topic under two ids: a broker decodes
// topics into a set and drops the second occurrence of either without a
// word. Fetch needs neither: there the order is the caller's priority, and
// topics may repeat.
func groupByTopic(parts []ProducePartition) ([]ProducePartition, error) {
	places := make(map[string]int, 1) // topic to its place
	ids := make([]TopicID, 0, 1)      // by place
	grouped, ascending := true, true
	for i := range parts {
		p := &parts[i]
		if i > 0 && sameTopic(&parts[i-1].PartitionKey, &p.PartitionKey) {
			ascending = ascending && parts[i-1].Partition < p.Partition
			continue
		}
		place, seen := places[p.Topic]
		switch {
		case !seen:
			places[p.Topic] = len(ids)
			ids = append(ids, p.ID)
		case ids[place] != p.ID:
			return nil, fmt.Errorf("producing: topic %q has two ids in one request", p.Topic)
		default:
			grouped = false
		}
	}
	if !ascending || !grouped {
		seen := make(map[PartitionKey]struct{}, len(parts))
		for i := range parts {
			seen[parts[i].PartitionKey] = struct{}{}
		}
		if len(seen) < len(parts) {
			return nil, errors.New("producing: a partition occurs twice in one request")
		}
	}
	if grouped {
		return parts, nil
	}
	parts = slices.Clone(parts)
	slices.SortStableFunc(parts, func(a, b ProducePartition) int { return places[a.Topic] - places[b.Topic] })
	return parts, nil
}
