package client

import (
	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
)

// tlsRows are the keys that start with "ssl.". All of them are common.
func tlsRows(t targets) []Row {
	const sniffed = "The format is recognised by the content of the file; JCEKS is refused."
	const jvm = "has no effect: it chooses among implementations of a JVM"
	attributes := map[string]field.Def{}
	for _, d := range model.TLSFields(t.tls) {
		attributes[d.Name] = d
	}
	to := func(key, attribute string) Row {
		r := bound(attributes[attribute], Any)
		r.Key, r.place = key, "tls."+attribute
		return r
	}
	rows := []Row{
		to("ssl.truststore.location", "truststore"),
		to("ssl.truststore.password", "truststore_password"),
		to("ssl.truststore.certificates", "ca"),
		text("ssl.truststore.type", Any, Equal, sniffed),
		to("ssl.keystore.location", "keystore"),
		to("ssl.keystore.password", "keystore_password"),
		to("ssl.keystore.certificate.chain", "cert"),
		to("ssl.keystore.key", "key"),
		to("ssl.key.password", "key_password"),
		text("ssl.keystore.type", Any, Equal, sniffed),
		text("ssl.endpoint.identification.algorithm", Any, Equal,
			"Empty switches off the check of host names; the chain of certificates is verified all the same. Anything else is https."),
		text("ssl.protocol", Any, Equal, "The newest version of TLS, unless ssl.enabled.protocols says otherwise."),
		list("ssl.enabled.protocols", Any, Equal, "The oldest and newest version of TLS; what lies between them is on, too."),
		to("ssl.cipher.suites", "cipher_suites").as(Approximated, "is approximated: it chooses cipher suites of TLS 1.2; those of TLS 1.3 are always on"),
		text("ssl.provider", Any, Warned, jvm).unless(""),
		text("ssl.keymanager.algorithm", Any, Warned, jvm).unless("sunx509", "pkix", ""),
		text("ssl.trustmanager.algorithm", Any, Warned, jvm).unless("pkix", ""),
		text("ssl.secure.random.implementation", Any, Warned, jvm).unless(""),
		class("ssl.engine.factory.class", Any, "Only Kafka's own class has an equal.", "remove it and set ssl.keystore.* and ssl.truststore.*",
			"org.apache.kafka.common.security.ssl.DefaultSslEngineFactory"),
	}
	places := map[string]string{
		"ssl.endpoint.identification.algorithm": "tls.skip_hostname_check",
		"ssl.protocol":                          "tls.max_version", "ssl.enabled.protocols": "tls.min_version",
	}
	for i := range rows {
		rows[i].Common = true
		if place := places[rows[i].Key]; place != "" {
			rows[i].place = place
		}
	}
	return rows
}
