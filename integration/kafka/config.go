package kafka

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// The listeners of a node. Tests connect to CLIENT, which is secured as the
// options say; the harness and the brokers among themselves use the others.
const (
	listenClient     = "CLIENT"
	listenAdmin      = "ADMIN"
	listenVia        = "VIA" // the way through a proxy; see Options.Advertise
	listenController = "CONTROLLER"
)

// controllerID is the node id of a controller process of its own.
const controllerID = 100

// nodeConfig returns the properties of one node. Kafka's defaults are kept but
// for sizes, which must suit the number of brokers and their memory.
func (c *Cluster) nodeConfig(n *node) map[string]string {
	p := map[string]string{
		"node.id":                        strconv.Itoa(n.id),
		"controller.quorum.voters":       fmt.Sprintf("%d@%s", c.quorum.id, address(c.quorum.controllerPort)),
		"controller.listener.names":      listenController,
		"listener.security.protocol.map": fmt.Sprintf("CLIENT:%s,ADMIN:PLAINTEXT,VIA:PLAINTEXT,CONTROLLER:PLAINTEXT", c.opts.protocol()),
		"log.dirs":                       filepath.Join(n.dir, "data"),
	}
	if c.opts.Authorizer {
		// The harness and the brokers come in unauthenticated over ADMIN;
		// withDefaults saw to it that no test client does over CLIENT.
		p["authorizer.class.name"] = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
		p["super.users"] = strings.Join(append([]string{"User:ANONYMOUS"}, c.opts.SuperUsers...), ";")
	}
	var roles, listeners []string
	if n.clientPort != 0 {
		roles = append(roles, "broker")
		listeners = append(listeners, listenClient+"://"+address(n.clientPort), listenAdmin+"://"+address(n.adminPort))
		if n.viaPort != 0 {
			advertised := append(slices.Clone(listeners), listenVia+"://"+c.opts.Advertise[n.id-1])
			p["advertised.listeners"] = strings.Join(advertised, ",")
			listeners = append(listeners, listenVia+"://"+address(n.viaPort))
		}
		p["inter.broker.listener.name"] = listenAdmin
		if len(c.opts.Racks) > 0 {
			p["broker.rack"] = c.opts.Racks[n.id-1]
			p["replica.selector.class"] = "org.apache.kafka.common.replica.RackAwareReplicaSelector"
		}
		if n.advertisedPort != n.clientPort {
			p["advertised.listeners"] = listenClient + "://" + address(n.advertisedPort) + "," + listenAdmin + "://" + address(n.adminPort)
		}
		factor := strconv.Itoa(min(3, c.opts.Brokers))
		p["offsets.topic.replication.factor"] = factor
		p["offsets.topic.num.partitions"] = "5"
		p["transaction.state.log.replication.factor"] = factor
		p["transaction.state.log.min.isr"] = strconv.Itoa(min(2, c.opts.Brokers))
		p["transaction.state.log.num.partitions"] = "5"
		p["share.coordinator.state.topic.replication.factor"] = factor
		p["share.coordinator.state.topic.min.isr"] = strconv.Itoa(min(2, c.opts.Brokers))
		// Brokers set 128 MiB of heap aside for compaction, which is more than
		// tests compact and nearly all that they give a broker.
		p["log.cleaner.dedupe.buffer.size"] = "8388608"
		maps.Copy(p, c.securityConfig())
	}
	if n.controllerPort != 0 {
		roles = append(roles, "controller")
		listeners = append(listeners, listenController+"://"+address(n.controllerPort))
	}
	p["process.roles"] = strings.Join(roles, ",")
	p["listeners"] = strings.Join(listeners, ",")
	maps.Copy(p, c.opts.Config)
	return p
}

// securityConfig returns the properties of the CLIENT listener.
func (c *Cluster) securityConfig() map[string]string {
	p := map[string]string{}
	const prefix = "listener.name.client."
	if c.opts.TLS {
		p[prefix+"ssl.keystore.type"] = "PEM"
		p[prefix+"ssl.keystore.certificate.chain"] = string(c.certs.server.cert)
		p[prefix+"ssl.keystore.key"] = string(c.certs.server.key)
		p[prefix+"ssl.truststore.type"] = "PEM"
		p[prefix+"ssl.truststore.certificates"] = string(c.certs.ca)
		p[prefix+"ssl.client.auth"] = "none"
	}
	if c.opts.MTLS {
		p[prefix+"ssl.client.auth"] = "required"
	}
	if c.opts.SASL == "" {
		return p
	}
	p["sasl.enabled.mechanisms"] = c.opts.SASL
	module := "org.apache.kafka.common.security.scram.ScramLoginModule required"
	if c.opts.SASL == Plain {
		module = "org.apache.kafka.common.security.plain.PlainLoginModule required"
		for _, name := range slices.Sorted(maps.Keys(c.opts.Users)) {
			module += fmt.Sprintf(" user_%s=%s", name, jaasQuote(c.opts.Users[name]))
		}
	}
	p[prefix+strings.ToLower(c.opts.SASL)+".sasl.jaas.config"] = module + ";"
	return p
}

// jaasQuote writes a value as a JAAS configuration wants it.
func jaasQuote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// Properties writes a Java properties file, sorted by key.
func Properties(p map[string]string) string {
	var b strings.Builder
	key := strings.NewReplacer(`\`, `\\`, " ", `\ `, ":", `\:`, "=", `\=`, "#", `\#`, "!", `\!`)
	for _, k := range slices.Sorted(maps.Keys(p)) {
		b.WriteString(key.Replace(k))
		b.WriteByte('=')
		for i, r := range p[k] {
			switch {
			case r == '\\':
				b.WriteString(`\\`)
			case r == '\n':
				b.WriteString(`\n`)
			case r == '\r':
				b.WriteString(`\r`)
			case r == '\t':
				b.WriteString(`\t`)
			case r == ' ' && i == 0:
				b.WriteString(`\ `)
			case r > 0xffff:
				r -= 0x10000
				fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
			case r > '~' || r < ' ':
				fmt.Fprintf(&b, `\u%04x`, r)
			default:
				b.WriteRune(r)
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// logConfigs are the logging set-ups of both Kafka lines by file name: one
// line per event on standard output.
func logConfigs() map[string]string {
	return map[string]string{
		"log4j2.properties": `rootLogger.level=INFO
rootLogger.appenderRef.console.ref=console
appender.console.type=Console
appender.console.name=console
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=[%d] %p %m (%c)%n
`,
		"log4j.properties": `log4j.rootLogger=INFO, console
log4j.appender.console=org.apache.log4j.ConsoleAppender
log4j.appender.console.layout=org.apache.log4j.PatternLayout
log4j.appender.console.layout.ConversionPattern=[%d] %p %m (%c)%n
`,
	}
}
