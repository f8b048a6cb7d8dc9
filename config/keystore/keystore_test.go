package keystore_test

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/strait-mirror/strait/config/keystore"
	"github.com/strait-mirror/strait/config/keystore/storetest"
	"github.com/strait-mirror/strait/config/model"
)

const year = 365 * 24 * time.Hour

// says fails unless err has the wanted text; "" wants none.
func says(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil && want != "" || err != nil && (want == "" || !strings.Contains(err.Error(), want)) {
		t.Errorf("got %v, want %q", err, want)
	}
	if err != nil && strings.Contains(err.Error(), storetest.Password) {
		t.Errorf("the password shows: %v", err)
	}
}

// TestTrusted reads trust stores of every format by their content.
func TestTrusted(t *testing.T) {
	p := storetest.New(t, year)
	oneLine := bytes.ReplaceAll(p.CAPEM(), []byte("\n"), []byte(" "))
	tests := map[string]struct {
		store          []byte
		password, want string
	}{
		"PEM":                    {p.CAPEM(), "", ""},
		"PEM behind text":        {append([]byte("subject=x\n"), p.CAPEM()...), "", ""},
		"PEM in one line":        {oneLine, "", ""},
		"JKS":                    {p.JKS(t, ""), storetest.Password, ""},
		"JKS without password":   {p.JKS(t, ""), "", ""},
		"JKS of a key":           {p.JKS(t, storetest.Password), storetest.Password, ""},
		"PKCS12":                 {p.PKCS12Trust(t), storetest.Password, ""},
		"PKCS12 of a key":        {p.PKCS12(t), storetest.Password, ""},
		"JKS, wrong password":    {p.JKS(t, ""), "wrong", "the password is wrong"},
		"PKCS12, wrong password": {p.PKCS12Trust(t), "wrong", "the password is wrong"},
		"PKCS12, no password":    {p.PKCS12Trust(t), "", "the password is wrong or missing"},
		"JCEKS":                  {[]byte("\xce\xce\xce\xce\x00\x00\x00\x02"), "", "is a JCEKS key store"},
		"text":                   {[]byte("hello"), "", "is neither JKS, PKCS12 nor PEM"},
		"empty":                  {nil, "", "is neither JKS, PKCS12 nor PEM"},
		"PEM of a key":           {p.KeyPEM(t, ""), "", "holds no certificate to trust"},
		"cut JKS":                {p.JKS(t, "")[:60], storetest.Password, "is a damaged JKS key store"},
		"huge JKS":               {[]byte("\xfe\xed\xfe\xed\x00\x00\x00\x02\x00\x00\x00\x01\x00\x00\x00\x02\x00\x01axxxxxxxx\x00\x04X509\xff\xff\xff\xff"), "", "is a damaged JKS key store"},
		"cut PKCS12":             {p.PKCS12(t)[:60], storetest.Password, "is a PKCS12 store that cannot be read"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			certs, err := keystore.Trusted(tt.store, tt.password)
			says(t, err, tt.want)
			if tt.want == "" && (len(certs) != 1 || !certs[0].Equal(p.CA) && !certs[0].Equal(p.Cert)) {
				t.Errorf("got %d certificates", len(certs))
			}
		})
	}
}

