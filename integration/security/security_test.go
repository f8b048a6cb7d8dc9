// Package security_test proves on real brokers that records are mirrored with
// the stores that keytool makes and with the logins that Kafka knows, as a
// properties file and as HCL.
package security_test

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/config/keystore/storetest"
	"github.com/strait-mirror/strait/config/load"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/integration/compare"
	"github.com/strait-mirror/strait/integration/kafka"
	"github.com/strait-mirror/strait/pipeline/supervisor"
)

const (
	limit    = 3 * time.Minute
	password = `a "quoted" \ word` // of ann, by every mechanism that has one
	topic    = "orders"
)

// bed is a source that wants a certificate and a login, and a plain target.
type bed struct {
	source, target *kafka.Cluster
	endpoint       string // of tokens
	files          string // with the stores
}

// newBed starts both clusters.
func newBed(ctx context.Context, t *testing.T) *bed {
	t.Helper()
	const listener, security = "listener.name.client.", "org.apache.kafka.common.security."
	quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(password)
	b := &bed{
		source: kafka.Start(t, kafka.Options{MTLS: true, SASL: kafka.ScramSHA512, Users: map[string]string{"ann": password}, Config: map[string]string{
			"sasl.enabled.mechanisms":                 "PLAIN,SCRAM-SHA-512,OAUTHBEARER",
			listener + "plain.sasl.jaas.config":       security + `plain.PlainLoginModule required user_ann="` + quoted + `";`,
			listener + "oauthbearer.sasl.jaas.config": security + `oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";`,
		}}),
		target: kafka.Start(t, kafka.Options{}),
		files:  t.TempDir(),
	}
	tokens := httptest.NewServer(http.HandlerFunc(issue))
	t.Cleanup(tokens.Close)
	b.endpoint = tokens.URL
	b.stores(ctx, t)
	if err := b.source.CreateTopic(ctx, kafka.Topic{Name: topic, Partitions: 2}); err != nil {
		t.Fatal(err)
	}
	b.write(ctx, t, 500)
	return b
}

// issue answers as a token endpoint does that knows one client.
func issue(w http.ResponseWriter, r *http.Request) {
	if id, secret, ok := r.BasicAuth(); !ok || id != "mirror" || secret != "client-secret" || r.PostFormValue("grant_type") != "client_credentials" {
		http.Error(w, `{"error":"invalid_client"}`, http.StatusUnauthorized)
		return
	}
	now := time.Now().Unix()
	enc := base64.RawURLEncoding
	token := enc.EncodeToString([]byte(`{"alg":"none"}`)) + "." +
		enc.EncodeToString(fmt.Appendf(nil, `{"sub":"ann","iat":%d,"exp":%d}`, now, now+3600)) + "."
	w.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprintf(w, `{"access_token":%q,"token_type":"Bearer","expires_in":3600}`, token)
}

// stores has keytool write trust and key stores of both of its types.
func (b *bed) stores(ctx context.Context, t *testing.T) {
	t.Helper()
	tool := "keytool"
	if home := os.Getenv("JAVA_HOME"); home != "" {
		tool = filepath.Join(home, "bin", "keytool")
	}
	own := filepath.Join(b.files, "own")
	b.save(t, "own", pairOf(t, b.source.PEM()).PKCS12(t))
	for _, kind := range []string{"JKS", "PKCS12"} {
		for _, args := range [][]string{
			{"-importcert", "-noprompt", "-alias", "ca", "-file", b.source.PEM().CAFile, "-keystore", b.store("trust", kind)},
			{
				"-importkeystore", "-noprompt", "-srckeystore", own, "-srcstoretype", "PKCS12", "-srcstorepass", storetest.Password,
				"-destkeystore", b.store("key", kind),
			},
		} {
			args = append(args, map[bool]string{true: "-storetype", false: "-deststoretype"}[args[0] == "-importcert"], kind)
			args = append(args, map[bool]string{true: "-storepass", false: "-deststorepass"}[args[0] == "-importcert"], storetest.Password)
			if out, err := exec.CommandContext(ctx, tool, args...).CombinedOutput(); err != nil {
				t.Fatalf("%v: %v\n%s", args, err, out)
			}
		}
	}
}

