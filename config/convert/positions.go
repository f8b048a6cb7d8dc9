package convert

// positions tells which position store the resource used. Its names are those
// Strimzi gives unless the resource says otherwise.
func (r *resource) positions(spec tree) {
	first := func(trees ...tree) string {
		for _, t := range trees {
			if s := t.str(); s != "" {
				return s
			}
		}
		return ""
	}
	config := spec.get("target", "config")
	for _, one := range spec.get("clusters").items() {
		if one.get("alias").str() == r.worker {
			config = one.get("config")
		}
	}
	topic := first(spec.get("target", "offsetStorageTopic"), config.get("offset.storage.topic"))
	group := first(spec.get("target", "groupId"), config.get("group.id"))
	if topic == "" {
		topic = "mirrormaker2-cluster-offsets"
	}
	if group == "" {
		group = "mirrormaker2-cluster"
	}
	for _, one := range spec.get("mirrors").items() {
		from, to := ends(one, spec.get("target"))
		takeOver(r.f, from, to, topic, group, from+"->"+to+".MirrorSourceConnector")
	}
}

// takeOver notes where a connector's positions are and what follows.
func takeOver(f *form, from, to, topic, group, connector string) {
	f.note("flow %s->%s: its positions are on %s in the topic %s (Connect group %s) under [%q,...]; Strait looks in mm2-offsets.%s.internal under [\"MirrorSourceConnector\",...]. "+
		"Copy them there under that name before the first start, or every topic is copied again from its beginning; stop the old connector first",
		from, to, to, topic, group, connector, from)
}
