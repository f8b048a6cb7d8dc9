package security_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/strait-mirror/strait/integration/kafka"
)

// TestKerberos logs in at a real broker with tickets of a real key distribution
// centre: with a keytab and with a cache of tickets, as properties and as HCL.
func TestKerberos(t *testing.T) {
	const ann, broker = "ann@" + kafka.Realm, "kafka/127.0.0.1@" + kafka.Realm
	kdc := kafka.StartKDC(t, ann, broker)
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	const module = "com.sun.security.auth.module.Krb5LoginModule required "
	b := &bed{
		source: kafka.Start(t, kafka.Options{
			SASL: kafka.ScramSHA512, JVM: []string{"-Djava.security.krb5.conf=" + kdc.Config()},
			Config: map[string]string{
				"sasl.enabled.mechanisms": "SCRAM-SHA-512,GSSAPI", "sasl.kerberos.service.name": "kafka",
				"listener.name.client.gssapi.sasl.jaas.config": fmt.Sprintf("%suseKeyTab=true storeKey=true keyTab=%q principal=%q;", module, kdc.Keytab(broker), broker),
			},
		}),
		target: kafka.Start(t, kafka.Options{}),
		files:  t.TempDir(),
	}
	if err := b.source.CreateTopic(ctx, kafka.Topic{Name: topic, Partitions: 2}); err != nil {
		t.Fatal(err)
	}
	b.write(ctx, t, 200)
	t.Setenv("KRB5_CONFIG", kdc.Config())
	lines := func(login string) map[string]string {
		return map[string]string{
			"security.protocol": "SASL_PLAINTEXT", "sasl.kerberos.service.name": "kafka",
			"sasl.jaas.config": module + login + ";",
		}
	}
	block := func(key, path string) string {
		return fmt.Sprintf("sasl \"gssapi\" {\n %s = %q\n principal = %q\n krb5_config = %q\n }", key, path, ann, kdc.Config())
	}
	files := map[string]string{
		"keytab.properties": b.properties("keytab", lines(fmt.Sprintf("useKeyTab=true storeKey=true keyTab=%q principal=%q", kdc.Keytab(ann), ann))),
		"cache.properties":  b.properties("cache", lines(fmt.Sprintf("useTicketCache=true ticketCache=%q", kdc.TicketCache(ann)))),
		"h-keytab.hcl":      b.hcl("h-keytab", block("keytab", kdc.Keytab(ann))),
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
	t.Run("refused", func(t *testing.T) {
		login := func(keytab, more string) string {
			return fmt.Sprintf("sasl \"gssapi\" {\n keytab = %q\n krb5_config = %q\n %s\n }", keytab, kdc.Config(), more)
		}
		cases := map[string]struct{ login, want string }{
			"a keytab of others":   {login(kdc.Keytab(broker), fmt.Sprintf("principal = %q", ann)), `has no key of "` + ann},
			"an unknown principal": {login(kdc.Keytab(ann), `principal = "eve"`), `does not know the principal "eve"`},
			"an unknown service":   {login(kdc.Keytab(ann), fmt.Sprintf("principal = %q\n service_name = \"kfk\"", ann)), `does not know the service "kfk"`},
		}
		for name, tt := range cases {
			t.Run(name, func(t *testing.T) {
				err := once(ctx, t, b.read(t, "refused.hcl", b.hcl("refused", tt.login)), 2*time.Second)
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("got %v", err)
				}
			})
		}
	})
}
