package client_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/strait-mirror/strait/config/client"
	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/keystore/storetest"
	"github.com/strait-mirror/strait/config/model"
)

// made is what one client's keys give.
type made struct {
	c        *model.Cluster
	f        *model.Flow
	problems diag.List
}

// codes lists the problems as "warning ST306".
func (m made) codes() string {
	var list []string
	for _, d := range m.problems {
		list = append(list, d.Severity.String()+" "+d.Code)
	}
	return strings.Join(list, ", ")
}

// files are what the tests' settings name.
func files(t testing.TB) map[string][]byte {
	t.Helper()
	p, soon, over := storetest.New(t, 365*24*time.Hour), storetest.New(t, 10*24*time.Hour), storetest.New(t, -time.Minute)
	return map[string][]byte{
		"ca.pem": p.CAPEM(), "trust.jks": p.JKS(t, ""), "trust.p12": p.PKCS12Trust(t),
		"own.jks": p.JKS(t, storetest.Password), "own.p12": p.PKCS12(t), "key.jks": p.JKS(t, "key"),
		"own.pem": append(p.KeyPEM(t, ""), p.CertPEM()...), "secret.pem": append(p.KeyPEM(t, "key"), p.CertPEM()...),
		"soon.pem": append(soon.KeyPEM(t, ""), soon.CertPEM()...), "over.pem": append(over.KeyPEM(t, ""), over.CertPEM()...),
		"mixed.pem": append(p.KeyPEM(t, ""), soon.CertPEM()...), "old.jceks": []byte("\xce\xce\xce\xce"),
		"cert": p.CertPEM(), "key": p.KeyPEM(t, ""), "keytab": []byte("x"), "token": []byte("t"),
	}
}

// read reads lines of key=value as the settings of one client.
func read(files map[string][]byte, form field.Form, role client.Role, lines ...string) made {
	keys := map[string]client.Value{}
	for i, line := range lines {
		key, text, _ := strings.Cut(line, "=")
		at := diag.Range{File: "f", Start: diag.Pos{Line: i + 1, Column: 1}}
		keys[key] = client.Value{Name: "A." + key, Text: text, At: at}
	}
	f := model.NewFlow(form)
	c, problems := client.Read(client.Params{
		Role: role, Keys: keys, Alias: "A", Form: form, Flow: f,
		ReadFile: func(path string) ([]byte, error) {
			if text, ok := files[path]; ok {
				return text, nil
			}
			return nil, &os.PathError{Op: "open", Path: path, Err: os.ErrNotExist}
		},
	})
	return made{c, f, problems}
}

// effect is what setting one key does.
type effect struct {
	with  []string // settings beside it
	value string
	codes string
	get   func(made) any
	want  any
}

const (
	ssl   = "security.protocol=SSL"
	oauth = "security.protocol=SASL_SSL"
)

// connection is the effect of a setting on how brokers are reached.
func connection(value string, get func(model.Connection) any, want any) effect {
	return effect{value: value, get: func(m made) any { return get(m.c.Connection) }, want: want}
}

func near(e effect) effect {
	e.codes = "info ST306"
	return e
}

// only is a setting that is only reported.
func only(value, codes string, with ...string) effect {
	return effect{with: with, value: value, codes: codes}
}

func tls(value string, get func(*model.TLS) any, want any, with ...string) effect {
	return effect{with: append(with, ssl), value: value, get: func(m made) any { return get(m.c.TLS) }, want: want}
}

func token(value string, get func(model.OAuth) any, want any) effect {
	with := []string{oauth, "sasl.mechanism=OAUTHBEARER", "sasl.oauthbearer.token.endpoint.url=https://idp/token", "sasl.oauthbearer.client.credentials.client.id=me"}
	return effect{with: with, value: value, get: func(m made) any { return get(m.c.SASL.OAuth) }, want: want}
}

func flow(value string, get func(*model.Flow) any, want any) effect {
	return effect{value: value, get: func(m made) any { return get(m.f) }, want: want}
}

