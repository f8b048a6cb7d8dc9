package cluster

import (
	"crypto/x509"
	"fmt"
	"strings"

	"github.com/strait-mirror/strait/config/keystore"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/config/secret"
	"github.com/strait-mirror/strait/flows/grant"
	"github.com/strait-mirror/strait/flows/internal/admin"
	"github.com/strait-mirror/strait/flows/internal/login"
)

// GrantCommand returns the command line with which an administrator grants our
// user an operation, as in ACLs ("DESCRIBE_CONFIGS"), on a topic, or on the
// cluster where topic is empty. It is for people to read and change: the
// principal is what brokers make of a user unless they are told otherwise.
func (c *Cluster) GrantCommand(operation, topic string) string {
	if topic == "" {
		return c.grant(operation, grant.Itself())
	}
	return c.grant(operation, grant.Topic(topic))
}

// grantMissing is GrantCommand for what a broker refused.
func (c *Cluster) grantMissing(e *admin.MissingPermissionError) string {
	if group := e.Group(); group != "" {
		return c.grant(e.Operation, grant.Group(group))
	}
	if ids := e.Transactions(); ids != "" {
		return c.grant(e.Operation, grant.Transactions(ids))
	}
	return c.GrantCommand(e.Operation, e.Topic())
}

func (c *Cluster) grant(operation string, on grant.On) string {
	return grant.Command(c.p.Config.BootstrapServers[0], c.principal(), []grant.Operation{grant.Operation(operation)}, on)
}

// AlterCommand returns the command line with which an administrator changes
// settings of a topic.
func (c *Cluster) AlterCommand(topic, settings string) string {
	return fmt.Sprintf("kafka-configs.sh --bootstrap-server %s --alter --entity-type topics --entity-name %s --add-config %s",
		c.p.Config.BootstrapServers[0], topic, settings)
}

// QuotaCommand returns the command line with which an administrator sets a quota of
// the Data client for a purpose, in bytes per second and broker.
func (c *Cluster) QuotaCommand(purpose, quota string) string {
	return fmt.Sprintf("kafka-configs.sh --bootstrap-server %s --alter --entity-type clients --entity-name '%s-%s' --add-config %s=BYTES",
		c.p.Config.BootstrapServers[0], c.p.ClientID, purpose, quota)
}

// AbortCommand returns the command line with which an administrator aborts a
// transaction that hangs in a partition, by the offset of its first record.
func (c *Cluster) AbortCommand(at TopicPartition, start int64) string {
	return fmt.Sprintf("kafka-transactions.sh --bootstrap-server %s abort --topic %s --partition %d --start-offset %d",
		c.p.Config.BootstrapServers[0], at.Topic, at.Partition, start)
}

// principal returns who the brokers take us for, by Kafka's default rules.
func (c *Cluster) principal() string { return Principal(c.p.Config) }

// Principal returns who brokers take a user of these settings for, by Kafka's
// default rules: they may have principal mapping rules of their own.
func Principal(m *model.Cluster) string {
	if m.SASL != nil {
		return "User:" + login.Principal(m.SASL)
	}
	if cert := certificateOf(m); cert != nil {
		return "User:" + cert.Subject.String()
	}
	return "User:ANONYMOUS"
}

// certificate returns our client certificate, or nil.
func (c *Cluster) certificate() *x509.Certificate { return certificateOf(c.p.Config) }

// certificateOf reads the file of the certificate, which may have changed.
func certificateOf(m *model.Cluster) *x509.Certificate {
	if m.TLS == nil {
		return nil
	}
	stores, _ := keystore.Open(m.TLS, secret.ReadFile) // problems are told when a connection is made
	if stores.Identity == nil {
		return nil
	}
	return stores.Identity.Leaf
}

// user names us in a sentence.
func (c *Cluster) user() string {
	_, name, _ := strings.Cut(c.principal(), ":")
	return fmt.Sprintf("our user %q", name)
}
