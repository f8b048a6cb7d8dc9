package effective

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/strait-mirror/strait/config/field"
)

// The clients' names in what MirrorMaker 2 tells brokers.
const (
	roleConsumer    = "replication-consumer"
	roleSourceAdmin = "replication-source-admin"
	roleTargetAdmin = "replication-target-admin"
	roleSyncs       = "offset-syncs-" // source-producer or target-producer
)

// SourceConsumer is the configuration of what reads records.
func (f *Flow) SourceConsumer(c *Config) Map {
	m := f.client(c, "source", "consumer")
	m["enable.auto.commit"] = Value{Text: "false"}
	m.absent("auto.offset.reset", "earliest")
	f.identify(m, roleConsumer)
	return m
}

// OffsetSyncsProducer is the configuration of what writes offset syncs: to the
// source unless offset-syncs.topic.location is target.
func (f *Flow) OffsetSyncsProducer(c *Config) Map {
	end := "source"
	if v, ok := f.Connector["offset-syncs.topic.location"]; ok && trim(v.Text) != "source" {
		end = "target"
	}
	m := f.client(c, end, "producer")
	f.identify(m, roleSyncs+end+"-producer")
	return m
}

// SourceAdmin is the configuration of what asks the source for its topics.
func (f *Flow) SourceAdmin(c *Config) Map {
	m := f.client(c, "source", "admin")
	f.identify(m, roleSourceAdmin)
	return m
}

// TargetAdmin is the configuration of what creates and changes topics.
func (f *Flow) TargetAdmin(c *Config) Map {
	m := f.client(c, "target", "admin")
	f.identify(m, roleTargetAdmin)
	return m
}

// client is the part that all of MirrorConnectorConfig's client configurations
// share: the cluster's common keys, then the client's, then those with the end
// in front.
func (f *Flow) client(c *Config, end, client string) Map {
	m := Map{}
	for key, v := range f.Connector.with(end + ".cluster.") {
		if c.defs.common[key] {
			m[key] = v
		}
	}
	m.put(f.Connector.with(client + "."))
	m.put(f.Connector.with(end + "." + client + "."))
	return m
}

// identify sets client.id as MirrorConnectorConfig.addClientId does.
func (f *Flow) identify(m Map, role string) {
	v := m["client.id"]
	if v.Written() {
		v.Text += "|"
	}
	v.Text += f.Connector.text("source.cluster.alias") + "->" + f.Connector.text("target.cluster.alias") +
		"|" + f.Connector.text("name") + "|" + role
	m["client.id"] = v
}

// RecordProducer is the configuration of what writes records: the producer
// that Connect makes for the first task of the source connector. Only the id of
// the target cluster, which MirrorMaker 2 asks for, is not in it.
func (f *Flow) RecordProducer() Map {
	servers := f.distributed["bootstrap.servers"]
	servers.Text = strings.Join(distinct(field.SplitList(servers.Text)), ",")
	const bytes = "org.apache.kafka.common.serialization.ByteArraySerializer"
	m := Map{
		"bootstrap.servers":                     servers,
		"key.serializer":                        {Text: bytes},
		"value.serializer":                      {Text: bytes},
		"max.block.ms":                          {Text: strconv.FormatInt(math.MaxInt64, 10)},
		"enable.idempotence":                    {Text: "false"},
		"acks":                                  {Text: "all"},
		"max.in.flight.requests.per.connection": {Text: "1"},
		"delivery.timeout.ms":                   {Text: strconv.Itoa(math.MaxInt32)},
		"client.id":                             {Text: "connector-producer-" + SourceConnector + "-0"},
	}
	m.put(f.distributed.with("producer."))
	for key, v := range f.distributed {
		if strings.HasPrefix(key, "metrics.context.") && key != "metrics.context." {
			m[key] = v
		}
	}
	m["metrics.context.connect.group.id"] = f.distributed["group.id"]
	m.put(f.Connector.with("producer.override."))
	if f.ExactlyOnce() {
		f.transactional(m)
	}
	return m
}

// ExactlyOnce reports whether the worker supports transactions:
// exactly.once.source.support is "enabled".
func (f *Flow) ExactlyOnce() bool {
	return strings.EqualFold(f.distributed.text("exactly.once.source.support"), "enabled")
}

// transactional is Worker.exactlyOnceSourceTaskProducerConfigs.
func (f *Flow) transactional(m Map) {
	id := f.distributed.text("group.id") + "-" + SourceConnector + "-0"
	if !strings.EqualFold(m["enable.idempotence"].Text, "true") {
		m["enable.idempotence"] = Value{Text: "true"}
	}
	if m["transactional.id"].Text != id {
		m["transactional.id"] = Value{Text: id}
	}
}

// Names are the configurations of a flow, in the order they are shown.
func Names() []string {
	return []string{
		"source_connector", "checkpoint_connector", "heartbeat_connector", "source_consumer", "record_producer",
		"offset_syncs_producer", "source_admin", "target_admin", "worker",
	}
}

// All returns every configuration of a flow by its name.
func (f *Flow) All(c *Config) map[string]Map {
	return map[string]Map{
		"source_connector":      f.SourceConnector(),
		"checkpoint_connector":  f.CheckpointConnector(),
		"heartbeat_connector":   f.HeartbeatConnector(),
		"source_consumer":       f.SourceConsumer(c),
		"record_producer":       f.RecordProducer(),
		"offset_syncs_producer": f.OffsetSyncsProducer(c),
		"source_admin":          f.SourceAdmin(c),
		"target_admin":          f.TargetAdmin(c),
		"worker":                f.Worker,
	}
}

// Keys returns the keys of m in order.
func (m Map) Keys() []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
