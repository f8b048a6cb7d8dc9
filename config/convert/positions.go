package convert

import "github.com/strait-mirror/strait/config/model"

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
	if topic == "" {
		topic = "mirrormaker2-cluster-offsets"
	}
	for _, one := range spec.get("mirrors").items() {
		from, to := ends(one, spec.get("target"))
		takeOver(r.f, from, to, topic, from+"->"+to+".MirrorSourceConnector")
	}
}

// takeOver has a flow begin with the positions of a connector.
func takeOver(f *form, from, to, topic, connector string) {
	f.positions[from+"->"+to] = &model.Positions{Topic: topic, Connector: connector}
	f.note("flow %s->%s begins where the connector %s has stopped: stop it first; its positions are taken from the topic %s on %s", from, to, connector, topic, to)
}
