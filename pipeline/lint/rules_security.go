package lint

import (
	"strings"

	"github.com/strait-mirror/strait/config/diag"
)

// securityRules are about secrets, logins and encryption.
func securityRules() []Rule {
	const plain = "org.apache.kafka.common.security.plain.PlainLoginModule"
	const provided = "config.providers = env\nconfig.providers.env.class = org.apache.kafka.common.config.provider.EnvVarConfigProvider\n"
	const login = "dc1.security.protocol = SASL_SSL\ndc1.sasl.mechanism = PLAIN\n"
	const goodLogin = provided + login + "dc1.sasl.jaas.config = " + plain + " required username=\"strait\" password=\"${env:DC1_PASSWORD}\";"
	return []Rule{
		{
			ID: diag.CodeOldTLS, Severity: diag.Warning, Title: "TLS older than 1.2",
			Why:   "TLS 1.0 and 1.1 are broken, and current brokers do not speak them.",
			Fix:   "Remove min_version, or write TLSv1.2.",
			Bad:   Example{HCL: "cluster \"dc1\" {\n  bootstrap_servers = [\"dc1:9093\"]\n  tls {\n    min_version = \"TLSv1\"\n  }\n}", Properties: "dc1.security.protocol = SSL\ndc1.ssl.enabled.protocols = TLSv1.1, TLSv1.2"},
			Good:  Example{HCL: "cluster \"dc1\" {\n  bootstrap_servers = [\"dc1:9093\"]\n  tls {\n    min_version = \"TLSv1.3\"\n  }\n}", Properties: "dc1.security.protocol = SSL\ndc1.ssl.enabled.protocols = TLSv1.2, TLSv1.3"},
			check: checkTLSVersion,
		},
		{
			ID: diag.CodeLiteralSecret, Severity: diag.Error, Title: "a secret in the file itself",
			Why: "The file is shown, copied and kept in version control; its passwords are known to everybody who ever saw it.",
			Fix: "Write env(\"NAME\") or file(\"/path\"), in a properties file ${env:NAME} or ${file:/path:key}; then change the secret.",
			Bad: Example{
				HCL:        "cluster \"dc1\" {\n  bootstrap_servers = [\"dc1:9093\"]\n  tls {}\n  sasl \"plain\" {\n    username = \"strait\"\n    password = \"swordfish\"\n  }\n}",
				Properties: login + "dc1.sasl.jaas.config = " + plain + " required username=\"strait\" password=\"swordfish\";",
			},
			Good: Example{
				HCL:        "cluster \"dc1\" {\n  bootstrap_servers = [\"dc1:9093\"]\n  tls {}\n  sasl \"plain\" {\n    username      = \"strait\"\n    password_file = \"/etc/strait/password\"\n  }\n}",
				Properties: goodLogin,
			},
			check: checkLiteralSecrets,
		},
		{
			ID: diag.CodeOpenServer, Severity: diag.Error, Title: "a server that anybody can reach",
			Why:  "The API tells names of topics and groups, and has the topology read again: beyond this machine that is for those who show who they are, over TLS.",
			Fix:  "Listen on 127.0.0.1, or set cert_file, key_file, and token or client_ca_file.",
			Bad:  Example{HCL: "server {\n  listen = \"0.0.0.0:8844\"\n}"},
			Good: Example{HCL: "server {\n  listen    = \"0.0.0.0:8844\"\n  cert_file = \"/etc/strait/server.pem\"\n  key_file  = \"/etc/strait/server.key\"\n  token     = env(\"DC1_PASSWORD\")\n}"},
		},
		{
			ID: diag.CodePlainLogin, Severity: diag.Warning, Title: "a login without TLS",
			Why: "Whoever sees the network can read the records, and a PLAIN password, too.",
			Fix: "Add a tls block and use the TLS listener; in a properties file SASL_SSL.",
			Bad: Example{
				HCL:        "cluster \"dc1\" {\n  bootstrap_servers = [\"dc1:9093\"]\n  sasl \"plain\" {\n    username = \"strait\"\n    password = env(\"DC1_PASSWORD\")\n  }\n}",
				Properties: strings.Replace(goodLogin, "SASL_SSL", "SASL_PLAINTEXT", 1),
			},
			Good: Example{
				HCL:        "cluster \"dc1\" {\n  bootstrap_servers = [\"dc1:9093\"]\n  tls {}\n  sasl \"plain\" {\n    username = \"strait\"\n    password = env(\"DC1_PASSWORD\")\n  }\n}",
				Properties: goodLogin,
			},
			check: checkPlainLogin,
		},
		{
			ID: diag.CodeHostnameCheckOff, Severity: diag.Warning, Title: "TLS without host name verification",
			Why:  "Whoever has any certificate of a trusted authority can take the place of a broker and read the records and the login.",
			Fix:  "Remove the setting; where the broker's certificate has another name, set server_name.",
			Bad:  Example{HCL: "cluster \"dc1\" {\n  bootstrap_servers = [\"dc1:9093\"]\n  tls {\n    skip_hostname_check = true\n  }\n}", Properties: "dc1.security.protocol = SSL\ndc1.ssl.endpoint.identification.algorithm ="},
			Good: Example{HCL: "cluster \"dc1\" {\n  bootstrap_servers = [\"dc1:9093\"]\n  tls {}\n}", Properties: "dc1.security.protocol = SSL"},
		},
		{
			ID: diag.CodeKeystore, Severity: diag.Error, Title: "a certificate or key that cannot be used",
			Why:  "The file holds no certificate or key, or in a form that cannot be read.",
			Fix:  "Convert it as the fix says.",
			Bad:  Example{HCL: "cluster \"dc1\" {\n  bootstrap_servers = [\"dc1:9093\"]\n  tls {\n    ca = \"/etc/strait/ca.pem\"\n  }\n}"},
			Good: Example{HCL: "cluster \"dc1\" {\n  bootstrap_servers = [\"dc1:9093\"]\n  tls {\n    ca_file = \"/etc/strait/ca.pem\"\n  }\n}"},
		},
		{
			ID: diag.CodeCertificateEnds, Severity: diag.Warning, Title: "a certificate that ends within 30 days",
			Why:   "From then on no connection can be made.",
			Fix:   "Renew it, or add the authority's next certificate to what is trusted.",
			Bad:   Example{HCL: "cluster \"dc1\" {\n  bootstrap_servers = [\"dc1:9093\"]\n  tls {\n    ca_file = \"/etc/strait/old-ca.pem\"\n  }\n}", Properties: "dc1.security.protocol = SSL\ndc1.ssl.truststore.type = PEM\ndc1.ssl.truststore.location = /etc/strait/old-ca.pem"},
			Good:  Example{HCL: "cluster \"dc1\" {\n  bootstrap_servers = [\"dc1:9093\"]\n  tls {\n    ca_file = \"/etc/strait/ca.pem\"\n  }\n}", Properties: "dc1.security.protocol = SSL\ndc1.ssl.truststore.type = PEM\ndc1.ssl.truststore.location = /etc/strait/ca.pem"},
			check: checkCertificates,
		},
		{
			ID: diag.CodeJAAS, Severity: diag.Error, Title: "sasl.jaas.config cannot be parsed",
			Why:  "Java refuses it, too: a login module, a control flag, options in double quotes and a semicolon at the end.",
			Fix:  "Write it as: LoginModule required username=\"...\" password=\"...\";",
			Bad:  Example{Properties: provided + login + "dc1.sasl.jaas.config = " + plain + " required username=\"strait\" password=\"${env:DC1_PASSWORD}\""},
			Good: Example{Properties: goodLogin},
		},
		{
			ID: diag.CodeMechanism, Severity: diag.Error, Title: "a SASL mechanism that is unknown or not the login module's",
			Why:  "The login would fail: mechanism and login module belong together.",
			Fix:  "Use a mechanism and the login module that serves it.",
			Bad:  Example{HCL: "cluster \"dc1\" {\n  bootstrap_servers = [\"dc1:9093\"]\n  tls {}\n  sasl \"scram-sha-1\" {\n    username = \"strait\"\n    password = env(\"DC1_PASSWORD\")\n  }\n}"},
			Good: Example{HCL: "cluster \"dc1\" {\n  bootstrap_servers = [\"dc1:9093\"]\n  tls {}\n  sasl \"scram-sha-512\" {\n    username = \"strait\"\n    password = env(\"DC1_PASSWORD\")\n  }\n}"},
		},
		{
			ID: diag.CodeOpenFile, Severity: diag.Warning, Title: "a file with a secret that every user may read",
			Why:   "Every program on the machine can log in as the mirror.",
			Fix:   "chmod o-rwx FILE.",
			Bad:   Example{HCL: "cluster \"dc1\" {\n  bootstrap_servers = [\"dc1:9093\"]\n  tls {}\n  sasl \"plain\" {\n    username = \"strait\"\n    password = trimspace(file(\"/etc/strait/open\"))\n  }\n}"},
			Good:  Example{HCL: "cluster \"dc1\" {\n  bootstrap_servers = [\"dc1:9093\"]\n  tls {}\n  sasl \"plain\" {\n    username = \"strait\"\n    password = trimspace(file(\"/etc/strait/password\"))\n  }\n}"},
			check: checkOpenFiles,
		},
		{
			ID: diag.CodeProvider, Severity: diag.Warning, Title: "a config provider that is not declared",
			Why:  "MirrorMaker 2 leaves ${x:...} as text when config.providers does not name x: the password is then the text itself.",
			Fix:  "Name it in config.providers and set config.providers.NAME.class.",
			Bad:  Example{Properties: provided + "dc1.client.id = ${vault:client:id}"},
			Good: Example{Properties: provided + "dc1.client.id = ${env:DC1_PASSWORD}"},
		},
	}
}
