package model

import (
	"net"
	"strconv"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/field"
)

// Metrics says where the process answers for metrics and health.
type Metrics struct {
	Listen string // host:port; an empty host is every address of the machine
	// PartitionLabels gives every partition series of its own.
	PartitionLabels bool
	Compat          Compat
	Range           diag.Range
	Ranges          Places // of what was written
}

// Compat says whose series there are, too.
type Compat string

// Values of Compat.
const (
	CompatNone    Compat = "none"
	CompatStrimzi Compat = "strimzi" // MirrorMaker 2's, as Strimzi's dashboard asks for them
)

// MetricsFields declares the attributes of a metrics block.
func MetricsFields(m *Metrics) []field.Def {
	return []field.Def{
		field.String(&m.Listen, "listen",
			"Where to answer for /metrics, /healthz and /readyz, as host:port: \"127.0.0.1:9404\", or \":9404\" for every address. What is served there is read-only and shows neither settings nor data.").
			Changes(field.Live),
		field.Bool(&m.PartitionLabels, "partition_labels",
			"Expose lag, retention headroom and throughput of every partition, too: five series for each. With 10,000 partitions that is a page of several megabytes.").
			Default("false").Changes(field.Live),
		field.Enum(&m.Compat, "compat", []Compat{CompatNone, CompatStrimzi},
			"Whose series to expose, too: with \"strimzi\" those of MirrorMaker 2 by the names that Strimzi gives them, so that its Grafana dashboard for MirrorMaker 2 goes on to show. As with MirrorMaker 2, every partition has 13 of them, whatever partition_labels says.").
			Default("none").Changes(field.Live),
	}
}

// ParseListen reports whether s is an address to listen on.
func ParseListen(s string) bool {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return false
	}
	_, err = strconv.ParseUint(port, 10, 16)
	return err == nil && (host == "" || net.ParseIP(host) != nil || host == "localhost" || isHostName(host))
}

func isHostName(s string) bool {
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '.' {
			return false
		}
	}
	return true
}
