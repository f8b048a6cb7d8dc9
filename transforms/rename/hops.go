package rename

import "slices"

// This file answers what MirrorClient answers from a list of topic names, so
// that tools which ask Strait and tools which ask the Java client agree.

// Hops counts the clusters between the one that topic lies on and source, by
// the names alone; -1 when source is not among them.
func (p Policy) Hops(topic, source string) int {
	for hops := 1; ; hops++ {
		from, ok := p.TopicSource(topic)
		if !ok {
			return -1
		}
		if from == source {
			return hops
		}
		upstream, ok := p.UpstreamTopic(topic)
		if !ok || upstream == topic {
			return -1
		}
		topic = upstream
	}
}

// ReplicationHops is the least number of hops from source over the heartbeats
// topics among topics; -1 when there is no way.
func (p Policy) ReplicationHops(topics []string, source string) int {
	best := -1
	for _, t := range p.HeartbeatTopics(topics) {
		if hops := p.Hops(t, source); hops >= 0 && (best < 0 || hops < best) {
			best = hops
		}
	}
	return best
}

// HeartbeatTopics returns the topics that carry heartbeats.
func (p Policy) HeartbeatTopics(topics []string) []string { return pick(topics, p.IsHeartbeats) }

// CheckpointTopics returns the topics that carry checkpoints.
func (p Policy) CheckpointTopics(topics []string) []string { return pick(topics, p.IsCheckpoints) }

// UpstreamClusters returns every cluster on the way of a heartbeats topic,
// sorted.
func (p Policy) UpstreamClusters(topics []string) []string {
	var clusters []string
	for _, t := range p.HeartbeatTopics(topics) {
		for {
			source, ok := p.TopicSource(t)
			if !ok {
				break
			}
			if source != "" && !slices.Contains(clusters, source) {
				clusters = append(clusters, source)
			}
			upstream, ok := p.UpstreamTopic(t)
			if !ok || upstream == t {
				break
			}
			t = upstream
		}
	}
	slices.Sort(clusters)
	return clusters
}

// RemoteTopics returns the topics that were copied from elsewhere.
func (p Policy) RemoteTopics(topics []string) []string {
	return pick(topics, func(t string) bool {
		_, ok := p.TopicSource(t)
		return ok && !p.IsInternal(t)
	})
}

// pick returns the topics keep says yes to, in order.
func pick(topics []string, keep func(string) bool) []string {
	var out []string
	for _, t := range topics {
		if keep(t) {
			out = append(out, t)
		}
	}
	return out
}
