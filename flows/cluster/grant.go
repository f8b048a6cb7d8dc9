package cluster

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"

	"github.com/strait-mirror/strait/flows/internal/admin"
)

// GrantCommand returns the command line with which an administrator grants our
// user an operation, as in ACLs ("DESCRIBE_CONFIGS"), on a topic, or on the
// cluster where topic is empty. It is for people to read and change: the
// principal is what brokers make of a user unless they are told otherwise.
func (c *Cluster) GrantCommand(operation, topic string) string {
	resource := "--cluster"
	if topic != "" {
		resource = "--topic " + topic
	}
	return c.grant(operation, resource)
}

// grantMissing is GrantCommand for what a broker refused.
func (c *Cluster) grantMissing(e *admin.MissingPermissionError) string {
	if group := e.Group(); group != "" {
		return c.grant(e.Operation, "--group "+group)
	}
	return c.GrantCommand(e.Operation, e.Topic())
}

func (c *Cluster) grant(operation, resource string) string {
	return fmt.Sprintf("kafka-acls.sh --bootstrap-server %s --add --allow-principal '%s' --operation %s %s",
		c.p.Config.BootstrapServers[0], c.principal(), camelCase(operation), resource)
}

// AlterCommand returns the command line with which an administrator changes
// settings of a topic.
func (c *Cluster) AlterCommand(topic, settings string) string {
	return fmt.Sprintf("kafka-configs.sh --bootstrap-server %s --alter --entity-type topics --entity-name %s --add-config %s",
		c.p.Config.BootstrapServers[0], topic, settings)
}

// principal returns who the brokers take us for, by Kafka's default rules.
func (c *Cluster) principal() string {
	if c.p.Config.SASL != nil {
		return "User:" + c.p.Config.SASL.Username
	}
	if cert := c.certificate(); cert != nil {
		return "User:" + cert.Subject.String()
	}
	return "User:ANONYMOUS"
}

// certificate returns our client certificate, or nil.
func (c *Cluster) certificate() *x509.Certificate {
	if c.p.Config.TLS == nil {
		return nil
	}
	block, _ := pem.Decode([]byte(c.p.Config.TLS.Certificate.Reveal()))
	if block == nil {
		return nil
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil
	}
	return cert
}

// user names us in a sentence.
func (c *Cluster) user() string {
	_, name, _ := strings.Cut(c.principal(), ":")
	return fmt.Sprintf("our user %q", name)
}

// camelCase writes an operation as kafka-acls.sh shows it: DescribeConfigs.
func camelCase(operation string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(strings.ToLower(operation), "_") {
		if word != "" {
			b.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return b.String()
}
