package badinput

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"maps"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/strait-mirror/strait/integration/kafka"
)

// authority issues client certificates for the broker with mutual TLS.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{t: t, dir: t.TempDir(), key: key}
	a.cert = &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "client-ca"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	a.issue("ca", a.cert)
	return a
}

// issue writes NAME.pem and NAME.key.
func (a *authority) issue(name string, cert *x509.Certificate) {
	a.t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, cert, a.cert, a.key.Public(), a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{
		name + ".pem": {Type: "CERTIFICATE", Bytes: der},
		name + ".key": {Type: "PRIVATE KEY", Bytes: key},
	} {
		if err := os.WriteFile(filepath.Join(a.dir, file), pem.EncodeToMemory(block), 0o600); err != nil {
			a.t.Fatal(err)
		}
	}
}

// client issues a certificate that ends at a time.
func (a *authority) client(name string, until time.Time) {
	a.issue(name, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: until,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
}

func (a *authority) path(file string) string { return filepath.Join(a.dir, file) }

// connectTest is a cluster that cannot be used.
type connectTest struct {
	address string
	body    string // of the cluster block
	want    string // what is said after `cluster "a" at ADDRESS: `
}

// TestConnection has one cluster of a flow that cannot be used. run --once says
// so once, in its last line too, and gives up after --timeout.
func TestConnection(t *testing.T) {
	t.Parallel()
	clients := newAuthority(t)
	clients.client("expired", time.Now().Add(-time.Hour))
	clients.client("good", time.Now().Add(time.Hour))
	trusted, err := os.ReadFile(clients.path("ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	c := startAll(t, kafka.Options{},
		kafka.Options{MTLS: true, Config: map[string]string{"listener.name.client.ssl.truststore.certificates": string(trusted)}},
		kafka.Options{SASL: kafka.ScramSHA512, Users: map[string]string{"ann": "right"}})
	plain, mutual, scram := c[0].Bootstrap()[0], c[1].Bootstrap()[0], c[2].Bootstrap()[0]
	tls := func(more string) string {
		return fmt.Sprintf("  tls {\n    ca_file = %q\n%s  }\n", c[1].PEM().CAFile, more)
	}
	own := func(name string) string {
		return tls(fmt.Sprintf("    cert_file = %q\n    key_file = %q\n", clients.path(name+".pem"), clients.path(name+".key")))
	}
	const closed = "127.0.0.1:1"
	tests := map[string]connectTest{
		"nobody listens":     {closed, "", "nothing listens there (connection refused); is the broker running, and is the port right?"},
		"unknown name":       {"no-such-host.invalid:9092", "", `the name "no-such-host.invalid" `},
		"TLS to plaintext":   {plain, tls(""), "the connection was closed during the TLS handshake; most likely the listener does not speak TLS, but TLS is configured; use the port of a TLS listener, or remove the tls block (security.protocol)"},
		"plaintext to TLS":   {mutual, "", "the listener speaks TLS, but TLS is not configured; add a tls block (security.protocol = SSL or SASL_SSL), or use the port of another listener"},
		"untrusted":          {mutual, fmt.Sprintf("  tls { ca_file = %q }\n", clients.path("ca.pem")), `the broker's certificate, issued by "CN=strait-test-ca", is not trusted; add that authority's certificate to ca_file of the tls block (ssl.truststore.location)`},
		"other host name":    {mutual, tls("    server_name = \"kafka.test\"\n"), "the broker's certificate is for another name (x509: certificate is valid for localhost, not kafka.test); connect by a name that it was issued for, or set server_name or skip_hostname_check in the tls block (ssl.endpoint.identification.algorithm)"},
		"no certificate":     {mutual, tls(""), "the broker demands a client certificate (mutual TLS); set cert_file and key_file in the tls block (ssl.keystore.location): bad certificate"},
		"expired":            {mutual, own("expired"), "our client certificate was valid until "},
		"mechanism":          {scram, "  sasl \"plain\" {\n    username = \"ann\"\n    password = \"right\"\n  }\n", "the listener does not offer SASL mechanism PLAIN; use another mechanism in the sasl block (sasl.mechanism), or the port of another listener"},
		"wrong password":     {scram, loginBlock("ann", "wrong"), `the broker refuses user "ann" with SCRAM-SHA-512: wrong name or password, or no such user (`},
		"login missing":      {scram, "", "the broker closed the connection at our first request; most likely the listener demands a SASL login: add a sasl block (sasl.mechanism, sasl.jaas.config)"},
		"login not expected": {plain, loginBlock("ann", "right"), "the listener does not expect a SASL login; use the port of a SASL listener, or remove the sasl block (security.protocol)"},
	}
	for _, name := range slices.Sorted(maps.Keys(tests)) {
		test := tests[name]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := clusterBlock("a", test.address, test.body) + clusterBlock("b", plain, "") + "flow \"a->b\" { topics = [\"none\"] }\n"
			p := start(t, write(t, "m.hcl", text), "run", "--once", "--timeout=4s", "m.hcl")
			p.exits(exitFailed, patience)
			want := fmt.Sprintf(`cluster "a" at %s: %s`, test.address, test.want)
			if last := p.log.last(); !strings.HasPrefix(last, `strait: error: running m.hcl: flow "a->b": gave up after 4s in which nothing moved: `+want) {
				t.Errorf("the last line is\n%s\nwant\n%s", last, want)
			}
			p.quiet(1)
			p.saidOnce(`msg="cluster not usable yet, waiting"`)
		})
	}
	t.Run("heals", func(t *testing.T) {
		t.Parallel()
		create(t, c[2], kafka.Topic{Name: "orders"})
		produce(t, c[2], some("orders", 10)...)
		text := clusterBlock("late", scram, loginBlock("bob", "later")) + clusterBlock("b", plain, "") + "flow \"late->b\" { topics = [\"orders\"] }\n"
		p := start(t, write(t, "m.hcl", text), "run", "m.hcl")
		p.says(&p.out, `late->b waiting: cluster "late" at .* refuses user "bob"`, patience)
		altered, err := c[2].Admin().AlterUserSCRAMs(bounded(t), nil, []kadm.UpsertSCRAM{{User: "bob", Mechanism: kadm.ScramSha512, Iterations: 4096, Password: "later"}})
		if err == nil {
			err = altered.Error()
		}
		if err != nil {
			t.Fatal(err)
		}
		arrives(t, c[0], "late.orders", 10, heals)
		p.says(&p.log, `level=INFO msg="cluster usable now".*cluster=late`, patience)
		p.saidOnce(`refuses user`)
	})
}
