package model

import (
	"slices"
	"time"

	"github.com/strait-mirror/strait/config/field"
)

// NewCluster returns a cluster with every default of the form.
func NewCluster(form field.Form) *Cluster {
	c := &Cluster{}
	for _, d := range ClusterFields(c) {
		d.ApplyDefault(form)
	}
	return c
}

// ClusterFields declares the attributes of a cluster outside its blocks.
func ClusterFields(c *Cluster) []field.Def {
	return append([]field.Def{
		field.List(&c.BootstrapServers, "bootstrap_servers",
			"Brokers to ask for the rest of the cluster, as host:port.").
			Legacy("bootstrap.servers", field.ScopeCluster).Changes(field.Destructive),
		field.String(&c.ClientID, "client_id", "Prefix of every client id.").
			Legacy("client.id", field.ScopeAlias).Default("").Changes(field.RestartStage),
		field.String(&c.ExpectClusterID, "expect_cluster_id",
			"The cluster's own id, as kafka-cluster.sh cluster-id prints it. A cluster with another one is neither read nor written.").
			Default("").Changes(field.RestartFlow),
		field.String(&c.Rack, "client_rack", "Rack of this process; records are fetched from the nearest replica.").
			Legacy("client.rack", field.ScopeConsumer).Default("").Changes(field.RestartStage),
	}, ConnectionFields(&c.Connection)...)
}

// ConnectionFields declares how brokers are reached. The keys are those of all
// of Kafka's clients, so that each client of a cluster could say otherwise.
func ConnectionFields(c *Connection) []field.Def {
	const ms, hour = time.Millisecond, time.Hour
	list := []field.Def{
		field.Duration(&c.MaxIdle, "connections_max_idle", -ms, field.MaxDuration,
			"A connection without traffic is closed after it; negative keeps it.").
			Legacy("connections.max.idle.ms", field.ScopeClient).Default("9m"),
		field.Duration(&c.SetupTimeout, "socket_connection_setup_timeout", ms, hour,
			"How long making a connection may take, TLS included.").
			Legacy("socket.connection.setup.timeout.ms", field.ScopeClient).Default("10s"),
		field.Duration(&c.SetupTimeoutMax, "socket_connection_setup_timeout_max", ms, hour,
			"What socket_connection_setup_timeout grows to while a broker does not answer.").
			Legacy("socket.connection.setup.timeout.max.ms", field.ScopeClient).Default("30s"),
		field.Size(&c.SendBuffer, "send_buffer_bytes", -1, field.MaxInt32,
			"Bytes the system buffers for a connection on the way out; -1 lets it choose.").
			Legacy("send.buffer.bytes", field.ScopeClient).Default("-1"),
		field.Size(&c.ReceiveBuffer, "receive_buffer_bytes", -1, field.MaxInt32,
			"Bytes the system buffers for a connection on the way in; -1 lets it choose.").
			Legacy("receive.buffer.bytes", field.ScopeClient).Default("-1"),
		field.Enum(&c.DNSLookup, "client_dns_lookup", []string{"use_all_dns_ips", "resolve_canonical_bootstrap_servers_only"},
			"Whether every address of a name is tried, or bootstrap servers are replaced by the canonical names of their addresses.").
			Legacy("client.dns.lookup", field.ScopeClient).Default("use_all_dns_ips"),
		field.Duration(&c.MetadataMaxAge, "metadata_max_age", 0, field.MaxDuration,
			"Topics and leaders are asked for at least as often.").
			Legacy("metadata.max.age.ms", field.ScopeClient).Default("5m"),
		field.Enum(&c.MetadataRecover, "metadata_recovery_strategy", []string{"rebootstrap", "none"},
			"Whether the bootstrap servers are asked again when no known broker answers.").
			Legacy("metadata.recovery.strategy", field.ScopeClient).Default("rebootstrap"),
		field.Duration(&c.RetryBackoff, "retry_backoff", 0, hour, "Pause before a request is tried again; doubles each time.").
			Legacy("retry.backoff.ms", field.ScopeClient).Default("100ms"),
		field.Duration(&c.RetryBackoffMax, "retry_backoff_max", 0, hour, "What retry_backoff grows to.").
			Legacy("retry.backoff.max.ms", field.ScopeClient).Default("1s"),
		field.Duration(&c.ReconnectBackoff, "reconnect_backoff", 0, hour, "Pause before a broker is connected to again; doubles each time.").
			Legacy("reconnect.backoff.ms", field.ScopeClient).Default("50ms"),
		field.Duration(&c.ReconnectBackoffMax, "reconnect_backoff_max", 0, hour, "What reconnect_backoff grows to.").
			Legacy("reconnect.backoff.max.ms", field.ScopeClient).Default("1s"),
		field.Duration(&c.RequestTimeout, "request_timeout", 100*ms, 15*time.Minute,
			"How long one control request may take; produce requests have a setting of their own.").
			Legacy("request.timeout.ms", field.ScopeClient).Default("10s"),
		field.Duration(&c.APITimeout, "default_api_timeout", 100*ms, hour,
			"How long a control request may take with its retries.").
			Legacy("default.api.timeout.ms", field.ScopeClient).Default("5s"),
	}
	for i := range list {
		list[i] = list[i].Changes(field.RestartStage)
	}
	return list
}