// TestIdentity reads key stores of every format.
func TestIdentity(t *testing.T) {
	p, other := storetest.New(t, year), storetest.New(t, year)
	both := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	tests := map[string]struct {
		store               []byte
		password, key, want string
		chain               int
	}{
		"PEM":                     {both(p.KeyPEM(t, ""), p.CertPEM()), "", "", "", 1},
		"PEM with its chain":      {both(p.CAPEM(), p.CertPEM(), p.KeyPEM(t, "")), "", "", "", 2},
		"PEM, encrypted":          {both(p.KeyPEM(t, "key"), p.CertPEM()), "", "key", "", 1},
		"PEM, store's password":   {both(p.KeyPEM(t, "key"), p.CertPEM()), "key", "", "", 1},
		"JKS":                     {p.JKS(t, storetest.Password), storetest.Password, "", "", 2},
		"JKS, key password":       {p.JKS(t, "key"), storetest.Password, "key", "", 2},
		"PKCS12":                  {p.PKCS12(t), storetest.Password, "", "", 2},
		"PEM, no password":        {both(p.KeyPEM(t, "key"), p.CertPEM()), "", "", "no password for it is set", 0},
		"PEM, wrong password":     {both(p.KeyPEM(t, "key"), p.CertPEM()), "", "wrong", "the password does not decrypt", 0},
		"PEM, OpenSSL's":          {[]byte("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n"), "", "x", "OpenSSL's own encryption", 0},
		"another's certificate":   {both(p.KeyPEM(t, ""), other.CertPEM()), "", "", "belongs to none of the certificates", 0},
		"no key":                  {p.CertPEM(), "", "", "holds no private key", 0},
		"no certificate":          {p.KeyPEM(t, ""), "", "", "holds no certificate", 0},
		"JKS, wrong key password": {p.JKS(t, "key"), storetest.Password, "wrong", "the password does not decrypt", 0},
		"JKS without key":         {p.JKS(t, ""), storetest.Password, "", "holds no private key", 0},
		"PKCS12 without key":      {p.PKCS12Trust(t), storetest.Password, "", "holds no private key", 0},
		"PKCS12, wrong password":  {p.PKCS12(t), "wrong", "", "the password is wrong", 0},
		"JCEKS":                   {[]byte("\xce\xce\xce\xce"), "", "", "is a JCEKS key store", 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			pair, err := keystore.Identity(tt.store, tt.password, tt.key)
			says(t, err, tt.want)
			if tt.want == "" && err == nil && (len(pair.Certificate) != tt.chain || !pair.Leaf.Equal(p.Cert)) {
				t.Errorf("got a chain of %d", len(pair.Certificate))
			}
		})
	}
}

// TestOpen names the attribute that is wrong.
func TestOpen(t *testing.T) {
	p := storetest.New(t, year)
	files := map[string][]byte{
		"ca.pem": p.CAPEM(), "cert.pem": p.CertPEM(), "key.pem": p.KeyPEM(t, ""),
		"trust.jks": p.JKS(t, ""), "own.p12": p.PKCS12(t), "pw": []byte(storetest.Password + "\n"),
	}
	read := func(path string) ([]byte, error) {
		if text, ok := files[path]; ok {
			return text, nil
		}
		return nil, &os.PathError{Op: "open", Path: path, Err: os.ErrNotExist}
	}
	tests := map[string]struct {
		tls  model.TLS
		want string
	}{
		"nothing":              {model.TLS{}, ""},
		"PEM files":            {model.TLS{CAFile: "ca.pem", CertificateFile: "cert.pem", KeyFile: "key.pem"}, ""},
		"texts":                {model.TLS{CA: model.NewSecret(string(p.CAPEM()))}, ""},
		"stores":               {model.TLS{Truststore: "trust.jks", Keystore: "own.p12", KeystorePasswordFile: "pw"}, ""},
		"missing trust":        {model.TLS{Truststore: "nope"}, "truststore: nope cannot be read"},
		"missing password":     {model.TLS{Truststore: "trust.jks", TruststorePasswordFile: "nope"}, "truststore_password"},
		"a store as PEM":       {model.TLS{CAFile: "trust.jks"}, "ca: trust.jks holds no PEM text"},
		"half an identity":     {model.TLS{CertificateFile: "cert.pem"}, "cert: needs the other half"},
		"the other half":       {model.TLS{KeyFile: "key.pem"}, "key: needs the other half"},
		"mismatched":           {model.TLS{CertificateFile: "ca.pem", KeyFile: "key.pem"}, "belongs to none"},
		"key store is no pair": {model.TLS{Keystore: "trust.jks"}, "keystore: trust.jks holds no private key"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, problems := keystore.Open(&tt.tls, read)
			var errs []error
			for _, problem := range problems {
				errs = append(errs, problem)
			}
			says(t, errors.Join(errs...), tt.want)
		})
	}
}

func FuzzStore(f *testing.F) {
	p := storetest.New(f, year)
	for _, seed := range [][]byte{p.CAPEM(), p.KeyPEM(f, ""), p.JKS(f, ""), p.JKS(f, "key"), p.PKCS12(f)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, store []byte) {
		if keystore.Sniff(store) == keystore.PKCS12 && !keystore.Within(store, 50_000) {
			return // allowed up to Java's bound, of which TestRounds has a case: minutes of mere hashing
		}
		certs, err := keystore.Trusted(store, "key")
		if err == nil && len(certs) == 0 {
			t.Error("no certificate and no error")
		}
		if pair, err := keystore.Identity(store, "key", ""); err == nil && (pair.Leaf == nil || len(pair.Certificate) == 0) {
			t.Error("half an identity")
		}
	})
}
