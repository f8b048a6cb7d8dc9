package client_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/strait-mirror/strait/config/client"
	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/keystore/storetest"
	"github.com/strait-mirror/strait/config/model"
)

// TestBadValues says what is wrong with a setting, at its place, in words that
// show no secret.
func TestBadValues(t *testing.T) {
	files := files(t)
	const jaas = "security.protocol=SASL_SSL|sasl.mechanism=PLAIN|sasl.jaas.config="
	tests := map[string]struct{ lines, want string }{
		"unknown key":       {"conections.max.idle.ms=1", `warning: no property "A.conections.max.idle.ms"; it has no effect (ST002)`},
		"wrong client":      {"linger.ms=1", "warning: A.linger.ms: is a setting of a producer, not of a consumer (ST306)"},
		"not a number":      {"metadata.max.age.ms=x", `error: A.metadata.max.age.ms: "x" must be a whole number of milliseconds (ST015)`},
		"not a bool":        {"check.crcs=x", `error: A.check.crcs: "x" must be true or false (ST015)`},
		"out of range":      {"fetch.max.bytes=0", "warning: A.fetch.max.bytes: 0 is out of range: must be between 1 and 2147483647; the default 8MiB is used (ST309)"},
		"reset none":        {"auto.offset.reset=none", "warning: A.auto.offset.reset cannot be none: a partition without a position would never be copied; earliest is used, so that nothing is missing (ST306)"},
		"reset by duration": {"auto.offset.reset=by_duration:P7D", "warning: A.auto.offset.reset cannot begin a duration ago; earliest is used, so that nothing is missing (ST306)"},
		"reset unknown":     {"auto.offset.reset=x", `error: A.auto.offset.reset: "x" must be "earliest" or "latest" (ST015)`},
		"protocol":          {"security.protocol=TLS", "error: A.security.protocol: must be PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL (ST015)"},
		"server":            {"bootstrap.servers=a", "error: A.bootstrap.servers: every element must be host:port (ST015)"},
		"of a protocol off": {"ssl.truststore.location=nope|sasl.mechanism=X", ""},
		"missing trust":     {ssl + "|ssl.truststore.location=nope", "error: A.ssl.truststore.location: nope cannot be read: file does not exist (ST013)"},
		"trust password":    {ssl + "|ssl.truststore.location=trust.p12|ssl.truststore.password=hunter2", "error: A.ssl.truststore.location: trust.p12 cannot be opened: the password is wrong or missing (ST204)"},
		"JCEKS":             {ssl + "|ssl.keystore.location=old.jceks", "error: A.ssl.keystore.location: old.jceks is a JCEKS key store, which is not supported (ST204)"},
		"mismatched pair":   {ssl + "|ssl.keystore.location=mixed.pem", "error: A.ssl.keystore.location: mixed.pem the private key belongs to none of the certificates (ST204)"},
		"encrypted key":     {ssl + "|ssl.keystore.location=secret.pem", "error: A.ssl.keystore.location: secret.pem holds an encrypted private key, and no password for it is set (ST204)"},
		"key password":      {ssl + "|ssl.keystore.location=secret.pem|ssl.key.password=hunter2", "error: A.ssl.keystore.location: secret.pem holds a private key that the password does not decrypt (ST204)"},
		"half a pair":       {ssl + "|ssl.keystore.key=" + string(files["key"]), "error: A.ssl.keystore.key: needs the other half: a client certificate and its private key go together (ST204)"},
		"host names":        {ssl + "|ssl.endpoint.identification.algorithm=", "warning: A.ssl.endpoint.identification.algorithm: the host names of the brokers are not verified (ST203)"},
		"cipher suite":      {ssl + "|ssl.cipher.suites=TLS_NONE", "error: A.ssl.cipher.suites: none of the cipher suites exists here (ST015)"},
		"version":           {ssl + "|ssl.enabled.protocols=TLSv2", "error: A.ssl.enabled.protocols: must name versions of TLS: TLSv1, TLSv1.1, TLSv1.2, TLSv1.3 (ST015)"},
		"no login":          {"security.protocol=SASL_SSL", `error: cluster "A" logs in by SASL but has no sasl.jaas.config (mechanism GSSAPI, Java's default when sasl.mechanism is not set) (ST206)`},
		"mechanism":         {"security.protocol=SASL_SSL|sasl.mechanism=DIGEST-MD5", `error: cluster "A": SASL mechanism DIGEST-MD5 is not supported (ST207)`},
		"JAAS semicolon":    {jaas + `org.apache.kafka.common.security.plain.PlainLoginModule required username="u" password="hunter2"`, "error: A.sasl.jaas.config: does not end with a semicolon (ST206)"},
		"module of another": {jaas + `org.apache.kafka.common.security.scram.ScramLoginModule required username="u" password="hunter2";`, "error: A.sasl.jaas.config: the login module is not the one of sasl.mechanism PLAIN (ST207)"},
		"unknown module":    {jaas + `com.example.Module required password="hunter2";`, "error: A.sasl.jaas.config: the login module is not supported (ST207)"},
		"two modules":       {jaas + "a.B required; a.C required;", "error: A.sasl.jaas.config: names more than one login module (ST206)"},
		"no password":       {jaas + `org.apache.kafka.common.security.plain.PlainLoginModule required username="u";`, "error: A.sasl.jaas.config: needs username and password (ST206)"},
		"unsecured tokens":  {"security.protocol=SASL_SSL|sasl.mechanism=OAUTHBEARER|sasl.oauthbearer.token.endpoint.url=file:token|sasl.jaas.config=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub=\"hunter2\";", "error: A.sasl.jaas.config: option unsecuredLogin* makes unsigned tokens, which no broker should accept; use a token endpoint (ST207)"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			m := read(files, field.Properties, client.Consumer, strings.Split(tt.lines, "|")...)
			var all []string
			for _, d := range m.problems {
				if d.Severity != diag.Info && !strings.Contains(d.Summary, "no cipher suite") {
					_, text, _ := strings.Cut(d.String(), ": ")
					all = append(all, text)
				}
				if strings.Contains(d.Summary+d.Fix, "hunter2") || d.Subject.IsZero() {
					t.Errorf("shows a secret or has no place: %+v", d)
				}
			}
			got := strings.Join(all, "\n")
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// TestUnknownInHCL is stricter there: nothing was written for Java.
func TestUnknownInHCL(t *testing.T) {
	m := read(nil, field.HCL, client.Consumer, "fetch.max.byte=1")
	if m.codes() != "error ST002" || !strings.Contains(m.problems[0].Fix, "A.fetch.max.bytes") {
		t.Errorf("got %v", m.problems)
	}
}

// TestLogins reads every login module that has an equal.
func TestLogins(t *testing.T) {
	files := files(t)
	const kafka = "org.apache.kafka.common.security."
	secret := model.NewSecret
	tests := map[string]struct {
		lines string
		want  model.SASL
	}{
		"plain":            {"sasl.mechanism=PLAIN|sasl.jaas.config=" + kafka + `plain.PlainLoginModule required username="u" password="p";`, model.SASL{Mechanism: "PLAIN", Username: "u", Password: secret("p")}},
		"scram":            {"sasl.mechanism=SCRAM-SHA-256|sasl.jaas.config=" + kafka + `scram.ScramLoginModule required username="u" password="p";`, model.SASL{Mechanism: "SCRAM-SHA-256", Username: "u", Password: secret("p")}},
		"delegation token": {"sasl.mechanism=SCRAM-SHA-512|sasl.jaas.config=" + kafka + `scram.ScramLoginModule required username="u" password="p" tokenauth="true";`, model.SASL{Mechanism: "SCRAM-SHA-512", Username: "u", Password: secret("p"), TokenAuth: true}},
		"client credentials": {
			"sasl.mechanism=OAUTHBEARER|sasl.oauthbearer.token.endpoint.url=https://idp/t|sasl.login.callback.handler.class=" + kafka + "oauthbearer.secured.OAuthBearerLoginCallbackHandler|sasl.jaas.config=" + kafka +
				`oauthbearer.OAuthBearerLoginModule required clientId="i" clientSecret="s" scope="a" extension_logicalCluster="lkc-1" extension_x="y=z";`,
			model.SASL{Mechanism: "OAUTHBEARER", OAuth: model.OAuth{Endpoint: "https://idp/t", ClientID: "i", ClientSecret: secret("s"), Scope: "a", Extensions: []string{"logicalCluster=lkc-1", "x=y=z"}}},
		},
		"4.1 keys":   {"sasl.mechanism=OAUTHBEARER|sasl.oauthbearer.token.endpoint.url=https://idp/t|sasl.oauthbearer.client.credentials.client.id=i|sasl.oauthbearer.client.credentials.client.secret=s", model.SASL{Mechanism: "OAUTHBEARER", OAuth: model.OAuth{Endpoint: "https://idp/t", ClientID: "i", ClientSecret: secret("s")}}},
		"token file": {"sasl.mechanism=OAUTHBEARER|sasl.oauthbearer.token.endpoint.url=file:token", model.SASL{Mechanism: "OAUTHBEARER", OAuth: model.OAuth{Endpoint: "file:token"}}},
		"Strimzi": {
			"sasl.mechanism=OAUTHBEARER|sasl.login.callback.handler.class=io.strimzi.kafka.oauth.client.JaasClientOauthLoginCallbackHandler|sasl.jaas.config=" + kafka +
				`oauthbearer.OAuthBearerLoginModule required oauth.client.id="i" oauth.client.secret="s" oauth.token.endpoint.uri="https://idp/t" oauth.scope="a" oauth.audience="b" oauth.ssl.truststore.location="trust.p12" oauth.ssl.truststore.password="` + storetest.Password + `" oauth.ssl.truststore.type="PKCS12" oauth.sasl.extension.k="v";`,
			model.SASL{Mechanism: "OAUTHBEARER", OAuth: model.OAuth{
				Endpoint: "https://idp/t", ClientID: "i", ClientSecret: secret("s"), Scope: "a", Audience: "b", Extensions: []string{"k=v"},
				TLS: model.TLS{Truststore: "trust.p12", TruststorePassword: secret(storetest.Password)},
			}},
		},
		"Strimzi, token file": {"sasl.mechanism=OAUTHBEARER|sasl.jaas.config=" + kafka + `oauthbearer.OAuthBearerLoginModule required oauth.access.token.location="token";`, model.SASL{Mechanism: "OAUTHBEARER", OAuth: model.OAuth{TokenFile: "token"}}},
		"Strimzi, password": {
			"sasl.mechanism=OAUTHBEARER|sasl.jaas.config=" + kafka + `oauthbearer.OAuthBearerLoginModule required oauth.token.endpoint.uri="https://idp/t" oauth.client.id="i" oauth.password.grant.username="u" oauth.password.grant.password="p";`,
			model.SASL{Mechanism: "OAUTHBEARER", Username: "u", Password: secret("p"), OAuth: model.OAuth{Endpoint: "https://idp/t", ClientID: "i"}},
		},
		"keytab": {
			`sasl.kerberos.service.name=kafka|sasl.jaas.config=com.sun.security.auth.module.Krb5LoginModule required useKeyTab=true storeKey=true keyTab="keytab" principal="me@R" serviceName="other";`,
			model.SASL{Mechanism: "GSSAPI", Kerberos: model.Kerberos{Principal: "me@R", Keytab: "keytab", ServiceName: "kafka"}},
		},
		"ticket cache": {`sasl.mechanism=GSSAPI|sasl.jaas.config=com.sun.security.auth.module.Krb5LoginModule required useTicketCache=true serviceName="kfk";`, model.SASL{Mechanism: "GSSAPI", Kerberos: model.Kerberos{ServiceName: "kfk"}}},
		"MSK": {
			`sasl.mechanism=AWS_MSK_IAM|sasl.client.callback.handler.class=software.amazon.msk.auth.iam.IAMClientCallbackHandler|sasl.jaas.config=software.amazon.msk.auth.iam.IAMLoginModule required awsRoleArn="arn" awsRoleSessionName="s" awsStsRegion="eu-west-1" awsDebugCreds=true;`,
			model.SASL{Mechanism: "AWS_MSK_IAM", IAM: model.IAM{RoleARN: "arn", RoleSession: "s", STSRegion: "eu-west-1"}},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			m := read(files, field.Properties, client.Consumer, strings.Split("security.protocol=SASL_PLAINTEXT|"+tt.lines, "|")...)
			if len(m.problems) > 0 {
				t.Errorf("got %v", m.problems)
			}
			if diff := cmp.Diff(&tt.want, m.c.SASL); diff != "" {
				t.Error(diff)
			}
		})
	}
}
