package kafka

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// ClientPrincipal is who a client with the harness's certificate is, where
// MTLS is on and SASL is not.
const ClientPrincipal = "User:CN=strait-test-client"

// scramIterations is the least that Kafka allows.
const scramIterations = 4096

// PEM is the text of certificates, and the same as files.
type PEM struct {
	CA, ClientCert, ClientKey             []byte
	CAFile, ClientCertFile, ClientKeyFile string
}

// PEM returns the certificates of a cluster with TLS; the zero value without.
func (c *Cluster) PEM() PEM {
	if c.certs == nil {
		return PEM{}
	}
	return PEM{
		CA: c.certs.ca, ClientCert: c.certs.client.cert, ClientKey: c.certs.client.key,
		CAFile: c.certs.path("ca.pem"), ClientCertFile: c.certs.path("client.pem"), ClientKeyFile: c.certs.path("client-key.pem"),
	}
}

// ClientOpts returns the options of a client of the secured listener, with the
// client certificate where MTLS is on, as the first user by name.
func (c *Cluster) ClientOpts() ([]kgo.Opt, error) {
	users := slices.Sorted(maps.Keys(c.opts.Users))
	if len(users) == 0 {
		return c.ClientOptsAs("")
	}
	return c.ClientOptsAs(users[0])
}

// ClientOptsAs is ClientOpts for a certain user.
func (c *Cluster) ClientOptsAs(user string) ([]kgo.Opt, error) {
	opts := []kgo.Opt{kgo.SeedBrokers(c.Bootstrap()...)}
	if c.certs != nil {
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(c.certs.ca) {
			return nil, errors.New("reading the authority: no certificate")
		}
		t := &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
		if c.opts.MTLS {
			own, err := tls.X509KeyPair(c.certs.client.cert, c.certs.client.key)
			if err != nil {
				return nil, fmt.Errorf("reading the client certificate: %w", err)
			}
			t.Certificates = []tls.Certificate{own}
		}
		opts = append(opts, kgo.DialTLSConfig(t))
	}
	password, ok := c.opts.Users[user]
	if user != "" && !ok {
		return nil, fmt.Errorf("finding user %q: the cluster has no such user", user)
	}
	switch c.opts.SASL {
	case Plain:
		opts = append(opts, kgo.SASL(plain.Auth{User: user, Pass: password}.AsMechanism()))
	case ScramSHA256:
		opts = append(opts, kgo.SASL(scram.Auth{User: user, Pass: password}.AsSha256Mechanism()))
	case ScramSHA512:
		opts = append(opts, kgo.SASL(scram.Auth{User: user, Pass: password}.AsSha512Mechanism()))
	}
	return opts, nil
}

// ClientConfig returns the properties with which a Java client, MirrorMaker 2
// or Strait connects to the secured listener, bootstrap.servers included, as a
// certain user; an empty one means the first by name.
func (c *Cluster) ClientConfig(user string) map[string]string {
	p := map[string]string{
		"bootstrap.servers": strings.Join(c.Bootstrap(), ","),
		"security.protocol": c.opts.protocol(),
	}
	if c.certs != nil {
		p["ssl.truststore.type"] = "PEM"
		p["ssl.truststore.location"] = c.certs.path("ca.pem")
	}
	if c.opts.MTLS {
		p["ssl.keystore.type"] = "PEM"
		p["ssl.keystore.location"] = c.certs.path("client-all.pem")
	}
	if c.opts.SASL == "" {
		return p
	}
	if user == "" {
		user = slices.Min(slices.Collect(maps.Keys(c.opts.Users)))
	}
	module := "org.apache.kafka.common.security.scram.ScramLoginModule"
	if c.opts.SASL == Plain {
		module = "org.apache.kafka.common.security.plain.PlainLoginModule"
	}
	p["sasl.mechanism"] = c.opts.SASL
	p["sasl.jaas.config"] = fmt.Sprintf("%s required username=%s password=%s;",
		module, jaasQuote(user), jaasQuote(c.opts.Users[user]))
	return p
}

