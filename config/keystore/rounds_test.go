package keystore_test

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"testing"
	"time"

	"github.com/youmark/pkcs8"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/strait-mirror/strait/config/keystore"
	"github.com/strait-mirror/strait/config/keystore/storetest"
)

// TestRounds refuses stores that would have their password hashed for hours, and
// reads those whose makers were merely careful.
func TestRounds(t *testing.T) {
	p := storetest.New(t, year)
	careful := pkcs12.Modern.WithIterations(70_000)
	own, err := careful.Encode(p.Key, p.Cert, []*x509.Certificate{p.CA}, storetest.Password)
	if err != nil {
		t.Fatal(err)
	}
	trust, err := careful.EncodeTrustStore([]*x509.Certificate{p.CA}, storetest.Password)
	if err != nil {
		t.Fatal(err)
	}
	key := encrypted(t, p, pkcs8.PBKDF2Opts{SaltSize: 8, IterationCount: 70_000, HMACHash: pkcs8.DefaultOpts.KDFOpts.(pkcs8.PBKDF2Opts).HMACHash})
	scrypt := encrypted(t, p, pkcs8.ScryptOpts{SaltSize: 8, CostParameter: 1 << 10, BlockSize: 8, ParallelizationParameter: 1})
	const refused = "more often than Java allows"
	asked, rounds := []byte{2, 3, 0x01, 0x11, 0x70}, []byte{2, 3, 0x4c, 0x4b, 0x41} // 70,000 and 5,000,001
	tests := map[string]struct {
		read func() error
		want string
	}{
		"careful key store":   {identity(own), ""},
		"slow key store":      {identity(bytes.ReplaceAll(own, asked, rounds)), refused},
		"slow integrity":      {identity(last(own, asked, rounds)), refused},
		"careful trust store": {trusted(trust), ""},
		"slow trust store":    {trusted(bytes.ReplaceAll(trust, asked, rounds)), refused},
		"careful key":         {pair(p, key), ""},
		"slow key":            {pair(p, bytes.Replace(key, asked, rounds, 1)), refused},
		"scrypt":              {pair(p, scrypt), ""},
		"slow scrypt":         {pair(p, bytes.Replace(scrypt, []byte{2, 2, 4, 0, 2, 1, 8, 2, 1, 1}, []byte{2, 2, 0x7f, 0xff, 2, 1, 0x7f, 2, 1, 1}, 1)), refused},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			done := make(chan error, 1)
			go func() { done <- tt.read() }()
			select {
			case err := <-done:
				says(t, err, tt.want)
			case <-time.After(time.Minute):
				t.Fatal("it hangs")
			}
		})
	}
}

// last replaces only the last occurrence.
func last(text, before, after []byte) []byte {
	i := bytes.LastIndex(text, before)
	out := bytes.Clone(text)
	copy(out[i:], after)
	return out
}

func identity(store []byte) func() error {
	return func() error {
		_, err := keystore.Identity(store, storetest.Password, "")
		return err
	}
}

func trusted(store []byte) func() error {
	return func() error {
		_, err := keystore.Trusted(store, storetest.Password)
		return err
	}
}

// pair reads a key in DER with its certificate, as PEM.
func pair(p storetest.Pair, key []byte) func() error {
	return func() error {
		_, err := keystore.PEMIdentity(p.CertPEM(), pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: key}), "key")
		return err
	}
}

// encrypted is the key of p, encrypted by a password.
func encrypted(t *testing.T, p storetest.Pair, kdf pkcs8.KDFOpts) []byte {
	t.Helper()
	der, err := pkcs8.MarshalPrivateKey(p.Key, []byte("key"), &pkcs8.Opts{Cipher: pkcs8.AES256CBC, KDFOpts: kdf})
	if err != nil {
		t.Fatal(err)
	}
	return der
}
