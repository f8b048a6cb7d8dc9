package effective

import (
	"regexp"
	"slices"
	"strings"

	"github.com/strait-mirror/strait/config/diag"
)

// The connectors of MirrorMaker 2.
const (
	SourceConnector     = "MirrorSourceConnector"
	CheckpointConnector = "MirrorCheckpointConnector"
	HeartbeatConnector  = "MirrorHeartbeatConnector"
)

const (
	connectorPackage   = "org.apache.kafka.connect.mirror."
	byteArrayConverter = "org.apache.kafka.connect.converters.ByteArrayConverter"
)

// Flow is what MirrorMaker 2 computes for one pair.
type Flow struct {
	Pair
	Worker    Map // MirrorMakerConfig.workerConfig
	Connector Map // what a connector starts with: the source's, variables resolved

	base        Map // connectorBaseConfig without name and class
	distributed Map // what the worker's typed configuration holds

	// Worker problems end MirrorMaker 2 at its start; a connector with
	// problems is refused or fails while the process and the rest run on.
	WorkerProblems, ConnectorProblems diag.List
}

// Problems are those of the worker and of the connectors.
func (f *Flow) Problems() diag.List {
	return slices.Concat(f.WorkerProblems, f.ConnectorProblems).Once()
}

// Flow computes the configurations of a pair.
func (c *Config) Flow(p Pair) *Flow {
	f := &Flow{Pair: p}
	f.Worker = c.workerConfig(p, &f.WorkerProblems)
	at := c.p.Doc.File

	// DistributedConfig resolves what is left, and checks.
	f.distributed = c.transform(f.Worker, c.automatic(f.Worker, &f.WorkerProblems), &f.WorkerProblems)
	for _, d := range c.defs.check(userWorker, f.distributed, at) {
		if d.Code == diag.CodeMissing && strings.HasPrefix(d.Summary, "bootstrap.servers ") {
			key := p.Target + ".bootstrap.servers"
			d = diag.Errorf(diag.CodeMissing, c.typed["clusters"].At, "%s is not set", key).WithFix("write %s = host:9092", key)
		}
		f.WorkerProblems.Add(d)
	}

	// A connector starts with what the worker's providers resolve, and its
	// typed configuration resolves once more.
	f.base = c.connectorConfig(p)
	source := f.SourceConnector()
	once := c.transform(source, c.providersOf(f.distributed, &f.WorkerProblems), &f.ConnectorProblems)
	f.Connector = c.transform(once, c.automatic(once, &f.ConnectorProblems), &f.ConnectorProblems)
	for _, user := range []string{userSource, userCheckpoint, userHeartbeat} {
		f.ConnectorProblems.Add(c.defs.check(user, f.Connector, at)...)
	}
	return f
}

// SourceConnector is connectorBaseConfig of MirrorSourceConnector, variables
// unresolved.
func (f *Flow) SourceConnector() Map { return f.named(SourceConnector) }

// CheckpointConnector is the same of MirrorCheckpointConnector.
func (f *Flow) CheckpointConnector() Map { return f.named(CheckpointConnector) }

// HeartbeatConnector is the same of MirrorHeartbeatConnector.
func (f *Flow) HeartbeatConnector() Map { return f.named(HeartbeatConnector) }

func (f *Flow) named(connector string) Map {
	m := make(Map, len(f.base)+2)
	m.put(f.base)
	m.absent("name", connector)
	m.absent("connector.class", connectorPackage+connector)
	return m
}

// behind returns the keys of the file behind prefix, without it.
func (c *Config) behind(prefix string) Map {
	out := Map{}
	from, _ := slices.BinarySearch(c.sorted, prefix)
	for _, key := range c.sorted[from:] {
		rest, ok := strings.CutPrefix(key, prefix)
		if !ok {
			break
		}
		if rest != "" {
			out[rest] = c.raw[key]
		}
	}
	return out
}

// starting returns the keys of the file that start with prefix, whole.
func (c *Config) starting(prefix string) Map {
	out := Map{}
	from, _ := slices.BinarySearch(c.sorted, prefix)
	for _, key := range c.sorted[from:] {
		if !strings.HasPrefix(key, prefix) {
			break
		}
		out[key] = c.raw[key]
	}
	return out
}

// clusterProps is MirrorMakerConfig.clusterProps: what is said of a cluster,
// and the common client keys fanned out to its clients.
func (c *Config) clusterProps(alias string) Map {
	m := c.behind(alias + ".")
	for key := range c.defs.common {
		if v, ok := m[key]; ok {
			m.fan(key, v)
		}
	}
	for key := range c.defs.common {
		if v, ok := c.raw[key]; ok {
			m.fan(key, v)
			if _, ok := m[key]; !ok {
				m[key] = v
			}
		}
	}
	return m
}

// fan gives a common key to the clients that have none of their own.
func (m Map) fan(key string, v Value) {
	for _, client := range []string{"producer.", "consumer.", "admin."} {
		if _, ok := m[client+key]; !ok {
			m[client+key] = v
		}
	}
}

// workerConfig is MirrorMakerConfig.workerConfig.
func (c *Config) workerConfig(p Pair, problems *diag.List) Map {
	m := c.clusterProps(p.Target)
	for _, prefix := range []string{
		"offset.storage", "config.storage", "status.storage", "key.converter", "value.converter", "header.converter",
		"task", "worker", "replication.policy",
	} {
		m.put(c.starting(prefix))
	}
	m = c.transform(m, c.provided, problems)
	m.put(c.starting("config.providers"))
	m.absent("client.id", p.Name())
	m.absent("group.id", p.Source+"-mm2")
	for _, topic := range []string{"offset", "status", "config"} {
		plural := map[string]string{"offset": "offsets", "status": "status", "config": "configs"}[topic]
		m.absent(topic+".storage.topic", "mm2-"+plural+"."+p.Source+".internal")
	}
	for _, kind := range []string{"key", "value", "header"} {
		m.absent(kind+".converter", byteArrayConverter)
	}
	return m
}

// connectorConfig is MirrorMakerConfig.connectorBaseConfig without the name and
// the class of the connector, which an own key of the flow may set as well.
func (c *Config) connectorConfig(p Pair) Map {
	m := Map{}
	for key := range c.defs.base {
		if v, ok := c.raw[key]; ok {
			m[key] = v
		}
	}
	m.put(c.starting("config.providers"))
	m.put(c.starting("replication.policy"))
	m.put(aimed("source.", c.clusterProps(p.Source), c.defs.client))
	m.put(aimed("target.", c.clusterProps(p.Target), c.defs.client))
	m.absent("source.cluster.alias", p.Source)
	m.absent("target.cluster.alias", p.Target)
	m.put(c.behind(p.Name() + "."))
	m.absent("enabled", "false")
	return m
}

// aimed puts the name of an end in front of a cluster's keys: "source." for
// those of a client, "source.cluster." for the rest. Java tells them apart by
// a pattern that "consumer" alone fits, too.
func aimed(end string, props Map, client *regexp.Regexp) Map {
	m := make(Map, len(props))
	for key, v := range props {
		if client.MatchString(key) {
			m[end+key] = v
		} else {
			m[end+"cluster."+key] = v
		}
	}
	return m
}

// WorkerTyped is Worker with its variables resolved once more, as the worker
// sees it.
func (f *Flow) WorkerTyped() Map { return f.distributed }