// addScramUsers stores the users' salted passwords in the cluster.
func (c *Cluster) addScramUsers(ctx context.Context) error {
	mechanism := map[string]kadm.ScramMechanism{ScramSHA256: kadm.ScramSha256, ScramSHA512: kadm.ScramSha512}[c.opts.SASL]
	if mechanism == 0 {
		return nil
	}
	var users []kadm.UpsertSCRAM
	for name, password := range c.opts.Users {
		users = append(users, kadm.UpsertSCRAM{User: name, Mechanism: mechanism, Iterations: scramIterations, Password: password})
	}
	altered, err := c.Admin().AlterUserSCRAMs(ctx, nil, users)
	if err == nil {
		err = altered.Error()
	}
	if err != nil {
		return fmt.Errorf("adding SCRAM users: %w", err)
	}
	// The brokers learn of a user a moment after the controller said yes.
	opts, err := c.ClientOpts()
	if err != nil {
		return err
	}
	return poll(ctx, c.brokers, func() (bool, error) {
		for _, address := range c.Bootstrap() {
			cl, err := kgo.NewClient(append(opts, kgo.SeedBrokers(address))...)
			if err != nil {
				return false, fmt.Errorf("making a client: %w", err)
			}
			err = cl.Ping(ctx)
			cl.Close()
			if err != nil {
				return false, err
			}
		}
		return true, nil
	})
}

// Allow adds ACLs that let a principal do operations on every topic, group and
// transactional id that starts with prefix; an empty prefix means all of them.
func (c *Cluster) Allow(ctx context.Context, principal, prefix string, operations ...kadm.ACLOperation) error {
	pattern := kadm.ACLPatternPrefixed
	if prefix == "" {
		prefix, pattern = "*", kadm.ACLPatternLiteral
	}
	acls := kadm.NewACLs().Allow(principal).AllowHosts("*").ResourcePatternType(pattern).
		Topics(prefix).Groups(prefix).TransactionalIDs(prefix).Operations(operations...)
	created, err := c.Admin().CreateACLs(ctx, acls)
	for _, r := range created {
		err = errors.Join(err, r.Err)
	}
	if err != nil {
		return fmt.Errorf("allowing %s: %w", principal, err)
	}
	return nil
}

// certificates are what a cluster with TLS runs on: an authority that lives
// only as long as the cluster, and one certificate per side.
type certificates struct {
	ca     []byte
	server pair
	client pair
	dir    string // where the same are files: ca.pem, client.pem, client-key.pem, client-all.pem
}

// pair is a certificate with its key, both PEM.
type pair struct {
	cert, key []byte
}

// newCertificates makes an authority and both certificates and writes those
// that clients need into dir.
func newCertificates(dir string) (*certificates, error) {
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making the key of the authority: %w", err)
	}
	ca := template(1, "strait-test-ca")
	ca.IsCA, ca.BasicConstraintsValid = true, true
	ca.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, caKey.Public(), caKey)
	if err != nil {
		return nil, fmt.Errorf("making the authority: %w", err)
	}
	c := &certificates{ca: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), dir: dir}
	server := template(2, "strait-test-broker")
	server.DNSNames = []string{"localhost"}
	server.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	if c.server, err = issue(server, ca, caKey); err != nil {
		return nil, err
	}
	if c.client, err = issue(template(3, "strait-test-client"), ca, caKey); err != nil {
		return nil, err
	}
	return c, writeFiles(dir, map[string]string{
		"ca.pem":         string(c.ca),
		"client.pem":     string(c.client.cert),
		"client-key.pem": string(c.client.key),
		"client-all.pem": string(c.client.key) + string(c.client.cert),
	})
}

// path is the path of one of the files of newCertificates.
func (c *certificates) path(name string) string { return filepath.Join(c.dir, name) }

// template is what all certificates have in common.
func template(serial int64, name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(serial),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(10 * 24 * time.Hour), // longer than any soak
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
}

// issue makes a key and has the authority certify it. The key is PKCS #8, the
// only form that Kafka reads from PEM.
func issue(t, ca *x509.Certificate, caKey *ecdsa.PrivateKey) (pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return pair{}, fmt.Errorf("making the key of %s: %w", t.Subject.CommonName, err)
	}
	der, err := x509.CreateCertificate(rand.Reader, t, ca, key.Public(), caKey)
	if err != nil {
		return pair{}, fmt.Errorf("certifying %s: %w", t.Subject.CommonName, err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return pair{}, fmt.Errorf("encoding the key of %s: %w", t.Subject.CommonName, err)
	}
	return pair{
		cert: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		key:  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}),
	}, nil
}
