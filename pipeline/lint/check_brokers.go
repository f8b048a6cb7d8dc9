package lint

import (
	"strconv"
	"strings"

	"github.com/strait-mirror/strait/flows/survey"
)

// checkRequestSize finds produce requests that brokers cut off: they close the
// connection, and the same request is sent again, for ever.
func checkRequestSize(t *topology, r *reporter) {
	for _, p := range t.pairs() {
		limit, err := strconv.ParseInt(p.target.Settings["socket.request.max.bytes"], 10, 64)
		if err == nil && int64(p.flow.MaxRequestSize) > limit {
			r.add(orRange(p.flow.Ranges.Of("max_request_size"), p.flow), "lower max_request_size, or raise socket.request.max.bytes of the brokers",
				"flow %q: max_request_size is %d bytes, but brokers of cluster %q take %d at most", p.flow.Name, p.flow.MaxRequestSize, p.flow.To, limit)
		}
	}
}

// checkQuotas finds flows that brokers slow down before their own limit does. A
// quota holds on each broker.
func checkQuotas(t *topology, r *reporter) {
	for _, p := range t.pairs() {
		limit := float64(p.flow.BytesPerSecond)
		for _, side := range []struct {
			alias, quota string
			facts        *survey.Facts
		}{{p.flow.From, "consumer_byte_rate", p.source}, {p.flow.To, "producer_byte_rate", p.target}} {
			rate, set := side.facts.Quotas[side.quota]
			if set && limit > rate*float64(side.facts.Brokers) {
				r.add(orRange(p.flow.Ranges.Of("bytes_per_second"), p.flow), "raise the quota, or lower bytes_per_second",
					"flow %q: bytes_per_second is %d, but %s of our user is %.0f on each of the %d brokers of cluster %q",
					p.flow.Name, p.flow.BytesPerSecond, side.quota, rate, side.facts.Brokers, side.alias)
			}
		}
	}
}

// checkCodec finds topics in a codec that the target does not know: brokers that
// speak like those before 2.1 among each other refuse zstd (LogValidator).
func checkCodec(t *topology, r *reporter) {
	for _, p := range t.pairs() {
		version := p.target.Settings["inter.broker.protocol.version"]
		if !beforeZstd(version) {
			continue
		}
		if asked := p.flow.CompressionType; p.flow.Transcodes() {
			if asked == "zstd" {
				r.add(orRange(p.flow.Ranges.Of("compression_type"), p.flow), "raise inter.broker.protocol.version of the target, or use another codec",
					"flow %q: cluster %q works as version %s, which refuses zstd", p.flow.Name, p.flow.To, version)
			}
			continue
		}
		var names []string
		for _, name := range p.topics {
			if p.source.Topics[name].Settings["compression.type"] == "zstd" {
				names = append(names, name)
			}
		}
		if len(names) > 0 {
			r.add(p.at(), "raise inter.broker.protocol.version of the target, or have the topics compressed anew: compression_type = \"lz4\"",
				"flow %q: cluster %q works as version %s, which refuses zstd: %s", p.flow.Name, p.flow.To, version, some(names))
		}
	}
}

// beforeZstd reports whether a version such as "2.0-IV1" is older than 2.1.
func beforeZstd(version string) bool {
	number, _, _ := strings.Cut(version, "-")
	parts := strings.Split(number, ".")
	if len(parts) < 2 {
		return false
	}
	major, err := strconv.Atoi(parts[0])
	minor, err2 := strconv.Atoi(parts[1])
	return err == nil && err2 == nil && (major < 2 || major == 2 && minor < 1)
}