// effects says for each row of the table what a value does.
func effects(files map[string][]byte) map[string]effect {
	type conn = model.Connection
	const info, warning, refused = "info ST306", "warning ST306", "error ST307"
	login := []string{"security.protocol=SASL_SSL", "sasl.mechanism=PLAIN", `sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username="u" password="p";`}
	krb := []string{"security.protocol=SASL_SSL", `sasl.jaas.config=com.sun.security.auth.module.Krb5LoginModule required keyTab="keytab" principal="p@R";`}
	list := map[string]effect{
		"bootstrap.servers":                        {value: "SSL://a:1, b:2", get: func(m made) any { return m.c.BootstrapServers }, want: []string{"a:1", "b:2"}},
		"client.id":                                {value: "me", get: func(m made) any { return m.c.ClientID }, want: "me"},
		"client.rack":                              {value: "r1", get: func(m made) any { return m.c.Rack }, want: "r1"},
		"connections.max.idle.ms":                  connection("60000", func(c conn) any { return c.MaxIdle }, time.Minute),
		"socket.connection.setup.timeout.ms":       connection("5000", func(c conn) any { return c.SetupTimeout }, 5*time.Second),
		"socket.connection.setup.timeout.max.ms":   connection("6000", func(c conn) any { return c.SetupTimeoutMax }, 6*time.Second),
		"send.buffer.bytes":                        connection("65536", func(c conn) any { return c.SendBuffer }, int32(65536)),
		"receive.buffer.bytes":                     connection("-1", func(c conn) any { return c.ReceiveBuffer }, int32(-1)),
		"client.dns.lookup":                        near(connection("resolve_canonical_bootstrap_servers_only", func(c conn) any { return c.DNSLookup }, "resolve_canonical_bootstrap_servers_only")),
		"metadata.max.age.ms":                      connection("1000", func(c conn) any { return c.MetadataMaxAge }, time.Second),
		"metadata.recovery.strategy":               connection("none", func(c conn) any { return c.MetadataRecover }, "none"),
		"retry.backoff.ms":                         near(connection("7", func(c conn) any { return c.RetryBackoff }, 7*time.Millisecond)),
		"retry.backoff.max.ms":                     near(connection("70", func(c conn) any { return c.RetryBackoffMax }, 70*time.Millisecond)),
		"reconnect.backoff.ms":                     near(connection("8", func(c conn) any { return c.ReconnectBackoff }, 8*time.Millisecond)),
		"reconnect.backoff.max.ms":                 near(connection("80", func(c conn) any { return c.ReconnectBackoffMax }, 80*time.Millisecond)),
		"request.timeout.ms":                       connection("45000", func(c conn) any { return c.RequestTimeout }, 45*time.Second),
		"default.api.timeout.ms":                   near(connection("9000", func(c conn) any { return c.APITimeout }, 9*time.Second)),
		"security.protocol":                        {value: "ssl", get: func(m made) any { return m.c.TLS != nil }, want: true},
		"bootstrap.controllers":                    only("a:1", warning),
		"metadata.recovery.rebootstrap.trigger.ms": only("1", info), "metadata.max.idle.ms": only("1", info),

		"ssl.truststore.location":               tls("trust.jks", func(s *model.TLS) any { return s.Truststore }, "trust.jks"),
		"ssl.truststore.password":               tls(storetest.Password, func(s *model.TLS) any { return s.TruststorePassword.Reveal() }, storetest.Password, "ssl.truststore.location=trust.p12"),
		"ssl.truststore.certificates":           tls(string(files["ca.pem"]), func(s *model.TLS) any { return s.CA.Reveal() }, string(files["ca.pem"])),
		"ssl.truststore.type":                   tls("PKCS12", func(s *model.TLS) any { return s.Truststore }, "trust.jks", "ssl.truststore.location=trust.jks"),
		"ssl.keystore.location":                 tls("own.pem", func(s *model.TLS) any { return s.Keystore }, "own.pem"),
		"ssl.keystore.password":                 tls(storetest.Password, func(s *model.TLS) any { return s.KeystorePassword.Reveal() }, storetest.Password, "ssl.keystore.location=own.p12"),
		"ssl.keystore.certificate.chain":        tls(string(files["cert"]), func(s *model.TLS) any { return s.Certificate.Reveal() }, string(files["cert"]), "ssl.keystore.key="+string(files["key"])),
		"ssl.keystore.key":                      tls(string(files["key"]), func(s *model.TLS) any { return s.Key.Reveal() }, string(files["key"]), "ssl.keystore.certificate.chain="+string(files["cert"])),
		"ssl.key.password":                      tls("key", func(s *model.TLS) any { return s.KeyPassword.Reveal() }, "key", "ssl.keystore.location=key.jks", "ssl.keystore.password="+storetest.Password),
		"ssl.keystore.type":                     tls("JKS", func(s *model.TLS) any { return s.Keystore }, "own.pem", "ssl.keystore.location=own.pem"),
		"ssl.endpoint.identification.algorithm": {with: []string{ssl}, value: "", codes: "warning ST203", get: func(m made) any { return m.c.TLS.SkipHostnameCheck }, want: true},
		"ssl.protocol":                          tls("TLSv1.2", func(s *model.TLS) any { return s.MaxVersion }, "TLSv1.2"),
		"ssl.enabled.protocols":                 tls("TLSv1.3,TLSv1.1", func(s *model.TLS) any { return s.MinVersion + s.MaxVersion }, "TLSv1.1TLSv1.3"),
		"ssl.cipher.suites":                     near(tls("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", func(s *model.TLS) any { return len(s.CipherSuites) }, 1)),
		"ssl.provider":                          only("SunJSSE", warning, ssl), "ssl.keymanager.algorithm": only("x", warning, ssl),
		"ssl.trustmanager.algorithm": only("x", warning, ssl), "ssl.secure.random.implementation": only("x", warning, ssl),
		"ssl.engine.factory.class": only("com.example.Factory", refused, ssl),

		"sasl.mechanism":                     {with: login[:1:1], value: "PLAIN", codes: "error ST206", get: func(m made) any { return m.c.SASL.Mechanism }, want: "PLAIN"},
		"sasl.jaas.config":                   {with: login[:2:2], value: strings.TrimPrefix(login[2], "sasl.jaas.config="), get: func(m made) any { return m.c.SASL.Username }, want: "u"},
		"sasl.client.callback.handler.class": only("com.example.Handler", refused, login...),
		"sasl.login.callback.handler.class":  only("com.example.Handler", refused, login...),
		"sasl.login.class":                   only("com.example.Login", refused, login...),
		"sasl.kerberos.service.name":         {with: krb, value: "kfk", get: func(m made) any { return m.c.SASL.Kerberos.ServiceName }, want: "kfk"},
		"sasl.kerberos.kinit.cmd":            only("/bin/kinit", info, krb...), "sasl.kerberos.ticket.renew.": only("0.8", info, krb...),
		"sasl.kerberos.min.time.before.relogin": only("60000", info, krb...),

		"sasl.oauthbearer.token.endpoint.url":               token("http://x/y", func(o model.OAuth) any { return o.Endpoint }, "http://x/y"),
		"sasl.oauthbearer.client.credentials.client.id":     token("i", func(o model.OAuth) any { return o.ClientID }, "i"),
		"sasl.oauthbearer.client.credentials.client.secret": token("s", func(o model.OAuth) any { return o.ClientSecret.Reveal() }, "s"),
		"sasl.oauthbearer.scope":                            token("a b", func(o model.OAuth) any { return o.Scope }, "a b"),
		"sasl.oauthbearer.header.urlencode":                 token("true", func(o model.OAuth) any { return o.EncodeHeader }, true),
		"sasl.login.refresh.window.factor":                  near(token("0.5", func(o model.OAuth) any { return o.RefreshWindow }, 0.5)),
		"sasl.login.refresh.buffer.seconds":                 near(token("3", func(o model.OAuth) any { return o.RefreshBuffer }, 3*time.Second)),
		"sasl.login.refresh.min.period.seconds":             near(token("2", func(o model.OAuth) any { return o.RefreshMin }, 2*time.Second)),
		"sasl.login.connect.timeout.ms":                     token("100", func(o model.OAuth) any { return o.ConnectTimeout }, 100*time.Millisecond),
		"sasl.login.read.timeout.ms":                        token("100", func(o model.OAuth) any { return o.ReadTimeout }, 100*time.Millisecond),
		"sasl.login.retry.backoff.ms":                       token("100", func(o model.OAuth) any { return o.RetryBackoff }, 100*time.Millisecond),
		"sasl.login.retry.backoff.max.ms":                   token("100", func(o model.OAuth) any { return o.RetryMax }, 100*time.Millisecond),
		"sasl.login.refresh.window.jitter":                  near(token("0.1", func(o model.OAuth) any { return o.Endpoint }, "https://idp/token")),
	}
	bearer := token("", nil, nil).with
	for key, codes := range map[string]string{
		"jwt.retriever.class": refused, "jwt.validator.class": info, "assertion.": refused, "jwks.": info, "expected.": info,
		"clock.skew.seconds": info, "scope.claim.name": info, "sub.claim.name": info,
	} {
		list["sasl.oauthbearer."+key] = only("x", codes, bearer...)
	}
	maps.Copy(list, dataEffects())
	return list
}