func (b *bed) store(name, kind string) string { return filepath.Join(b.files, name+"."+kind) }

func (b *bed) save(t *testing.T, name string, text []byte) string {
	t.Helper()
	path := filepath.Join(b.files, name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// pairOf reads the harness's certificates.
func pairOf(t *testing.T, files kafka.PEM) storetest.Pair {
	t.Helper()
	der := func(text []byte) []byte { block, _ := pem.Decode(text); return block.Bytes }
	ca, err := x509.ParseCertificate(der(files.CA))
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der(files.ClientCert))
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.ParsePKCS8PrivateKey(der(files.ClientKey))
	if err != nil {
		t.Fatal(err)
	}
	return storetest.Pair{Cert: cert, CA: ca, Key: key.(crypto.Signer)}
}

// write writes records to the source.
func (b *bed) write(ctx context.Context, t *testing.T, n int) {
	t.Helper()
	var records []*kgo.Record
	for i := range n {
		records = append(records, &kgo.Record{Topic: topic, Key: fmt.Append(nil, i), Value: fmt.Appendf(nil, "order %d", i)})
	}
	if err := b.source.Client().ProduceSync(ctx, records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// properties is an mm2.properties with these lines about cluster alias.
func (b *bed) properties(alias string, lines map[string]string) string {
	p := map[string]string{
		"clusters": alias + ", to", alias + ".bootstrap.servers": strings.Join(b.source.Bootstrap(), ","),
		"to.bootstrap.servers": strings.Join(b.target.Bootstrap(), ","), alias + ".security.protocol": "SASL_SSL",
		alias + "->to.enabled": "true", alias + "->to.topics": topic, "replication.factor": "1", "offset-syncs.topic.location": "target",
		"emit.heartbeats.enabled": "false",
	}
	for key, value := range lines {
		p[alias+"."+key] = value
	}
	return kafka.Properties(p)
}

// hcl is the same in HCL with these blocks.
func (b *bed) hcl(alias, blocks string) string {
	return fmt.Sprintf(`cluster %q {
  bootstrap_servers = [%q]
  %s
}
cluster "to" { bootstrap_servers = [%q] }
flow "%[1]s->to" {
  topics             = [%[5]q]
  replication_factor = 1
}
`, alias, b.source.Bootstrap()[0], blocks, b.target.Bootstrap()[0], topic)
}

// read loads a topology as the program does.
func (b *bed) read(t *testing.T, name, text string) *model.Config {
	t.Helper()
	cfg, problems := load.Load([]string{b.save(t, name, []byte(text))}, load.Options{})
	if problems.HasErrors() {
		t.Fatalf("%v\n%s", problems.Err(), text)
	}
	return cfg
}

// once runs a topology up to the ends it sees.
func once(ctx context.Context, t *testing.T, cfg *model.Config, patience time.Duration) error {
	t.Helper()
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	s, err := supervisor.New(supervisor.Params{Config: cfg, Log: log, Once: true, Timeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	return s.Run(ctx)
}

// difference says how the copy under an alias differs from the source.
func (b *bed) difference(ctx context.Context, alias string) error {
	source, err := compare.Read(ctx, b.source.AdminOpts(), topic, compare.ReadOptions{})
	if err != nil {
		return err
	}
	target, err := compare.Read(ctx, b.target.AdminOpts(), alias+"."+topic, compare.ReadOptions{})
	if err != nil {
		return err
	}
	if len(source) != len(target) || len(source) == 0 {
		return fmt.Errorf("%d and %d partitions", len(source), len(target))
	}
	return compare.Diff(source, target, compare.Options{}).Err()
}
