// Package storetest makes certificates and stores of every format for tests.
package storetest

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"testing"
	"time"

	jks "github.com/pavlo-v-chernykh/keystore-go/v4"
	"github.com/youmark/pkcs8"
	"software.sslmate.com/src/go-pkcs12"
)

// Password opens every store and key that is made here.
const Password = "store-password"

// Pair is a certificate with its key and the certificate of its authority.
type Pair struct {
	Cert, CA *x509.Certificate
	Key      crypto.Signer
}

// New returns a pair for localhost that is valid from an hour ago until life
// from now.
func New(t testing.TB, life time.Duration) Pair {
	t.Helper()
	template := func(name string, serial int64) *x509.Certificate {
		return &x509.Certificate{
			SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name},
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(life),
			DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		}
	}
	ca := template("store test authority", 1)
	ca.IsCA, ca.BasicConstraintsValid, ca.KeyUsage, ca.ExtKeyUsage = true, true, x509.KeyUsageCertSign, nil
	ca.NotAfter = time.Now().Add(max(life, 90*24*time.Hour))
	caKey, caCert := issue(t, ca, nil, nil)
	key, cert := issue(t, template("store test", 2), caCert, caKey)
	return Pair{Cert: cert, CA: caCert, Key: key}
}

func issue(t testing.TB, template, parent *x509.Certificate, by crypto.Signer) (crypto.Signer, *x509.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	if parent == nil {
		parent, by = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), by)
	check(t, err)
	cert, err := x509.ParseCertificate(der)
	check(t, err)
	return key, cert
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// CAPEM is the authority's certificate as PEM.
func (p Pair) CAPEM() []byte { return block("CERTIFICATE", p.CA.Raw) }

// CertPEM is the certificate as PEM.
func (p Pair) CertPEM() []byte { return block("CERTIFICATE", p.Cert.Raw) }

// KeyPEM is the key as PKCS #8 in PEM, encrypted unless the password is empty.
func (p Pair) KeyPEM(t testing.TB, password string) []byte {
	t.Helper()
	if password == "" {
		der, err := x509.MarshalPKCS8PrivateKey(p.Key)
		check(t, err)
		return block("PRIVATE KEY", der)
	}
	der, err := pkcs8.MarshalPrivateKey(p.Key, []byte(password), nil)
	check(t, err)
	return block("ENCRYPTED PRIVATE KEY", der)
}

// JKS is a store with the authority and, if keyPassword is not empty, the key.
func (p Pair) JKS(t testing.TB, keyPassword string) []byte {
	t.Helper()
	ks := jks.New()
	cert := func(c *x509.Certificate) jks.Certificate { return jks.Certificate{Type: "X509", Content: c.Raw} }
	if keyPassword != "" {
		der, err := x509.MarshalPKCS8PrivateKey(p.Key)
		check(t, err)
		check(t, ks.SetPrivateKeyEntry("own", jks.PrivateKeyEntry{
			CreationTime: time.Now(), PrivateKey: der, CertificateChain: []jks.Certificate{cert(p.Cert), cert(p.CA)},
		}, []byte(keyPassword)))
	} else {
		check(t, ks.SetTrustedCertificateEntry("ca", jks.TrustedCertificateEntry{CreationTime: time.Now(), Certificate: cert(p.CA)}))
	}
	var out bytes.Buffer
	check(t, ks.Store(&out, []byte(Password)))
	return out.Bytes()
}

// PKCS12 is a key store with the key.
func (p Pair) PKCS12(t testing.TB) []byte {
	t.Helper()
	out, err := pkcs12.Modern.Encode(p.Key, p.Cert, []*x509.Certificate{p.CA}, Password)
	check(t, err)
	return out
}

// PKCS12Trust is a trust store with the authority, marked as Java does.
func (p Pair) PKCS12Trust(t testing.TB) []byte {
	t.Helper()
	out, err := pkcs12.Modern.EncodeTrustStore([]*x509.Certificate{p.CA}, Password)
	check(t, err)
	return out
}

// Encode is a certificate as PEM.
func Encode(c *x509.Certificate) []byte { return block("CERTIFICATE", c.Raw) }