// dataEffects are the settings of consumers, producers and what surrounds them.
func dataEffects() map[string]effect {
	const info, warning, refused = "info ST306", "warning ST306", "error ST307"
	list := map[string]effect{
		"auto.offset.reset":         flow("latest", func(f *model.Flow) any { return f.Start }, model.StartLatest),
		"isolation.level":           flow("read_uncommitted", func(f *model.Flow) any { return f.IsolationLevel }, model.ReadUncommitted),
		"fetch.max.bytes":           flow("1000", func(f *model.Flow) any { return f.FetchMaxBytes }, int32(1000)),
		"max.partition.fetch.bytes": flow("1000", func(f *model.Flow) any { return f.MaxPartitionFetchBytes }, int32(1000)),
		"fetch.min.bytes":           flow("1000", func(f *model.Flow) any { return f.FetchMinBytes }, int32(1000)),
		"fetch.max.wait.ms":         flow("250", func(f *model.Flow) any { return f.FetchMaxWait }, 250*time.Millisecond),
		"buffer.memory":             flow("2097152", func(f *model.Flow) any { return f.BufferMemory }, int64(2<<20)),
		"max.request.size":          flow("2097152", func(f *model.Flow) any { return f.MaxRequestSize }, int32(2<<20)),
		"acks":                      only("1", "warning ST302"), "retries": only("3", "warning ST303"), "compression.type": flow("zstd", func(f *model.Flow) any { return f.CompressionType }, model.Compression("zstd")),
		"compression.gzip.level": only("3", info), "compression.lz4.level": only("3", info), "compression.zstd.level": only("-3", info),
		"delivery.timeout.ms": only("120000", "warning ST303"), "transactional.id": only("x", warning), "partitioner.": only("x", warning),
		"transaction.timeout.ms": only("1", warning), "metrics.": only("1", info), "config.providers": only("env", info), "config.providers.": only("x", info),
		"group.id": only("g", info), "group.instance.id": only("g", info), "group.protocol": only("consumer", info),
		"group.remote.assignor": only("x", info), "share.": only("x", info), "partition.assignment.strategy": only("a.B", info),
		"metric.reporters": only("a.B", info), "auto.include.jmx.reporter": only("false", info), "security.providers": only("a.B", warning),
		"interceptor.classes": only("a.B", refused),
		"key.serializer":      only("a.B", refused), "value.serializer": only("a.B", refused), "key.deserializer": only("a.B", refused), "value.deserializer": only("a.B", refused),
	}
	for _, key := range []string{
		"auto.commit.interval.ms", "max.poll.records", "max.poll.interval.ms", "session.timeout.ms", "heartbeat.interval.ms",
		"rebalance.timeout.ms", "max.in.flight.requests.per.connection", "batch.size", "linger.ms", "max.block.ms",
	} {
		list[key] = only("1", info)
	}
	for key, codes := range map[string]string{
		"check.crcs": "false " + warning, "enable.auto.commit": "true " + warning, "allow.auto.create.topics": "true " + info,
		"exclude.internal.topics": "false " + info, "enable.idempotence": "false " + warning, "enable.metrics.push": "true " + info,
		"transaction.two.phase.commit.enable": "true " + warning,
	} {
		value, code, _ := strings.Cut(codes, " ")
		list[key] = only(value, code)
	}
	return list
}

