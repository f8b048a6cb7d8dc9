package security_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/keystore/storetest"
	"github.com/strait-mirror/strait/config/load"
	"github.com/strait-mirror/strait/integration/kafka"
)

// storeLines are the lines of a properties file about stores of one type.
func (b *bed) storeLines(kind string, more map[string]string) map[string]string {
	lines := map[string]string{
		"ssl.truststore.location": b.store("trust", kind), "ssl.truststore.password": storetest.Password,
		"ssl.keystore.location": b.store("key", kind), "ssl.keystore.password": storetest.Password, "ssl.keystore.type": kind,
	}
	maps.Copy(lines, more)
	return lines
}

// storeBlock is the same in HCL, which needs no type.
func (b *bed) storeBlock(kind string) string {
	return fmt.Sprintf("tls {\n truststore = %q\n truststore_password = %[2]q\n keystore = %[3]q\n keystore_password = %[2]q\n }\n",
		b.store("trust", kind), storetest.Password, b.store("key", kind))
}

// properties is a map of HCL with these Java client keys.
func properties(lines map[string]string) string {
	var out strings.Builder
	out.WriteString("properties = {\n")
	for _, key := range slices.Sorted(maps.Keys(lines)) {
		fmt.Fprintf(&out, "    %q = %q\n", key, lines[key])
	}
	return out.String() + "  }"
}

// TestLogins mirrors one topic by every way to log in.
func TestLogins(t *testing.T) {
	kafka.Require(t)
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	b := newBed(ctx, t)
	const module = "org.apache.kafka.common.security."
	jaas := ` required username="ann" password="a \"quoted\" \\ word";`
	pem := b.source.PEM()
	oauth := fmt.Sprintf("sasl \"oauthbearer\" {\n token_endpoint_url = %q\n client_id = \"mirror\"\n client_secret = \"client-secret\"\n }", b.endpoint)
	files := map[string]string{
		"jks-scram.properties": b.properties("jks-scram", b.storeLines("JKS", map[string]string{
			"sasl.mechanism": "SCRAM-SHA-512", "sasl.jaas.config": module + "scram.ScramLoginModule" + jaas,
		})),
		"p12-plain.properties": b.properties("p12-plain", b.storeLines("PKCS12", map[string]string{
			"sasl.mechanism": "PLAIN", "sasl.jaas.config": module + "plain.PlainLoginModule" + jaas,
		})),
		"p12-oauth.properties": b.properties("p12-oauth", b.storeLines("PKCS12", map[string]string{
			"sasl.mechanism": "OAUTHBEARER", "sasl.oauthbearer.token.endpoint.url": b.endpoint,
			"sasl.login.callback.handler.class": module + "oauthbearer.OAuthBearerLoginCallbackHandler",
			"sasl.jaas.config":                  module + `oauthbearer.OAuthBearerLoginModule required clientId="mirror" clientSecret="client-secret";`,
		})),
		"h-jks-plain.hcl": b.hcl("h-jks-plain", b.storeBlock("JKS")+fmt.Sprintf("sasl \"plain\" {\n username = \"ann\"\n password = %q\n }", password)),
		"h-p12-oauth.hcl": b.hcl("h-p12-oauth", b.storeBlock("PKCS12")+oauth),
		"h-pem-scram.hcl": b.hcl("h-pem-scram", fmt.Sprintf("tls {\n ca_file = %q\n cert_file = %q\n key_file = %q\n }\n", pem.CAFile, pem.ClientCertFile, pem.ClientKeyFile)+
			fmt.Sprintf("sasl \"scram-sha-512\" {\n username = \"ann\"\n password_file = %q\n }", b.save(t, "password", []byte(password+"\n")))),
		"h-jks-properties.hcl": b.hcl("h-jks-properties", properties(b.storeLines("JKS", map[string]string{
			"security.protocol": "SASL_SSL", "sasl.mechanism": "SCRAM-SHA-512", "sasl.jaas.config": module + "scram.ScramLoginModule" + jaas,
		}))),
	}
	for file, text := range files {
		alias, _, _ := strings.Cut(file, ".")
		t.Run(file, func(t *testing.T) {
			if err := once(ctx, t, b.read(t, file, text), time.Minute); err != nil {
				t.Fatal(err)
			}
			if err := b.difference(ctx, alias); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("refused", func(t *testing.T) { b.refuse(ctx, t) })
	t.Run("rotation", b.rotation) // last: the brokers accept nothing of the above afterwards
}

// refuse has every secret be wrong once: the reason says so, without secrets.
func (b *bed) refuse(ctx context.Context, t *testing.T) {
	t.Helper()
	const wrong = "not-the-secret"
	cases := map[string]struct{ login, want string }{
		"password": {
			login: fmt.Sprintf("sasl \"scram-sha-512\" {\n username = \"ann\"\n password = %q\n }", wrong),
			want:  "password",
		},
		"client secret": {
			login: fmt.Sprintf("sasl \"oauthbearer\" {\n token_endpoint_url = %q\n client_id = \"mirror\"\n client_secret = %q\n }", b.endpoint, wrong),
			want:  "token",
		},
	}
	for name, tt := range cases {
		t.Run(name, func(t *testing.T) {
			cfg := b.read(t, "refused.hcl", b.hcl("refused", b.storeBlock("JKS")+tt.login))
			err := once(ctx, t, cfg, 2*time.Second)
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), wrong) {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("store password", func(t *testing.T) {
		lines := b.storeLines("JKS", map[string]string{"ssl.keystore.password": wrong})
		path := b.save(t, "refused.properties", []byte(b.properties("refused", lines)))
		_, problems := load.Load([]string{path}, load.Options{})
		err := problems.Err()
		if err == nil || !strings.Contains(err.Error(), string(diag.CodeKeystore)) || strings.Contains(err.Error(), wrong) {
			t.Errorf("got %v", err)
		}
	})
}