// TLSFields declares the attributes of a tls block. The Java keys behind them
// depend on each other: package client reads those.
func TLSFields(t *TLS) []field.Def {
	return slices.Concat(trustFields(t), []field.Def{
		secret(&t.Certificate, "cert", "Client certificate chain as PEM.").File(&t.CertificateFile),
		secret(&t.Key, "key", "Private key of the client certificate as PEM.").File(&t.KeyFile),
		field.String(&t.Keystore, "keystore", "File with client certificate and private key: JKS, PKCS12 or PEM, whatever its name.").
			AsPath().Changes(field.RestartStage),
		secret(&t.KeystorePassword, "keystore_password", "Password of the key store.").File(&t.KeystorePasswordFile),
		secret(&t.KeyPassword, "key_password", "Password of the private key, where it has one of its own.").File(&t.KeyPasswordFile),
		field.String(&t.ServerName, "server_name", "Host name to verify instead of the broker's.").
			Changes(field.RestartStage),
		field.Bool(&t.SkipHostnameCheck, "skip_hostname_check",
			"Verify the chain but not the host name.").Default("false").Changes(field.RestartStage),
		field.Enum(&t.MinVersion, "min_version", TLSVersions(), "Oldest version of TLS; TLSv1.2 if not set.").
			Changes(field.RestartStage),
		field.Enum(&t.MaxVersion, "max_version", TLSVersions(), "Newest version of TLS; TLSv1.3 if not set.").
			Changes(field.RestartStage),
		field.List(&t.CipherSuites, "cipher_suites",
			"Cipher suites of TLS 1.2 by their IANA names; those of TLS 1.3 cannot be chosen.").Changes(field.RestartStage),
	})
}

// TLSVersions returns the versions of TLS by Java's names, oldest first.
func TLSVersions() []string { return []string{"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"} }

// trustFields say whom to trust: brokers, or a token endpoint.
func trustFields(t *TLS) []field.Def {
	return []field.Def{
		secret(&t.CA, "ca", "Trusted certificates as PEM; empty trusts the system's.").File(&t.CAFile),
		field.String(&t.Truststore, "truststore", "File with trusted certificates: JKS, PKCS12 or PEM, whatever its name.").
			AsPath().Changes(field.RestartStage),
		secret(&t.TruststorePassword, "truststore_password", "Password of the trust store.").File(&t.TruststorePasswordFile),
	}
}

func secret(s *Secret, name, doc string) field.Def {
	return field.Secret(func(text string) { *s = NewSecret(text) }, s.Reveal, name, doc).
		Changes(field.RestartStage)
}