// TestEveryRow sets each key of the table, alone, for each client that has it.
func TestEveryRow(t *testing.T) {
	files := files(t)
	effects := effects(files)
	for _, row := range client.Rows() {
		e, ok := effects[row.Key]
		if !ok {
			t.Errorf("no test of %s", row.Key)
			continue
		}
		for _, role := range []client.Role{client.Consumer, client.Producer, client.Admin} {
			if row.Roles&role == 0 || row.Key == "request.timeout.ms" && role == client.Producer {
				continue
			}
			t.Run(row.Key+" of "+role.String(), func(t *testing.T) {
				key := row.Key
				if strings.HasSuffix(key, ".") {
					key += "something"
				}
				m := read(files, field.Properties, role, append(slices.Clip(e.with), key+"="+e.value)...)
				if got := m.codes(); got != e.codes {
					t.Errorf("got %s, want %s: %v", got, e.codes, m.problems)
				}
				for _, d := range m.problems {
					if !strings.HasPrefix(d.Summary, "A.") && !strings.Contains(d.Summary, `"A"`) || d.Subject.IsZero() {
						t.Errorf("%v names neither key nor place", d)
					}
				}
				if e.get != nil {
					if diff := cmp.Diff(e.want, e.get(m)); diff != "" {
						t.Error(diff)
					}
				}
			})
		}
	}
}

// TestRows holds for every row: it is documented, and has what it needs.
func TestRows(t *testing.T) {
	seen := map[string]bool{}
	for _, row := range client.Rows() {
		id := fmt.Sprint(row.Key, row.Roles)
		if seen[id] || row.Doc == "" || row.Roles == 0 || row.Handling == 0 || row.Type() == "" {
			t.Errorf("%+v", row.Key)
		}
		seen[id] = true
		if found, ok := client.NewTable().Find(row.Key+"x", row.Roles); strings.HasSuffix(row.Key, ".") != ok {
			t.Errorf("%sx is found as %s", row.Key, found.Key)
		}
	}
}
