package model

import (
	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/field"
)

// Positions says where a connector on Kafka Connect has kept the positions of a
// flow, from which the flow begins.
type Positions struct {
	Topic     string // on the target: the worker's offset.storage.topic
	Connector string // its name

	Range  diag.Range
	Ranges Places // of what was written
}

// PositionsFields declares the attributes of a positions block.
func PositionsFields(p *Positions) []field.Def {
	return []field.Def{
		field.String(&p.Topic, "topic",
			"The topic on the target where Kafka Connect keeps the positions of its connectors: offset.storage.topic of the workers, with Strimzi mirrormaker2-cluster-offsets where nothing else is set."),
		field.String(&p.Connector, "connector",
			"Name of the source connector whose positions are taken over, with Strimzi as in dc1->dc2.MirrorSourceConnector."),
	}
}
