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
	Range           diag.Range
	Ranges          Places // of what was written
}

// MetricsFields declares the attributes of a metrics block.
func MetricsFields(m *Metrics) []field.Def {
	return []field.Def{
		field.String(&m.Listen, "listen",
			"Where to answer for /metrics, /healthz and /readyz, as host:port: \"127.0.0.1:9404\", or \":9404\" for every address. What is served there is read-only and shows neither settings nor data.").
			Changes(field.Live),
		field.Bool(&m.PartitionLabels, "partition_labels",
			"Expose lag, retention headroom and throughput of every partition, too: five series for each. With 10,000 partitions that is a page of several megabytes.").
			Default("false").Changes(field.Live),
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
